/** Firmware, CPU, features and clock of a domain's definition. */
import { append, attribute, child, children, type Element, element, remove, setAttribute } from "./element";
import { put } from "./units";

export type Firmware = "bios" | "uefi" | "uefi-secure";

export interface CpuSpec {
	mode?: "host-passthrough" | "host-model" | "maximum" | "custom" | undefined;
	model?: string | undefined;
	/** Beside what the model has, by name. */
	features?: Record<string, "require" | "disable"> | undefined;
	check?: "none" | "partial" | "full" | undefined;
	sockets?: number | undefined;
	cores?: number | undefined;
	threads?: number | undefined;
}

export interface SmbiosSpec {
	serial?: string | undefined;
	oemStrings?: string[] | undefined;
}

interface Parts {
	domainType: string;
	arch: string;
	machine: string;
	firmware: Firmware;
	nvramPath?: string | undefined;
	maxVcpus: number;
	cpu?: CpuSpec | undefined;
	boot?: { kernel: string; initrd?: string | undefined; cmdline?: string | undefined } | undefined;
}

/** Which firmware a definition has; also one that names its loader instead of leaving the choice to libvirt. */
export function firmwareOf(root: Element): Firmware {
	const os = child(root, "os");
	const loader = child(os, "loader");
	const pflash = attribute(loader, "", "type") === "pflash";
	if (attribute(os, "", "firmware") !== "efi" && !pflash) return "bios";
	const wanted = children(child(os, "firmware"), "feature").some(
		(item) => attribute(item, "", "name") === "secure-boot" && attribute(item, "", "enabled") === "yes",
	);
	return wanted || attribute(loader, "", "secure") === "yes" ? "uefi-secure" : "uefi";
}

export function setOs(root: Element, parts: Parts): void {
	const os = child(root, "os") ?? append(root, element("os"));
	const type = child(os, "type") ?? element("type", {}, "hvm");
	setAttribute(type, "arch", parts.arch);
	setAttribute(type, "machine", parts.machine);
	put(os, type);
	if (parts.firmware !== firmwareOf(root)) setFirmware(root, os, parts.firmware);
	if (parts.firmware !== "bios" && parts.nvramPath !== undefined) {
		if (!child(os, "nvram")) os.appendChild(element("nvram", {}, parts.nvramPath));
	}
	if (!parts.boot) return;
	for (const name of ["kernel", "initrd", "cmdline"] as const) {
		const value = parts.boot[name];
		if (value === undefined) remove(child(os, name));
		else put(os, element(name, {}, value));
	}
}

/** libvirt chooses the image by what is asked of it. */
function setFirmware(root: Element, os: Element, firmware: Firmware): void {
	for (const name of ["firmware", "loader", "nvram"]) remove(child(os, name));
	setAttribute(os, "firmware", firmware === "bios" ? undefined : "efi");
	if (firmware === "bios") return;
	const secure = firmware === "uefi-secure";
	const features = ["secure-boot", ...(secure ? ["enrolled-keys"] : [])];
	os.appendChild(element("firmware", {}, ...features.map((name) => element("feature", { enabled: secure, name }))));
	if (!secure) return;
	// Secure Boot keeps its variables out of the guest's reach by System Management Mode.
	const all = child(root, "features") ?? append(root, element("features"));
	put(all, element("smm", { state: "on" }));
}

/** What is not given stays as the base has it. */
export function setSmbios(root: Element, smbios: SmbiosSpec | undefined): void {
	if (!smbios) return;
	const os = child(root, "os")!;
	put(os, element("smbios", { mode: "sysinfo" }));
	const ofType = (item: Element) => attribute(item, "", "type") === "smbios";
	const sysinfo = children(root, "sysinfo").find(ofType) ?? append(root, element("sysinfo", { type: "smbios" }));
	if (smbios.serial !== undefined) {
		const system = child(sysinfo, "system") ?? append(sysinfo, element("system"));
		for (const entry of children(system, "entry")) if (attribute(entry, "", "name") === "serial") remove(entry);
		system.appendChild(element("entry", { name: "serial" }, smbios.serial));
	}
	if (smbios.oemStrings) {
		put(sysinfo, element("oemStrings", {}, ...smbios.oemStrings.map((text) => element("entry", {}, text))));
	}
}

