import type { Shape } from "../../../provider/morph/shape";
import { UNKNOWN } from "../../../provider/unknown";
import { element } from "../../../provider/xml/element";
import { type Case, testCases } from "./changes-table";

const roomy: Shape = {
	accelerator: "qemu",
	agent: true,
	vcpus: { present: 1, max: 16, inUse: 1, hotPlug: true },
	memory: {
		presentMiB: 1024,
		balloon: true,
		bootMiB: 1024,
		room: {
			bootMiB: 1024,
			maxMemoryMiB: 3072,
			device: { element: element("memory"), sizeMiB: 2048, requestedMiB: 0, currentMiB: 0, blockMiB: 4 },
			modules: [],
			free: { slots: 7, memoryMiB: 0 },
		},
	},
	lacks: [],
};

const cases: Case[] = [
	// Of a machine with room
	{
		what: "an instance type",
		olds: { instanceType: "micro" },
		news: { instanceType: "small" },
		effects: ["instanceType: live"],
		note: /1 vCPU\(s\) and 1024 MiB to 1 vCPU\(s\) and 2048 MiB: while it runs/,
	},
	{
		what: "an instance type, of a machine whose shape is known",
		olds: { instanceType: "micro" },
		news: { instanceType: "small" },
		facts: { shape: roomy },
		effects: ["instanceType: live"],
		note: /: 1024 to 2048 MiB: virtio-mem$/,
	},
	{
		what: "an instance type, by what the template says",
		olds: { instanceType: "micro" },
		news: { instanceType: "nano", morph: { hotUnplug: [{ kind: "memory", by: "balloon" }] } },
		facts: { shape: { ...roomy, memory: { ...roomy.memory, balloon: false } } },
		effects: ["morph: live", "instanceType: restart"],
		note: /it has no balloon/,
	},
	{
		what: "by what it is to be given memory",
		olds: { instanceType: "micro" },
		news: { instanceType: "micro", headroom: { maxVcpus: 16, maxMemoryMiB: 65_536, memoryBy: "dimm" } },
		effects: ["headroom: restart"],
		note: /what it can grow to is fixed/,
	},
	{
		what: "by what it is given memory, said where that was so before",
		olds: { instanceType: "micro" },
		news: { instanceType: "micro", headroom: { maxVcpus: 16, maxMemoryMiB: 65_536, memoryBy: "virtioMem" } },
		effects: [],
	},
	{
		what: "an instance type that the machine has less room for than is recorded",
		olds: { instanceType: "micro" },
		news: { instanceType: "medium" },
		facts: { shape: roomy },
		effects: ["instanceType: restart"],
		note: /4096 MiB: 4096 MiB are beyond the 3072 that it was started with room for/,
	},
	{
		what: "an instance type in other words",
		olds: { instanceType: "micro" },
		news: { instanceType: { vcpus: 1, memoryMiB: 1024 } },
		effects: [],
	},
	{
		what: "an instance type in place of sizes",
		olds: { memoryMiB: 1024, vcpus: 1 },
		news: { instanceType: "micro" },
		effects: ["instanceType: restart"],
		note: /gets room to grow when it starts/,
	},
	{
		what: "sizes in place of an instance type",
		olds: { instanceType: "micro" },
		effects: ["headroom: restart"],
		note: /loses its room/,
	},
	{
		what: "an instance type that is not known yet",
		olds: { instanceType: "micro" },
		news: { instanceType: UNKNOWN },
		effects: ["instanceType: restart"],
		note: /not known yet/,
	},
	{
		what: "the headroom",
		olds: { instanceType: "micro" },
		news: { instanceType: "micro", headroom: { maxVcpus: 8 } },
		effects: ["headroom: restart"],
	},
	{
		what: "the default headroom that is given",
		olds: { instanceType: "micro" },
		news: { instanceType: "micro", headroom: { maxVcpus: 16 } },
		effects: [],
	},
	{
		what: "vCPUs within the headroom, down without KVM",
		olds: { headroom: {}, vcpus: 2 },
		news: { headroom: {}, vcpus: 1 },
		effects: ["vcpus: live"],
	},
	{
		what: "memory within the headroom",
		olds: { headroom: {} },
		news: { headroom: {}, memoryMiB: 4096 },
		effects: ["memoryMiB: live"],
	},
	{
		what: "an instance type of a machine that is off",
		olds: { instanceType: "micro", running: false },
		news: { instanceType: "2xlarge", running: false },
		effects: ["instanceType: live"],
	},
	{
		what: "the steps of a change",
		olds: { instanceType: "micro" },
		news: { instanceType: "micro", morph: { preMigration: [] } },
		effects: ["morph: live"],
	},
	// Memory and vCPUs
	{
		what: "less memory",
		news: { memoryMiB: 512 },
		effects: ["memoryMiB: live"],
		note: /1024 to 512 MiB by the balloon/,
	},
	{
		what: "more memory than it was started with",
		news: { memoryMiB: 2048 },
		effects: ["memoryMiB: restart"],
		note: /maxMemoryMiB makes room/,
	},
	{
		what: "more memory below the ceiling",
		olds: { maxMemoryMiB: 4096 },
		news: { maxMemoryMiB: 4096, memoryMiB: 2048 },
		effects: ["memoryMiB: live"],
	},
	{
		what: "a higher ceiling",
		news: { maxMemoryMiB: 4096, memoryMiB: 2048 },
		effects: ["maxMemoryMiB: restart", "memoryMiB: restart"],
	},
	{ what: "a ceiling that is what it was", news: { maxMemoryMiB: 1024 }, effects: [] },
	{ what: "memory that is not known yet", news: { memoryMiB: UNKNOWN }, effects: ["memoryMiB: restart"] },
	{ what: "more vCPUs than it was started with", news: { vcpus: 2 }, effects: ["vcpus: restart"] },
	{
		what: "more vCPUs below the ceiling",
		olds: { maxVcpus: 4 },
		news: { maxVcpus: 4, vcpus: 3 },
		effects: ["vcpus: live"],
	},
	{
		what: "fewer vCPUs without KVM",
		olds: { vcpus: 4 },
		news: { vcpus: 2 },
		effects: ["vcpus: restart"],
		note: /without KVM a vCPU cannot be unplugged safely/,
	},
	{
		what: "fewer vCPUs with KVM",
		olds: { vcpus: 4 },
		news: { vcpus: 2 },
		facts: { accelerator: "kvm" },
		effects: ["vcpus: live"],
	},
	{ what: "another ceiling of vCPUs", news: { maxVcpus: 8 }, effects: ["maxVcpus: restart"] },
];

describe("changes of a domain's size", () => testCases(cases));
