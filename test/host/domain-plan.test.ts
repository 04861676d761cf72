import assert from "node:assert/strict";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { handlerOf } from "../../provider/resource";
import { Lab, wire } from "./domain-lab";

describe("domain: what a preview says of a change", () => {
	let lab: Lab;

	before(async function () {
		this.timeout(600_000);
		lab = await Lab.start();
	});
	after(async () => {
		await lab?.stop();
	});

	/** What the engine gets to know before it knows the outputs: it hands over old inputs only. */
	async function plan(olds: DomainInputs, news: DomainInputs): Promise<string[]> {
		const { inputs, failures } = await handlerOf(domain).check(wire({ ...olds }), wire({ ...news }));
		assert.deepEqual(failures, []);
		return ((inputs.plan ?? []) as string[]).filter((line) => !line.startsWith("accelerator:"));
	}

	it("tells that changes which were put off take effect, for as long as they wait", async () => {
		const inputs = lab.plain("late", { memoryMiB: 64, onRestartRequired: "defer" });
		const later = { ...inputs, rng: false, graphics: "vnc" as const };
		const now = { ...later, onRestartRequired: "restart" as const };
		let state = wire(await lab.update(wire(await lab.create(inputs)), later));
		const waits = "onRestartRequired: restart: changes that were put off take effect: rng, graphics";
		assert.deepEqual(await plan(later, now), [waits]);

		const described = { ...later, description: "described meanwhile" };
		state = wire(await lab.update(state, described));
		assert.deepEqual(await plan(described, { ...now, description: described.description }), [waits]);

		// Somebody else restarts it.
		await lab.machine.virsh("destroy", state.uuid);
		await lab.machine.virsh("start", state.uuid);
		assert.equal((await lab.read(state))?.pendingRestart, undefined);
		assert.deepEqual(await plan(described, { ...now, description: described.description }), [
			"onRestartRequired: live: used from the next change on",
		]);
		await lab.delete(state);
	});

	it("goes by the hardware that a machine has from its template", async () => {
		const template = await lab.create(lab.plain("template", { memoryMiB: 96, maxMemoryMiB: 160, running: false }));
		const inputs = lab.plain("copy", { template: template.uuid, running: true });
		const state = await lab.create(inputs);
		assert.deepEqual(await plan(inputs, { ...inputs, memoryMiB: 128, maxMemoryMiB: 160 }), [
			"memoryMiB: live: 96 to 128 MiB by the balloon",
		]);
		await lab.delete(state);
		await lab.delete(template);
	});
});
