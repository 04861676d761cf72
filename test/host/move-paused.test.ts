import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import { poll } from "../../provider/domain/patience";
import type { DomainInputs } from "../../provider/domain/schema";
import { obstacles } from "../../provider/move/obstacles";
import { parse } from "../../provider/xml/element";
import { connectHosts } from "../../tools/testhost";
import { type Full, Lab, wire } from "./domain-lab";
import { assertTicks, faultOf, movesInto, TICK } from "./move-faults";

/** By the machine's own QEMU, which before 9.0 loses what a guest without KVM writes while its memory is sent. */
describe("a machine that stands still while its memory is sent", function () {
	this.timeout(180_000);
	let a: Lab;
	let b: Lab;
	let at: Lab;
	let state: Full;
	let inputs: DomainInputs;
	let bootId: string;
	let loses: boolean;

	before(async () => {
		[a, b] = await Promise.all([Lab.start(), Lab.start()]);
		await connectHosts(a.machine, b.machine);
		const [major] = (await a.host.info()).hypervisorVersion.split(".");
		loses = Number(major) < 9;
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

	async function on(lab: Lab, more: object = { mode: "paused" }): Promise<DomainInputs> {
		const migration = { peerUri: `qemu+tcp://${lab.machine.linkAddress}/system`, ...more };
		return lab.inputs("stands", { type: "qemu", waitFor: { agent: true }, migration });
	}

	async function planned(news: DomainInputs): Promise<string> {
		const settled = await domain.settle!(inputs, news, b.context);
		return changes(state, settled).find(({ property }) => property === "uri")?.note ?? "";
	}

	async function moved(lab: Lab, news: DomainInputs): Promise<void> {
		state = wire(await lab.update(state, news));
		[at, inputs] = [lab, news];
		assert.deepEqual(changes(state, news), []);
		await assertTicks(at, state.uuid, bootId);
	}

	it("is so where it would lose what it writes, and says why, unless it is to run on", async () => {
		const root = parse(await a.host.domains.xml(state.uuid));
		const [loss] = await obstacles(a.host, b.host, root);
		assert.equal(loss?.mode, loses ? "paused" : undefined);
		const said = loses
			? /^moves from \S+ standing still \(without KVM, QEMU \S+ loses what its guest writes meanwhile\): /
			: /^moves from \S+ while it runs: /;
		assert.match(await planned(await on(b, {})), said);
		const live = planned(await on(b, { mode: "live" }));
		if (loses)
			await assert.rejects(live, /got "live" for stands: without KVM, QEMU .*; allowed are "auto", "paused" and/);
		else assert.match(await live, said);
	});

	it("goes on there with all that it has counted", async () => {
		const news = await on(b);
		assert.match(
			await planned(news),
			/its 1 disk\(s\) hold is sent to tcp:\/\/\S+ while it runs, its memory after that while it stands still, then it goes on there$/,
		);
		await moved(b, news);
		assert.match(b.logged.join("\n"), /moved in \d+ ms, of which it stood still for \d+ ms/);
	});

	it("runs on as before where it cannot be sent, or QEMU there is killed meanwhile", async () => {
		for (const what of ["the migration is aborted", "QEMU there is killed"]) {
			await movesInto(faultOf(what), { from: b, to: a, state, news: await on(a), moreMs: 100 });
			await assertTicks(at, state.uuid, bootId);
		}
	});

	it("arrives where its driver was killed in the middle", async () => {
		const news = await on(a, { mode: "paused", bandwidthMiBps: 16 });
		const driver = fork(join(__dirname, "move-process.js"));
		driver.send({ state, inputs: news });
		const still = async () => (await b.host.domains.find(state.uuid))?.state === "paused" || undefined;
		assert.ok(await poll(60, still, { firstMs: 5, slowestMs: 5 }));
		driver.kill("SIGKILL");
		await once(driver, "exit");
		await moved(a, news);
	});
});
