import assert from "node:assert/strict";
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import { poll } from "../../provider/domain/patience";
import type { DomainInputs } from "../../provider/domain/schema";
import { policyOf } from "../../provider/move/convergence";
import { noteMoving } from "../../provider/move/moving";
import { parse } from "../../provider/xml/element";
import { recordedIn } from "../../provider/xml/metadata";
import { connectHosts } from "../../tools/testhost";
import { type Full, Lab, wire } from "./domain-lab";
import { assertTicks, faultOf, movesInto, TICK, WRITE } from "./move-faults";

const MIB = 2 ** 20;
/** Of the pause of a guest that writes little, times its bound: QEMU's estimate on a busy host, and the hand-over. */
const GENEROUS = 10;

describe("a machine that moves to another host", function () {
	this.timeout(180_000);
	let a: Lab;
	let b: Lab;
	/** Where it is. */
	let at: Lab;
	let inputs: DomainInputs;
	let state: Full;
	let bootId: string;

	before(async () => {
		a = await Lab.startMoving();
		b = await Lab.startMoving();
		await connectHosts(a.machine, b.machine);
		at = a;
		inputs = await on(a);
		state = wire(await a.create(inputs));
		bootId = await a.sh(state.uuid, "cat /proc/sys/kernel/random/boot_id");
		await a.sh(state.uuid, TICK);
	});
	after(async () => {
		await a?.stop();
		await b?.stop();
	});

	/** The machine as it is to be there, on a fresh overlay. */
	async function on(lab: Lab, more: object = {}): Promise<DomainInputs> {
		const migration = { peerUri: `qemu+tcp://${lab.machine.linkAddress}/system` };
		return lab.inputs("goes", { type: "qemu", waitFor: { agent: true }, migration, ...more });
	}

	/** @returns what the preview says */
	async function planned(lab: Lab, news: DomainInputs): Promise<string[]> {
		const settled = await domain.settle!(inputs, news, lab.context);
		const found = changes(state, settled).filter(({ property }) => property !== "migration");
		return found.map(({ property, effect, note }) => `${property}: ${effect}: ${note}`);
	}

	const tried = (lab: Lab, news: DomainInputs) => domain.update(state.uuid, state, news, lab.context);

	async function moved(lab: Lab, news: DomainInputs): Promise<void> {
		state = wire(await tried(lab, news));
		const former = at;
		at = lab;
		inputs = news;
		assert.deepEqual(changes(state, news), []);
		assert.deepEqual(wire(await lab.read(state)), state);
		assert.equal(await former.host.domains.find(state.uuid), undefined);
		const definition = parse(await lab.host.domains.xml(state.uuid, { inactive: true }));
		assert.equal(recordedIn(definition)?.moving, undefined);
	}

	/** It went on all the time, on its disk as well. */
	async function counts(): Promise<number> {
		return assertTicks(at, state.uuid, bootId);
	}

	it("goes on there without a tick lost, on a thin disk, and is gone where it was", async () => {
		const before = await counts();
		const news = await on(b);
		assert.deepEqual(await planned(b, news), [
			`uri: live: moves from ${a.machine.uri} while it runs: memory and what its 1 disk(s) hold are sent to ` +
				`tcp://${b.machine.linkAddress}, the last of it in a pause of at most 300 ms, then it goes on there`,
		]);
		await moved(b, news);
		assert.ok((await counts()) > before);
		assert.equal((await b.host.domains.find(state.uuid))?.persistent, true);
		const [, pauseMs] = /moved in \d+ ms, of which it stood still for (\d+) ms/.exec(b.logged.join("\n")) ?? [];
		assert.ok(Number(pauseMs) <= GENEROUS * policyOf(news.migration).maxPauseMs, `${pauseMs} ms`);
		const { size } = await stat(news.disks[0]!.volume);
		assert.ok(size < 16 * MIB, `${size} bytes`);
	});

	it("runs on as it was where it cannot go, and says why", async () => {
		const news = await on(a);
		const [disk] = news.disks;
		const nowhere = { ...news, migration: { peerUri: "qemu+tcp://127.0.0.1:1/system" } };
		await assert.rejects(tried(a, nowhere), /goes was not moved: .*\nIt runs on on qemu\+unix.* as before/s);
		await a.machine.seeMemory(100);
		await assert.rejects(tried(a, news), /goes was not moved: .* has 100 MiB of the 192 MiB that it needs/);
		await a.machine.seeMemory();
		const lost = { ...news, disks: [] };
		await assert.rejects(tried(a, lost), /got 0 for a machine that moves with 1: allowed are its disks/);
		const written = { ...news, disks: [{ ...disk!, volume: a.path("disk") }] };
		await assert.rejects(tried(a, written), /disk on qemu\+unix.*(which holds something already|uses)/);
		// An attempt to go elsewhere was cut off, to a volume of the same path.
		const held = a.path("held.qcow2");
		await copyFile(a.path("disk"), held);
		await noteMoving(b.host, state.uuid, { to: "qemu+tcp://192.0.2.1/system", disks: [held], off: false });
		await assert.rejects(tried(a, { ...news, disks: [{ ...disk!, volume: held }] }), /which holds something already/);
		await noteMoving(b.host, state.uuid, undefined);
		const other = await a.create(a.plain("other", { running: false, memoryMiB: 64, disks: [disk!] }));
		await assert.rejects(tried(a, news), /which domain other uses; allowed is a volume of its own/);
		await a.delete(other);
		await counts();
	});

	it("arrives where its driver was killed in the middle", async () => {
		const news = await on(a);
		const driver = fork(join(__dirname, "move-process.js"));
		// Slow enough for a middle, on a machine that has other work as well.
		driver.send({ state, inputs: { ...news, migration: { ...news.migration, bandwidthMiBps: 16 } } });
		const began = await poll(60, () => b.host.domains.job(state.uuid), { firstMs: 5, slowestMs: 5 });
		assert.equal(began?.isMigration, true);
		driver.kill("SIGKILL");
		await once(driver, "exit");
		await moved(a, news);
		await counts();
	});

	it("stays where its memory changes faster than it is sent, or stands still for the rest, as is wanted", async () => {
		const news = await on(b);
		const writer = await a.sh(state.uuid, WRITE);
		const limits = { bandwidthMiBps: 32, maxPauseMs: 100, timeoutSeconds: 1 };
		const bounded = (onNoConvergence: "abort" | "suspend") => ({
			...news,
			migration: { ...news.migration, ...limits, onNoConvergence },
		});
		await assert.rejects(
			tried(b, bounded("abort")),
			/goes was not moved: goes changes its memory faster than it is sent, within a pause of 100 ms: pass \d+: .*\nIt runs/s,
		);
		await counts();
		await moved(b, bounded("suspend"));
		assert.match(b.logged.join("\n"), /pass \d+: \d+ MiB are left.*: it stands still until the rest is sent/);
		await b.sh(state.uuid, `kill ${writer}; rm -r /run/w/*`);
		await counts();
	});

	it("runs on as before when its migration is aborted or QEMU there is killed, and moves in the next run", async () => {
		const news = await on(a);
		for (const what of ["the migration is aborted", "QEMU there is killed"]) {
			await movesInto(faultOf(what), { from: b, to: a, state, news, moreMs: 100 });
			await counts();
		}
		await moved(a, news);
		await counts();
	});

	it("stops and asks where both hosts have it", async () => {
		const definition = await a.host.domains.xml(state.uuid, { inactive: true });
		await b.host.domains.define(definition);
		const news = await on(b);
		await assert.rejects(
			tried(b, news),
			/where goes is cannot be told: on .* it runs or is paused; on .* is defined and off/,
		);
		await b.host.domains.undefine(state.uuid);
		await counts();
	});

	it("stays off where it is off, with all that is on its disk", async () => {
		await counts();
		const off = { ...inputs, running: false };
		state = wire(await a.update(state, off));
		inputs = off;
		const news = await on(b, { running: false });
		assert.match((await planned(b, news)).join(), /what its 1 disk\(s\) hold is sent to .*; it stays off$/);
		const former = { state, inputs };
		await moved(b, news);
		assert.equal((await b.host.domains.find(state.uuid))?.state, "shutoff");
		const images = [off.disks[0]!.volume, news.disks[0]!.volume];
		const { stdout } = await promisify(execFile)("qemu-img", ["compare", "-s", ...images]);
		assert.match(stdout, /identical/);

		// What a run leaves that is killed before it has removed the variables of its firmware with a definition.
		({ state, inputs } = former);
		at = a;
		const moving = { to: b.host.uri, disks: news.disks.map(({ volume }) => volume), off: true };
		await noteMoving(b.host, state.uuid, moving);
		const left = await b.host.domains.xml(state.uuid, { inactive: true, secure: true });
		await a.host.domains.define(left, { validate: false });
		await noteMoving(a.host, state.uuid, { ...moving, to: "qemu+tcp://elsewhere/system" });
		await assert.rejects(
			tried(b, news),
			/where goes is cannot be told: on .* is defined and off; on .* defined and off/,
		);
		await noteMoving(a.host, state.uuid, moving);
		await moved(b, news);
	});
});
