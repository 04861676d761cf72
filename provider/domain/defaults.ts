/** What an input comes to that was not given: a default, or the template's hardware. */
import type { DomainInputs, Inherited, NicInputs } from "./schema";

/** The hardware that the inputs amount to. */
export interface Hardware {
	arch: string;
	machine: string;
	firmware: "bios" | "uefi" | "uefi-secure";
	memoryMiB: number;
	maxMemoryMiB: number;
	vcpus: number;
	maxVcpus: number;
	nics: NicInputs[];
	agent: boolean;
	rng: boolean;
	/** undefined: as the template has it */
	graphics: "none" | "vnc" | undefined;
}

/** Defaults of a machine that is not made from a template. */
const DEFAULTS = { memoryMiB: 1024, vcpus: 1, agent: true, rng: true, graphics: "none" } as const;

/** What leaving an input out amounts to. With a template nothing is filled in: its own values stay. */
export function defaultsOf({ template, arch = "x86_64" }: Partial<DomainInputs>): Partial<DomainInputs> {
	if (template !== undefined) return {};
	const arm = arch === "aarch64";
	return { arch: "x86_64", machine: arm ? "virt" : "q35", firmware: arm ? "uefi" : "bios", ...DEFAULTS, nics: [] };
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
	const memoryMiB = full.memoryMiB ?? inherited.memoryMiB ?? DEFAULTS.memoryMiB;
	const vcpus = full.vcpus ?? inherited.vcpus ?? DEFAULTS.vcpus;
	// A template's maximum says nothing about a size that was chosen without it, but a fork has its parent's board.
	const keepsMaximum = (size: "memoryMiB" | "vcpus") => full[size] === undefined || full.fork !== undefined;
	return {
		arch: full.arch ?? inherited.arch ?? "x86_64",
		machine: full.machine ?? inherited.machine ?? "q35",
		firmware: full.firmware ?? inherited.firmware ?? "bios",
		memoryMiB,
		maxMemoryMiB: full.maxMemoryMiB ?? (keepsMaximum("memoryMiB") ? inherited.maxMemoryMiB : undefined) ?? memoryMiB,
		vcpus,
		maxVcpus: full.maxVcpus ?? (keepsMaximum("vcpus") ? inherited.maxVcpus : undefined) ?? vcpus,
		nics: full.nics ?? inherited.nics ?? [],
		agent: full.agent ?? inherited.agent ?? DEFAULTS.agent,
		rng: full.rng ?? inherited.rng ?? DEFAULTS.rng,
		graphics: full.graphics ?? inherited.graphics,
	};
}

function given(inputs: object, key: string): unknown {
	return (inputs as Record<string, unknown>)[key];
}