export function setFeatures(root: Element, parts: Parts): void {
	const features = child(root, "features") ?? append(root, element("features"));
	// On Arm ACPI needs UEFI.
	if (parts.arch === "x86_64" || parts.firmware !== "bios") put(features, element("acpi"));
	if (parts.arch === "x86_64") put(features, element("apic"));
}

/** Timers as virt-install sets them: a guest that was not scheduled catches up, and the costly HPET is off. */
export function setClock(root: Element, parts: Parts): void {
	if (parts.domainType === "test") return;
	const timers =
		parts.arch === "x86_64"
			? [
					element("timer", { name: "rtc", tickpolicy: "catchup" }),
					element("timer", { name: "pit", tickpolicy: "delay" }),
					element("timer", { name: "hpet", present: false }),
				]
			: [];
	put(root, element("clock", { offset: "utc" }, ...timers));
}

/**
 * KVM guests get the host's CPU as a model that libvirt can name; without KVM the choice is libvirt's, except on Arm,
 * where QEMU's default is a 32-bit CPU.
 */
export function setCpu(root: Element, parts: Parts, fresh: boolean): void {
	const given = parts.cpu ?? {};
	const old = child(root, "cpu");
	const mode = given.mode ?? (given.model === undefined ? undefined : "custom");
	const topology = topologyElement(given, parts.maxVcpus);
	if (fresh || mode !== undefined) {
		const chosen = mode ?? defaultMode(parts);
		const cpu = element("cpu", { mode: chosen, match: chosen === "custom" ? "exact" : undefined });
		if (given.check !== undefined) setAttribute(cpu, "check", given.check);
		if (given.model !== undefined) cpu.appendChild(element("model", { fallback: "forbid" }, given.model));
		for (const [name, policy] of Object.entries(given.features ?? {})) {
			cpu.appendChild(element("feature", { policy, name }));
		}
		for (const name of ["topology", "numa"]) {
			const kept = child(old, name);
			if (kept) cpu.appendChild(kept);
		}
		if (old || chosen !== undefined || topology) put(root, cpu);
	} else if (old && parts.domainType !== "kvm" && attribute(old, "", "mode")?.startsWith("host-")) {
		for (const name of ["mode", "check", "migratable"]) setAttribute(old, name, undefined);
		for (const item of children(old)) if (!["topology", "numa"].includes(item.tagName)) remove(item);
	}
	const cpu = child(root, "cpu");
	if (!cpu) return;
	if (topology) put(cpu, topology);
	else if (!topologyFits(child(cpu, "topology"), parts.maxVcpus)) remove(child(cpu, "topology"));
}

function defaultMode(parts: Parts): string | undefined {
	if (parts.domainType === "kvm") return parts.arch === "x86_64" ? "host-model" : "host-passthrough";
	return parts.domainType === "qemu" && parts.arch === "aarch64" ? "maximum" : undefined;
}

/** What is not given is 1, except that sockets make up for what is missing. */
function topologyElement(cpu: CpuSpec, maxVcpus: number): Element | undefined {
	if (cpu.sockets === undefined && cpu.cores === undefined && cpu.threads === undefined) return undefined;
	const cores = cpu.cores ?? 1;
	const threads = cpu.threads ?? 1;
	const sockets = cpu.sockets ?? Math.max(1, Math.floor(maxVcpus / (cores * threads)));
	return element("topology", { sockets, cores, threads });
}

function topologyFits(topology: Element | undefined, maxVcpus: number): boolean {
	if (!topology) return true;
	const product = ["sockets", "dies", "clusters", "cores", "threads"]
		.map((name) => Number(attribute(topology, "", name) ?? 1))
		.reduce((result, count) => result * count, 1);
	return product === maxVcpus;
}
