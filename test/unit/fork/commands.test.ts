import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandsText } from "../../../provider/fork/guest";

const SCRIPTS = join(__dirname, "..", "..", "..", "..", "guest", "fork");

describe("the commands of a forked child", () => {
	let folder: string;

	before(() => {
		folder = mkdtempSync(join(tmpdir(), "fork-commands-"));
		mkdirSync(join(folder, "pulumi-libvirt-clones"));
		for (const name of ["connect", "ending", "identified", "services"]) {
			// What is in /run and /var/lib of this machine stays there.
			const script = readFileSync(join(SCRIPTS, name), "utf8").replaceAll(/\/(run|var\/lib)\//g, `${folder}/`);
			writeFileSync(join(folder, name), script, { mode: 0o755 });
		}
		const core = readFileSync(join(SCRIPTS, "core.base64"), "utf8");
		writeFileSync(join(folder, "core"), Buffer.from(core, "base64"), { mode: 0o755 });
	});
	after(() => rmSync(folder, { recursive: true, force: true }));

	const run = (commands: string[][]) =>
		spawnSync("sh", [join(folder, "connect"), "5", "none", "any"], {
			input: commandsText(commands),
			encoding: "utf8",
		});

	it("get their words as they are, one after the other, without a shell", () => {
		const out = join(folder, "out");
		const words = ["two words", "", "$HOME", "*", "'quoted'", '"', "line\nends\n\n", "-n", "é"];
		const { stdout, status, stderr } = run([
			["sh", "-c", 'out=$1; shift; for word; do printf "<%s>" "$word"; done > "$out"', "sh", out, ...words],
			["sh", "-c", 'printf "%s" then >> "$0"; cat >> "$0"', out],
		]);
		assert.equal(status, 0, stderr);
		assert.equal(stdout, "commands 2\n");
		assert.equal(readFileSync(out, "utf8"), `${words.map((word) => `<${word}>`).join("")}then`);
	});

	it("are programs, also where the script has a function of that name", () => {
		const { status, stderr } = run([["fail", "me"]]);
		assert.notEqual(status, 0);
		assert.match(stderr, /fail: not found|commands\[0\] ended with exit code 127/);
	});

	it("stop at the first that fails, and say which it was and what it said", () => {
		const { status, stderr, stdout } = run([
			["true"],
			["sh", "-c", "echo no goods; exit 3"],
			["touch", join(folder, "third")],
		]);
		assert.notEqual(status, 0);
		assert.match(stderr, /no goods\ncommands\[1\] ended with exit code 3/);
		assert.equal(stdout, "");
		assert.throws(() => readFileSync(join(folder, "third")));
	});

	it("may be none", () => assert.equal(run([]).stdout, "commands 0\n"));
});
