/** What an input comes to that was not given: a default, or the template's hardware. */
import { sizeOf } from "../morph/instance-types";
import { isUnknown } from "../unknown";
import type { MemoryRoom } from "../xml/room";
import { type DomainInputs, headroomSchema, type Inherited, type NicInputs } from "./schema";

/** The hardware that the inputs amount to. */
export interface Hardware {
	arch: string;
	machine: string;
	firmware: "bios" | "uefi" | "uefi-secure";
	memoryMiB: number;
	maxMemoryMiB: number;
	vcpus: number;
	maxVcpus: number;
	/** By what a running machine takes and gives back memory, where the maxima are room for that. */
	room: MemoryRoom | undefined;
	nics: NicInputs[];
	agent: boolean;
	rng: boolean;
	/** undefined: as the template has it */
	graphics: "none" | "vnc" | undefined;
}

/** Defaults of a machine that is not made from a template. */
const DEFAULTS = { memoryMiB: 1024, vcpus: 1, agent: true, rng: true, graphics: "none" } as const;

/** What leaving an input out amounts to. With a template nothing is filled in: its own values stay. */
export function defaultsOf({ template, arch = "x86_64", instanceType }: Partial<DomainInputs>): Partial<DomainInputs> {
	if (template !== undefined) return {};
	const arm = arch === "aarch64";
	const { memoryMiB, vcpus, ...others } = DEFAULTS;
	const size = instanceType === undefined ? { memoryMiB, vcpus } : {};
	return {
		arch: "x86_64",
		machine: arm ? "virt" : "q35",
		firmware: arm ? "uefi" : "bios",
		...size,
		...others,
		nics: [],
	};
}

/** Whether it is made with room to change its size while it runs. */
export function isMorphable({ instanceType, headroom }: Partial<DomainInputs>): boolean {
	return instanceType !== undefined || headroom !== undefined;
}

/** Fills in the defaults of what was not given. */
export function withDefaults<T extends DomainInputs>(inputs: T): T {
	const filled = Object.entries(defaultsOf(inputs)).map(([key, value]) => [key, given(inputs, key) ?? value]);
	return { ...inputs, ...Object.fromEntries(filled) };
}

/**
 * The hardware of a machine with these inputs.
 * @param inherited what its template said
 */
export function hardwareOf(inputs: DomainInputs, inherited: Inherited = {}): Hardware {
	const full = withDefaults(inputs);
	const size = typedSize(inputs);
	const memoryMiB = full.memoryMiB ?? size?.memoryMiB ?? inherited.memoryMiB ?? DEFAULTS.memoryMiB;
	const vcpus = full.vcpus ?? size?.vcpus ?? inherited.vcpus ?? DEFAULTS.vcpus;
	const room = isMorphable(inputs) ? roomOf(inputs) : undefined;
	// A template's maximum says nothing about a size that was chosen without it, but a fork has its parent's board.
	const keepsMaximum = (size: "memoryMiB" | "vcpus") => full[size] === undefined || full.fork !== undefined;
	return {
		arch: full.arch ?? inherited.arch ?? "x86_64",
		machine: full.machine ?? inherited.machine ?? "q35",
		firmware: full.firmware ?? inherited.firmware ?? "bios",
		memoryMiB,
		room: room?.memoryBy,
		maxMemoryMiB:
			room?.maxMemoryMiB ??
			full.maxMemoryMiB ??
			(keepsMaximum("memoryMiB") ? inherited.maxMemoryMiB : undefined) ??
			memoryMiB,
		vcpus,
		maxVcpus: room?.maxVcpus ?? full.maxVcpus ?? (keepsMaximum("vcpus") ? inherited.maxVcpus : undefined) ?? vcpus,
		nics: full.nics ?? inherited.nics ?? [],
		agent: full.agent ?? inherited.agent ?? DEFAULTS.agent,
		rng: full.rng ?? inherited.rng ?? DEFAULTS.rng,
		graphics: full.graphics ?? inherited.graphics,
	};
}

/** What a running machine can grow to; as recorded in a state that was found, where that says so. */
function roomOf({ headroom, maxVcpus, maxMemoryMiB }: DomainInputs) {
	const room = headroom === undefined || isUnknown(headroom) ? headroomSchema.parse({}) : headroom;
	const { memoryBy = "virtioMem" } = room;
	return { maxVcpus: maxVcpus ?? room.maxVcpus, maxMemoryMiB: maxMemoryMiB ?? room.maxMemoryMiB, memoryBy };
}

function typedSize({ instanceType }: DomainInputs) {
	if (instanceType === undefined) return undefined;
	// As unknown as the type is.
	if (isUnknown(instanceType)) return { vcpus: instanceType as never, memoryMiB: instanceType as never };
	return sizeOf(instanceType);
}

function given(inputs: object, key: string): unknown {
	return (inputs as Record<string, unknown>)[key];
}
