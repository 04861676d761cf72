import assert from "node:assert/strict";
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { saveWhole } from "../../provider/fork/device-state";
import { forkPoint } from "../../provider/fork/lifecycle";
import { type Full, Lab } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";
import { temporaryFiles } from "./volume-lab";

/** Has something in its memory that is nowhere else: the variables of a shell. */
const COUNTS =
	"secret=$(cat /proc/sys/kernel/random/uuid); n=0; while :; do n=$((n + 1)); echo $secret $n > /run/count; sleep 0.2; done";

describe("a fork point made from a machine that runs", function () {
	this.timeout(240_000);
	let lab: Lab;
	let forks: ForkLab;
	let source: Full;
	let point: Point;
	const temporary = temporaryFiles();

	before(async () => {
		lab = await Lab.start("micro");
		forks = new ForkLab(lab);
		source = await lab.create(
			await lab.inputs("web", { nics: [{ network: "default" }], waitFor: { agent: true, address: "auto" } }),
		);
		await lab.create(await lab.inputs("shy", { cloneableBy: [], waitFor: { agent: false, address: "none" } }));
		await lab.create(await lab.inputs("roomy", { headroom: {}, waitFor: { agent: false, address: "none" } }));
		await lab.create(await lab.inputs("off", { running: false }));
		const disks = [
			{ volume: await lab.volume("first.qcow2") },
			{ volume: await lab.volume("second.qcow2", { empty: true }) },
		];
		await lab.create(await lab.inputs("two", { disks, waitFor: { agent: false, address: "none" } }));
		await lab.sh(source.uuid, `setsid sh -c '${COUNTS}' > /dev/null 2>&1 < /dev/null &`);
	});
	after(() => lab?.stop());

	const inputs = (more: object = {}) =>
		forks.point({ base: undefined, domain: {}, network: undefined, ready: undefined, source: "web", ...more });
	const counted = async (uuid: string) => (await lab.sh(uuid, "cat /run/count")).split(" ");
	const state = async () => (await lab.host.domains.state(source.uuid)).state;
	const told =
		"cat /proc/sys/kernel/random/boot_id; ip -o -4 addr show dev eth0; cat /sys/class/net/eth0/address; hostname";

	it("is said in the plan, with what the machine will notice", async () => {
		const lines = await forkPoint.plan!(inputs(), lab.context);
		assert.match(lines.join("\n"), /domain web stands still while its memory \(\d+ MiB\) and its disk are copied/);
		assert.match(lines.join("\n"), /goes on as a copy of web, makes it ready/);
	});

	it("leaves the machine as it was, which goes on with its NIC", async () => {
		const before = await lab.sh(source.uuid, told);
		const definition = await lab.host.domains.xml(source.uuid);
		const [secret, from] = await counted(source.uuid);
		point = (await forkPoint.create(inputs(), lab.context)).state;
		assert.equal(await lab.sh(source.uuid, told), before);
		assert.equal(await lab.host.domains.xml(source.uuid), definition);
		const [same, to] = await counted(source.uuid);
		assert.equal(same, secret);
		assert.ok(Number(to) > Number(from));
		assert.equal((await lab.host.domains.state(source.uuid)).state, "running");
	});

	it("has children that go on in the machine's memory, each as somebody of its own", async () => {
		const child = await lab.create(await forks.child("child-1", point));
		assert.equal(child.forked!.hostname, "child-1");
		const [secret, from] = await counted(child.uuid);
		assert.equal((await counted(source.uuid))[0], secret);
		assert.equal(await lab.sh(child.uuid, "cat /run/warm; hostname"), "warmed up\nchild-1");
		const [bootId, ...own] = (await lab.sh(child.uuid, told)).split("\n");
		const [theirs, ...others] = (await lab.sh(source.uuid, told)).split("\n");
		assert.equal(bootId, theirs);
		for (const line of own) assert.ok(!others.includes(line), line);
		const [, to] = await counted(child.uuid);
		assert.ok(Number(to) >= Number(from));
	});

	it("lets the machine go on when nobody reads its state any more", async () => {
		const folder = await mkdtemp(join(tmpdir(), "fork-source-"));
		const pipe = join(folder, "state");
		await promisify(execFile)("mkfifo", [pipe]);
		const reader = createReadStream(pipe);
		reader.once("data", () => reader.destroy());
		await lab.host.domains.suspend(source.uuid);
		await assert.rejects(saveWhole(lab.host, source.uuid, pipe, 60), /QEMU could not write its state/);
		await lab.host.domains.resume(source.uuid);
		assert.equal(await state(), "running");
		const capabilities = await lab.host.domains.qmp<Array<{ capability: string; state: boolean }>>(
			source.uuid,
			"query-migrate-capabilities",
		);
		assert.equal(capabilities.find(({ capability }) => capability === "x-ignore-shared")!.state, false);
		await rm(folder, { recursive: true });
	});

	it("goes on with the machine where a run is killed while that stands still", async () => {
		const again = inputs({ takeTrigger: "2" });
		const writing = async () => (await lab.host.domains.qmp<{ status?: string }>(source.uuid, "query-migrate")).status;
		let killed: ChildProcess | undefined;
		// The moment may be over before it is seen.
		for (let attempt = 0; attempt < 10 && !killed; attempt++) {
			const run = fork(join(__dirname, "fork-source-process.js"), {
				env: { ...process.env, POINT: JSON.stringify(again) },
			});
			const ended = once(run, "exit");
			while (run.exitCode === null && !killed) {
				if ((await writing()) === "active") {
					run.kill("SIGKILL");
					killed = run;
				} else await sleep(3);
			}
			await ended;
			if ((await state()) === "paused") break;
			killed = undefined;
		}
		assert.ok(killed, "a run was killed while the machine stood still");
		assert.match((await temporary()).join("\n"), /^clones-state-/m);
		const other = (await forkPoint.create(again, lab.context)).state;
		assert.notEqual(other.contentId, point.contentId);
		assert.equal(await state(), "running");
		const [, from] = await counted(source.uuid);
		while ((await counted(source.uuid))[1] === from) await sleep(100);
		assert.doesNotMatch(await lab.host.domains.xml(source.uuid), /standing/);
		await forkPoint.delete(other.uuid, other, lab.context);
		assert.deepEqual(await temporary(), []);
	});

	for (const [what, more, complaint] of [
		["is not there", { source: "nobody" }, /there is no domain nobody/],
		["is a fork's child", { source: "child-1" }, /got domain child-1, which is a forked child/],
		["is not this stack's to clone", { source: "shy", ownerId: "other/project/stack/x" }, /may not clone/],
		["has room for memory", { source: "roomy" }, /which has room for memory/],
		["has a second disk", { source: "two" }, /which has 2 disks and drives/],
		["is off", { source: "off" }, /which is off/],
	] as const) {
		it(`is refused of a machine that ${what}, before anything is touched`, async () => {
			const names = await readdir(lab.machine.poolDirectory);
			await assert.rejects(forkPoint.create(inputs(more), lab.context), complaint);
			assert.deepEqual(await readdir(lab.machine.poolDirectory), names);
		});
	}

	it("leaves no file but its own", async () => {
		const names = await readdir(lab.machine.poolDirectory);
		assert.deepEqual(
			names.filter((name) => /state|partial|tmp/.test(name)),
			[],
		);
	});
});
