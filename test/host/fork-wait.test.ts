import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { forkPoint } from "../../provider/fork/lifecycle";
import { repository } from "../../tools/pulumi/project";
import { Lab } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";

const PROGRAM = join(repository, "dist/cli/main.js");

describe("a fork point that others wait for", function () {
	this.timeout(300_000);
	let lab: Lab;
	let forks: ForkLab;
	let point: Point;

	before(async () => {
		lab = await Lab.start();
		forks = new ForkLab(lab);
	});
	after(() => lab?.stop());

	const args = (...more: string[]) => [PROGRAM, "fork", "wait", ...more, "--uri", lab.machine.uri];
	const run = (...more: string[]) => promisify(execFile)("node", args(...more));

	/** @returns when it has said this, and what it comes to */
	async function waitsSaying(what: RegExp, ...more: string[]) {
		const child: ChildProcess = spawn("node", args(...more));
		let out = "";
		let said = "";
		child.stdout!.on("data", (data) => (out += data));
		const ended = once(child, "close");
		await new Promise<void>((resolve, reject) => {
			child.stderr!.on("data", (data) => {
				said += data;
				if (what.test(said)) resolve();
			});
			ended.then(() => reject(new Error(`it has ended: ${said}`)), reject);
		});
		return { child, said: () => said, out: () => out, ended };
	}

	it("is told to them as soon as it is complete, and by what libvirt tells while it is made", async () => {
		const waits = await waitsSaying(/waits: there is no fork point warm on /, "warm");
		point = (await forkPoint.create(forks.point(), lab.context)).state;
		const [code] = await waits.ended;
		assert.equal(code, 0, waits.said());
		assert.match(waits.said(), /waits: warm-[0-9a-f]{8} is not finished\n/);
		const { uuid, domainName, disk, memory, devices, memoryMiB, contentId, lineage } = point;
		assert.deepEqual(JSON.parse(waits.out()), {
			...{ uuid, domainName, disk, memory, devices, memoryMiB, contentId },
			...{ pool: "pool", owner: "org/project/stack/warm", base: lineage.base },
		});
	});

	it("is there at once for those who come later, by its name, its machine's name and its UUID", async () => {
		for (const name of ["warm", point.domainName, point.uuid]) {
			assert.equal(JSON.parse((await run(name)).stdout).uuid, point.uuid);
		}
	});

	it("is waited for while another one of the same name is there, until one of them goes", async () => {
		const other = (await forkPoint.create(forks.point({ commands: [], ready: undefined }), lab.context)).state;
		const waits = await waitsSaying(
			/there are several fork points warm on .*: warm-\w+, warm-\w+; name one in full/,
			"warm",
		);
		assert.equal(JSON.parse((await run(point.domainName)).stdout).uuid, point.uuid);
		await forkPoint.delete(point.uuid, point, lab.context);
		assert.equal((await waits.ended)[0], 0, waits.said());
		assert.equal(JSON.parse(waits.out()).uuid, other.uuid);
	});

	it("is not waited for beyond the time, nor by who is told to end", async () => {
		const late = await run("cold", "--timeout", "1").catch((error) => error);
		assert.equal(late.code, 1);
		assert.match(late.stderr, /after 1 s there is no fork point cold on \S+ \(--timeout\)\n$/);
		const ended = await waitsSaying(/waits: there is no fork point cold/, "cold");
		ended.child.kill("SIGTERM");
		assert.equal((await ended.ended)[0], 1);
	});

	it("is refused with a time that is none, without a name, and on a host that is not there", async () => {
		const refused = async (what: RegExp, ...more: string[]) => {
			const { code, stderr } = await run(...more).catch((error) => error);
			assert.equal(code, 1);
			assert.match(stderr, what);
		};
		await refused(/--timeout: got "soon"; allowed is a number of seconds from 1 to/, "warm", "--timeout", "soon");
		await refused(/^usage: /);
		await refused(/^usage: /, "warm", "cold");
		const away = ["fork", "wait", "warm", "--uri", "qemu+unix:///system?socket=/nonexistent"];
		const { code, stderr } = await promisify(execFile)("node", [PROGRAM, ...away]).catch((error) => error);
		assert.equal(code, 1);
		assert.match(stderr, /nonexistent/);
	});
});
