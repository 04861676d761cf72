import assert from "node:assert/strict";
import fc from "fast-check";
import { shapeUnder } from "../../../provider/morph/agent-policy";
import { planMorph, stepLine } from "../../../provider/morph/planner";
import { morphSchema } from "../../../provider/morph/template";
import { type Given, shape } from "./given";

const lines = (given: Partial<Given>, vcpus: number, memoryMiB: number) => {
	const plan = planMorph(shape(given), { vcpus, memoryMiB });
	return plan.mode === "reboot" ? plan.reasons : plan.steps.map((step) => `${step.phase}: ${stepLine(step)}`);
};

describe("the plan of a change of size", () => {
	it("gives memory back before vCPUs, and takes it before them", () => {
		const kinds = (vcpus: number, memoryMiB: number) =>
			planMorph(shape({ presentMiB: 320 }), { vcpus, memoryMiB }).steps.map(({ kind }) => kind);
		assert.deepEqual(kinds(1, 256), ["memory", "vcpus"]);
		assert.deepEqual(kinds(3, 384), ["memory", "vcpus"]);
	});

	it("has nothing to do for a machine that is as wanted", () => {
		assert.deepEqual(planMorph(shape(), { vcpus: 2, memoryMiB: 256 }), { mode: "none", steps: [], reasons: [] });
	});

	it("takes memory before the vCPUs that want some", () => {
		assert.deepEqual(lines({}, 4, 512), [
			"hotPlug: 256 to 512 MiB: virtio-mem",
			"hotPlug: 2 to 4 vCPUs: hot plug, put to use by the guest agent",
		]);
	});

	it("gives back before it takes", () => {
		assert.deepEqual(
			lines({}, 1, 512).map((line) => line.split(":")[0]),
			["hotUnplug", "hotPlug"],
		);
		assert.match(lines({ presentMiB: 512 }, 4, 256)[0]!, /^hotUnplug: 512 to 256 MiB: virtio-mem$/);
	});

	it("goes below what the machine was started with by the balloon", () => {
		assert.deepEqual(lines({ presentMiB: 512 }, 2, 128), ["hotUnplug: 512 to 128 MiB: virtio-mem and the balloon"]);
		assert.deepEqual(lines({ presentMiB: 128 }, 2, 512), ["hotPlug: 128 to 512 MiB: virtio-mem and the balloon"]);
		assert.deepEqual(lines({ presentMiB: 128, balloon: false }, 2, 512), [
			"it has no balloon, by which memory below the 256 MiB that are plugged changes",
		]);
	});

	const by = (way: "virtioMem" | "dimm" | "balloon") =>
		morphSchema.parse({ hotUnplug: [{ kind: "memory", by: way }], hotPlug: [{ kind: "memory", by: way }] });
	const way = (given: Partial<Given>, memoryMiB: number, chosen?: Parameters<typeof by>[0]) => {
		const plan = planMorph(shape(given), { vcpus: 2, memoryMiB }, chosen && by(chosen));
		return plan.steps[0]?.how ?? plan.reasons.join();
	};

	it("plugs DIMMs of powers of two where its room is for these, and takes those out that come to it", () => {
		const has = (modules: number[]) => ({ modules, presentMiB: modules.reduce((sum, size) => sum + size, 256) });
		assert.equal(way(has([]), 1152), "DIMMs of 512, 256, 128 MiB");
		assert.equal(way(has([512, 256, 128]), 512), "without DIMMs of 128, 512 MiB");
		assert.equal(way(has([128, 256, 128]), 512), "without DIMMs of 256 MiB");
		assert.equal(way(has([256]), 128), "without DIMMs of 256 MiB and the balloon");
		assert.equal(way({ ...has([256]), presentMiB: 128 }, 640), "DIMMs of 128 MiB and the balloon");
		assert.match(
			way(has([256, 128]), 320),
			/^none of its DIMMs \(256, 128 MiB\) come to the 320 MiB that it is to give/,
		);
		assert.match(way(has([]), 356), /^DIMMs are plugged in multiples of 128 MiB, and it is to have 100 MiB more/);
		assert.match(way(has([512, 256]), 1536), /^1536 MiB are beyond the 1280 that it was started with room for$/);
		assert.match(
			way({ ...has([]), slots: 1 }, 640),
			/^it has 1 free slot\(s\) for DIMMs, and 384 MiB more are 256, 128/,
		);
	});

	it("changes memory by what the template says, or says why that cannot be", () => {
		assert.equal(way({ presentMiB: 512 }, 384, "balloon"), "the balloon");
		assert.equal(way({ modules: [256], presentMiB: 512 }, 300, "balloon"), "the balloon");
		assert.match(way({ presentMiB: 512 }, 640, "balloon"), /^by its balloon it has no more than the 512 MiB/);
		assert.match(
			way({ bootMiB: 128, presentMiB: 512 }, 384, "balloon"),
			/^its balloon takes nothing of the 384 MiB that virt/,
		);
		assert.match(way({ presentMiB: 512, balloon: false }, 384, "balloon"), /^it has no balloon/);
		assert.match(way({}, 512, "dimm"), /^512 MiB are beyond the 256 .* room for DIMMs: the rest is virtio-mem's$/);
		assert.match(way({ modules: [] }, 512, "virtioMem"), /^it has no virtio-mem device$/);
	});

	it("never unplugs a vCPU without KVM: the guest leaves it aside, and takes it up again", () => {
		assert.match(lines({}, 1, 256)[0]!, /2 to 1 vCPUs: left aside by the guest agent/);
		assert.deepEqual(lines({ accelerator: "kvm" }, 1, 256), ["hotUnplug: 2 to 1 vCPUs: hot unplug"]);
		assert.deepEqual(lines({ inUse: 1 }, 1, 256), []);
		assert.deepEqual(lines({ inUse: 1 }, 2, 256), ["hotPlug: 1 to 2 vCPUs: put to use again by the guest agent"]);
		assert.match(lines({ agent: false }, 1, 256)[0]!, /by the guest agent, which does not answer/);
	});

	const reboots: Array<[string, Partial<Given>, number, number, RegExp]> = [
		["more vCPUs than there is room for", {}, 5, 256, /5 vCPUs are beyond the 4/],
		["more memory than there is room for", {}, 2, 1284, /1284 MiB are beyond the 1280/],
		["a board without hot plug of vCPUs", { hotPlug: false }, 3, 256, /takes no vCPUs/],
		["memory in parts of a block", {}, 2, 258, /258 MiB are no multiple of 4 MiB more than the 256/],
	];
	for (const [what, given, vcpus, memoryMiB, reason] of reboots) {
		it(`is a restart for ${what}, and says why`, () => {
			const plan = planMorph(shape(given), { vcpus, memoryMiB });
			assert.equal(plan.mode, "reboot");
			assert.deepEqual(plan.steps, []);
			assert.match(plan.reasons.join(), reason);
		});
	}

	it("does without the agent where it may not be used, and is a restart where it cannot", () => {
		const barred = "the guest agent, which may not be used (agentPolicy.use is false)";
		assert.deepEqual(lines({ barred: true }, 4, 512), [
			"hotPlug: 256 to 512 MiB: virtio-mem",
			"hotPlug: 2 to 4 vCPUs: hot plug; the guest puts them to use",
		]);
		assert.deepEqual(lines({ barred: true }, 1, 128), [
			`without KVM a vCPU is only left aside, by ${barred}`,
			`what its guest can spare is asked of ${barred}`,
		]);
		assert.deepEqual(lines({ barred: true, inUse: 1 }, 2, 256), [
			`a vCPU that was left aside is put to use again by ${barred}`,
		]);
		assert.deepEqual(lines({ barred: true, accelerator: "kvm" }, 1, 256), ["hotUnplug: 2 to 1 vCPUs: hot unplug"]);
		assert.deepEqual(shapeUnder(shape({ barred: true }), undefined), shape());
		assert.deepEqual(shapeUnder(shape(), { use: false, mayAdd: [] }), shape({ barred: true }));
	});

	it("names every reason, not only the first", () => {
		assert.equal(planMorph(shape(), { vcpus: 9, memoryMiB: 9000 }).reasons.length, 2);
	});

	it("is a restart for a machine that was made without room", () => {
		const bare = shape();
		bare.memory.room = undefined;
		assert.deepEqual(planMorph(bare, { vcpus: 2, memoryMiB: 512 }).reasons, ["it was started without room for memory"]);
	});

	const given = fc
		.record({
			accelerator: fc.constantFrom("kvm" as const, "qemu" as const),
			agent: fc.boolean(),
			hotPlug: fc.boolean(),
			balloon: fc.boolean(),
			max: fc.integer({ min: 1, max: 8 }),
			present: fc.integer({ min: 1, max: 8 }),
			inUse: fc.integer({ min: 1, max: 8 }),
			boot: fc.integer({ min: 8, max: 64 }),
			more: fc.integer({ min: -7, max: 32 }),
			blocks: fc.integer({ min: 0, max: 32 }),
		})
		.map(({ max, present, inUse, boot, more, blocks, ...rest }): Given => {
			const has = Math.min(present, max);
			return {
				...rest,
				max,
				present: has,
				inUse: Math.min(inUse, has),
				bootMiB: boot * 4,
				presentMiB: (boot + Math.min(more, blocks)) * 4,
				sizeMiB: blocks * 4,
				slots: 7,
			};
		});
	const wanted = fc.record({ vcpus: fc.integer({ min: 1, max: 9 }), memoryMiB: fc.integer({ min: 1, max: 400 }) });

	it("leads to what is wanted, within the room, or says why not", () => {
		fc.assert(
			fc.property(given, wanted, (now, want) => {
				const plan = planMorph(shape(now), want);
				assert.equal(plan.mode === "reboot", plan.reasons.length > 0);
				assert.equal(plan.mode === "live", plan.steps.length > 0);
				if (plan.mode === "reboot") return;
				const unplugs = now.accelerator === "kvm" && want.vcpus < now.present;
				const after = { vcpus: now.agent && !unplugs ? now.inUse : now.present, memory: now.presentMiB };
				for (const step of plan.steps) {
					assert.equal(step.from, after[step.kind]);
					assert.equal(step.phase === "hotPlug", step.to > step.from);
					after[step.kind] = step.to;
				}
				assert.deepEqual(after, { vcpus: want.vcpus, memory: want.memoryMiB });
				assert.ok(want.vcpus <= now.max && want.memoryMiB <= now.bootMiB + now.sizeMiB);
				const phases = plan.steps.map(({ phase }) => phase);
				assert.deepEqual(phases, [...phases].sort().reverse());
			}),
			{ numRuns: 2000 },
		);
	});

	it("takes no vCPU out of an emulated machine", () => {
		fc.assert(
			fc.property(given, wanted, (now, want) => {
				const plan = planMorph(shape({ ...now, accelerator: "qemu" }), want);
				for (const step of plan.steps) assert.notEqual(step.how, "hot unplug");
			}),
		);
	});
});
