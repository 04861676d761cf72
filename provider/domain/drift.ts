/**
 * Settings of a definition that were changed behind our back, each in the shape of its input; empty for an untouched
 * machine. Architecture and firmware are not among them: setting these right would mean another machine.
 */
import { isDeepStrictEqual } from "node:util";
import type { FoundDisk } from "../xml/devices";
import type { CpuSpec } from "../xml/hardware";
import type { FoundDomain } from "../xml/read-domain";
import { hardwareOf } from "./defaults";
import { isMachine } from "./definition";
import type { DiskInputs, DomainFacts, DomainInputs } from "./schema";

/** @param state what is recorded */
export function changedSettings(
	config: FoundDomain,
	state: DomainInputs & Pick<DomainFacts, "inherited">,
): Partial<DomainInputs> {
	const wanted = hardwareOf(state, state.inherited);
	const changed: Partial<DomainInputs> = {};
	const cpu = changedCpu(config, state);
	if (cpu) changed.cpu = cpu;
	// What `extraXml` puts over them is not told apart from what somebody else did.
	if (state.extraXml !== undefined) return changed;
	if (!isMachine(wanted.machine, config.machine)) changed.machine = config.machine;
	if (config.agent !== wanted.agent) changed.agent = config.agent;
	if (config.rng !== wanted.rng) changed.rng = config.rng;
	if (wanted.graphics !== undefined && config.graphics !== undefined && config.graphics !== wanted.graphics) {
		changed.graphics = config.graphics;
	}
	const logs = state.template === undefined || state.consoleLog !== undefined;
	if (logs && config.consoleLog !== state.consoleLog) changed.consoleLog = config.consoleLog;
	return changed;
}

/** Of a CPU only what was asked for is compared: libvirt and the host fill in the rest. */
function changedCpu(config: FoundDomain, { cpu, extraXml }: DomainInputs): DomainInputs["cpu"] {
	if (!cpu || extraXml !== undefined) return undefined;
	const found: CpuSpec = { ...config.cpu, features: config.cpu.features ?? {} };
	const fields = (Object.keys(cpu) as Array<keyof typeof cpu>).filter((field) => {
		// Emulation has a CPU of its own for the modes that are the host's.
		const isHosts = field === "mode" && cpu.mode !== "custom" && config.domainType !== "kvm";
		return cpu[field] !== undefined && !isDeepStrictEqual(cpu[field], found[field]) && !isHosts;
	});
	if (fields.length === 0) return undefined;
	return { ...cpu, ...Object.fromEntries(fields.map((field) => [field, found[field]])) };
}

/** A disk's settings that a template or libvirt does not choose. */
export function changedDisk(input: DiskInputs, disk: FoundDisk, hasTemplate: boolean): Partial<DiskInputs> {
	const cache = (disk.cache ?? "default") as DiskInputs["cache"];
	return {
		...(hasTemplate || cache === input.cache ? {} : { cache }),
		...(disk.serial === input.serial ? {} : { serial: disk.serial }),
	};
}
