/** A Debian guest that is given memory by DIMMs, and gives it back, or refuses to. */
import assert from "node:assert/strict";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { morphSchema } from "../../provider/morph/template";
import { HOLD_ON } from "../host/dimms";
import { type Full, Lab, wire } from "../host/domain-lab";

const size = (memoryMiB: number) => ({ instanceType: { vcpus: 1, memoryMiB } });

describe("a Debian guest with room for DIMMs", function () {
	this.timeout(600_000);
	let lab: Lab;
	let inputs: DomainInputs;
	let state: Full;

	before(async () => {
		lab = await Lab.start("debian");
		inputs = await lab.inputs("debian", {
			memoryMiB: undefined,
			type: "qemu",
			...size(384),
			headroom: { maxVcpus: 1, maxMemoryMiB: 1152, memoryBy: "dimm" },
			nics: [],
			waitFor: { agent: true, timeoutSeconds: 400 },
			morph: morphSchema.parse({ hotUnplug: [{ kind: "memory", timeoutSeconds: 300 }] }),
		});
		state = wire(await lab.create(inputs));
	});
	after(() => lab?.stop());

	const sh = (script: string) => lab.sh(state.uuid, script);
	const memory = async () => ({
		totalMiB: Number(await sh("awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo")),
		online: Number(await sh("grep -l online /sys/devices/system/memory/memory*/state | wc -l")),
		movable: Number(await sh("grep -l '^Movable' /sys/devices/system/memory/memory*/valid_zones | wc -l")),
	});

	async function change(memoryMiB: number): Promise<string> {
		const news = { ...inputs, ...size(memoryMiB) };
		const plan = await domain.plan!(news, { ...lab.context, makes: false });
		state = wire(await lab.update(state, news));
		inputs = news;
		assert.deepEqual(wire(await lab.read(state)), state);
		return plan.join("\n");
	}

	it("takes and gives back", async () => {
		const before = await memory();
		assert.match(await change(768), /hotPlug: 384 to 768 MiB: DIMMs of 256, 128 MiB$/m);
		const { totalMiB, online, movable } = await memory();
		assert.deepEqual([totalMiB - before.totalMiB, online - before.online, movable], [384, 3, 3]);
		assert.match(await change(512), /hotUnplug: 768 to 512 MiB: without DIMMs of 256 MiB$/m);
		assert.equal((await memory()).totalMiB - before.totalMiB, 128);
		assert.match(await change(384), /hotUnplug: 512 to 384 MiB: without DIMMs of 128 MiB$/m);
		assert.deepEqual(await memory(), before);
	});

	it("refuses to give back what it holds on to, and is as it was", async () => {
		await change(640);
		await sh(HOLD_ON);
		const before = await memory();
		await assert.rejects(
			change(384),
			/its guest does not let go of the DIMM of 256 MiB .*\nWhat was done before has been taken back. debian runs on as it was/,
		);
		assert.deepEqual(await memory(), before);
		assert.deepEqual(wire(await lab.read(state)), state);
	});
});
