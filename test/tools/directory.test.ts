import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../tools/directory/until";

const tools = join(__dirname, "../../tools/directory");

/** A process that starts a directory and says its world's first process, as seen from outside. */
const starter = `
	require(${JSON.stringify(join(tools, "slapd.js"))}).Slapd.start().then((slapd) => console.log(slapd.world.pid));
	setInterval(() => {}, 1000);`;

describe("directory servers for tests", () => {
	/** For temporary files: other tests use the machine's at the same time, and mount what is theirs there. */
	let folder: string;
	before(() => {
		folder = mkdtempSync(join(tmpdir(), "directory-"));
	});
	after(() => rmSync(folder, { recursive: true, force: true }));

	it("end with the process that started them, and leave nothing, when that is killed", async () => {
		const traces = () => [
			...["/etc", "/var/lib/samba", "/var/lib/ldap", "/etc/ldap"].map((path) =>
				existsSync(path) ? changed(path) : path,
			),
			...mountPoints().filter((path) => path.startsWith(folder) || !path.startsWith(`${tmpdir()}/`)),
			...readdirSync(folder),
		];
		const before = traces();
		const env = { ...process.env, TMPDIR: folder };
		const owner = spawn("node", ["-e", starter], { env, stdio: ["ignore", "pipe", "inherit"] });
		const [said] = await once(owner.stdout, "data");
		const network = readlinkSync(`/proc/${Number(said)}/ns/net`);
		assert.ok(inNetwork(network) >= 3, "tini, its holder and slapd");

		owner.kill("SIGKILL");
		await until("the server is gone", async () => assert.equal(inNetwork(network), 0));
		assert.deepEqual(traces(), before);
	});

	function changed(path: string): string {
		return `${path} ${lstatSync(path).mtimeMs} ${readdirSync(path).join(" ")}`;
	}

	function mountPoints(): string[] {
		const lines = readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n");
		return lines.map((line) => line.split(" ")[4]!);
	}

	function inNetwork(network: string): number {
		return readdirSync("/proc").filter((pid) => {
			try {
				return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/net`) === network;
			} catch {
				return false;
			}
		}).length;
	}
});
