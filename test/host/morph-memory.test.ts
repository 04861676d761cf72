import assert from "node:assert/strict";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { morphSchema } from "../../provider/morph/template";
import { parse } from "../../provider/xml/element";
import { recordedIn } from "../../provider/xml/metadata";
import { HOLD_ON } from "./dimms";
import { type Full, Lab, wire } from "./domain-lab";
import { diesAtCall } from "./dying-host";

const size = (memoryMiB: number) => ({ instanceType: { vcpus: 1, memoryMiB } });
const by = (way: string) => ({
	morph: morphSchema.parse({ hotUnplug: [{ kind: "memory", by: way }], hotPlug: [{ kind: "memory", by: way }] }),
});

describe("a machine that is given memory by DIMMs", function () {
	this.timeout(300_000);
	let lab: Lab;
	let inputs: DomainInputs;
	let state: Full;

	before(async () => {
		lab = await Lab.start();
		inputs = await lab.inputs("slots", {
			memoryMiB: undefined,
			type: "qemu",
			...size(160),
			headroom: { maxVcpus: 1, maxMemoryMiB: 1184, memoryBy: "dimm" },
			nics: [],
			waitFor: { agent: true },
		});
		state = wire(await lab.create(inputs));
	});
	after(() => lab?.stop());

	const sh = (script: string) => lab.sh(state.uuid, script);
	const total = async () => Number(await sh("awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo"));
	const blocks = async () => Number(await sh("cat /sys/devices/system/memory/memory*/state | grep -c online"));

	/** @returns the preview's line of it */
	async function change(more: object): Promise<string> {
		const news = { ...inputs, ...more } as DomainInputs;
		const plan = await domain.plan!(news, { ...lab.context, makes: false });
		state = wire(await lab.update(state, news));
		inputs = news;
		await untouched();
		return plan.filter((line) => /MiB: /.test(line)).join();
	}

	async function untouched() {
		assert.deepEqual(wire(await lab.read(state)), state);
		assert.deepEqual(domain.changes(state, inputs), []);
		const xml = await lab.host.domains.xml(state.uuid, { inactive: true });
		assert.equal(recordedIn(parse(xml))?.morph, undefined);
	}

	it("takes some, which its guest uses at once", async () => {
		const before = [await total(), await blocks()];
		assert.match(await change(size(544)), /hotPlug: 160 to 544 MiB: DIMMs of 256, 128 MiB$/);
		assert.deepEqual([(await total()) - before[0]!, (await blocks()) - before[1]!], [384, 3]);
	});

	it("gives back any amount by the balloon, which is no drift, and has it again", async () => {
		const before = await total();
		assert.match(await change({ ...size(400), ...by("balloon") }), /hotUnplug: 544 to 400 MiB: the balloon$/);
		assert.equal(before - (await total()), 144);
		assert.match(await change({ ...size(500), ...by("balloon") }), /hotPlug: 400 to 500 MiB: the balloon$/);
		assert.equal(before - (await total()), 44);
	});

	it("gives a DIMM back, what the balloon holds first", async () => {
		const before = await blocks();
		assert.match(await change({ ...size(416), morph: {} }), /: without DIMMs of 128 MiB and the balloon$/);
		assert.equal(before - (await blocks()), 1);
	});

	it("keeps one that its guest does not let go of, and is as it was", async () => {
		await sh(HOLD_ON);
		const before = [await total(), await blocks()];
		const formerly = inputs;
		await assert.rejects(
			change(size(160)),
			/its guest does not let go of the DIMM of 256 MiB .*\nWhat was done before has been taken back. slots runs on as it was/,
		);
		inputs = formerly;
		await untouched();
		assert.deepEqual([await total(), await blocks()], before);
	});

	it("comes to its end wherever the driver is killed", async () => {
		await change({ running: false, shutdownTimeoutSeconds: 0 });
		await change({ running: true });
		let deaths = 0;
		for (let diesAt = 1, grows = true; ; diesAt += 3, grows = !grows) {
			// The balloon has its part both ways: each is a step that can be cut off in between.
			const news = { ...inputs, ...size(grows ? 416 + 384 : 400) } as DomainInputs;
			const died = await diesAtCall(diesAt, lab, state, news);
			if (died) deaths++;
			state = wire(await lab.update(state, news));
			inputs = news;
			await untouched();
			if (!died) break;
		}
		assert.ok(deaths >= 4, `${deaths} deaths`);
	});
});
