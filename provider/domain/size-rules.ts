/** Rules across the properties that say how large a machine is and what it can grow to. */
import type { Rule } from "../lifecycle";
import { BARRED, bars } from "../morph/agent-policy";
import { hostCommand, NEEDED } from "../morph/host-program";
import { sizeOf } from "../morph/instance-types";
import { firstInGuest, hasStep, memoryWay, runsOnHosts } from "../morph/template";
import { MEMORY_BLOCK_MIB } from "../xml/room";
import { isMorphable } from "./defaults";
import { type DomainInputs, headroomSchema } from "./schema";

/** What a machine with room has in its stead, or cannot have. */
const INSTEAD = [
	["maxVcpus", "headroom.maxVcpus says what it can grow to: leave it out"],
	["maxMemoryMiB", "headroom.maxMemoryMiB says what it can grow to: leave it out"],
	["template", "its hardware is the template's, which room cannot be added to: give memoryMiB and vcpus"],
	["fork", "a forked machine has its parent's board"],
] as const;

const named = (inputs: DomainInputs) => (inputs.instanceType === undefined ? "headroom" : "instanceType");

export const sizeRules: ReadonlyArray<Rule<DomainInputs>> = [
	...(["vcpus", "memoryMiB"] as const).map(
		(property): Rule<DomainInputs> => ({
			property,
			needs: [property, "instanceType"],
			check: (inputs) =>
				inputs.instanceType !== undefined && inputs[property] !== undefined
					? `got ${inputs[property]} beside instanceType, which says it; allowed is one of them`
					: undefined,
		}),
	),
	...INSTEAD.map(
		([property, why]): Rule<DomainInputs> => ({
			property,
			needs: [property, "instanceType", "headroom"],
			check: (inputs) =>
				isMorphable(inputs) && inputs[property] !== undefined
					? `is not allowed with ${named(inputs)}: ${why}`
					: undefined,
		}),
	),
	{
		property: "headroom",
		needs: ["headroom", "instanceType", "arch", "machine"],
		check: (inputs) => {
			const { arch = "x86_64", machine = "q35" } = inputs;
			if (!isMorphable(inputs) || (arch === "x86_64" && /(^|-)q35(-|$)/.test(machine))) return undefined;
			return `got arch "${arch}" and machine "${machine}" for a machine with room to grow; allowed are x86_64 and q35, which take vCPUs and memory while they run`;
		},
	},
	{
		property: "headroom",
		needs: ["headroom", "instanceType", "vcpus", "memoryMiB"],
		check: (inputs) => {
			if (!isMorphable(inputs)) return undefined;
			const size = inputs.instanceType === undefined ? inputs : sizeOf(inputs.instanceType);
			const { vcpus = 1, memoryMiB = 1024 } = size;
			const { maxVcpus, maxMemoryMiB } = inputs.headroom ?? headroomSchema.parse({});
			if (vcpus > maxVcpus) {
				return `got maxVcpus ${maxVcpus} for a machine of ${vcpus} vCPUs; allowed is at least that many: give headroom.maxVcpus`;
			}
			if (memoryMiB > maxMemoryMiB) {
				return `got maxMemoryMiB ${maxMemoryMiB} for a machine of ${memoryMiB} MiB; allowed is at least that: give headroom.maxMemoryMiB`;
			}
			return memoryMiB % MEMORY_BLOCK_MIB === 0
				? undefined
				: `got memoryMiB ${memoryMiB}; allowed with headroom are multiples of ${MEMORY_BLOCK_MIB}, in which a running guest takes and gives memory`;
		},
	},
	{
		property: "morph",
		needs: ["morph", "instanceType", "headroom"],
		check: (inputs) =>
			!isMorphable(inputs) && (hasStep(inputs.morph, "vcpus") || hasStep(inputs.morph, "memory"))
				? "has steps of kind vcpus or memory, which are for a machine that changes its size while it runs: give " +
					"instanceType (or headroom) as well"
				: undefined,
	},
	{
		property: "morph",
		needs: ["morph", "headroom", "instanceType"],
		check: (inputs) => {
			if (!isMorphable(inputs)) return undefined;
			const { memoryBy = "virtioMem" } = inputs.headroom ?? {};
			const other = memoryBy === "dimm" ? "virtioMem" : "dimm";
			return memoryWay(inputs.morph, "hotUnplug") === other || memoryWay(inputs.morph, "hotPlug") === other
				? `has a step of memory by "${other}", and its room is for "${memoryBy}" (headroom.memoryBy); allowed are ` +
						`"${memoryBy}" and "balloon"`
				: undefined;
		},
	},
	{
		property: "morph",
		needs: ["morph", "uri"],
		check: ({ morph, uri }) =>
			runsOnHosts(morph) && hostCommand(uri, [""]) === undefined
				? `has steps that run on the host, and uri is ${uri}: ${NEEDED}`
				: undefined,
	},
	{
		property: "morph",
		needs: ["morph", "agent"],
		check: ({ morph, agent }) =>
			agent === false && firstInGuest(morph) !== undefined
				? "has steps that run in the guest, by its agent, but agent is false; leave agent out, or make it true"
				: undefined,
	},
	{
		property: "morph",
		needs: ["morph", "agentPolicy"],
		check: ({ morph, agentPolicy }) => {
			const first = bars(agentPolicy) ? firstInGuest(morph) : undefined;
			return first === undefined
				? undefined
				: `got ${first}, which is for the guest agent, ${BARRED}; allowed are the machine's own changes and steps on hosts`;
		},
	},
];
