/** What a host offers machines. What it does not is refused in the preview already: nothing else in a program changes it. */
import type { Host } from "../libvirt";
import { LibvirtError } from "../libvirt/errors";
import { InputError } from "../lifecycle";
import { didYouMean } from "../suggestion";
import { attribute, child, children, type Element, parse, text } from "../xml/element";
import { hostMemoryMiB } from "./accelerator";
import type { Hardware } from "./defaults";
import type { CpuInputs, DomainInputs } from "./schema";

/** @throws InputError for the first thing that the host cannot give */
export async function refuseBeyondHost(
	host: Host,
	{ cpu, instanceType }: Pick<DomainInputs, "cpu" | "instanceType">,
	hardware: Hardware,
	domainType: string,
): Promise<void> {
	await refuseMemory(host, hardware, instanceType === undefined ? "memoryMiB" : "instanceType");
	// libvirt's test driver offers nothing, and takes anything.
	if (domainType === "test") return;
	const offered = await offers(host, hardware, domainType);
	refuseFirmware(host, hardware, offered);
	const maxVcpus = Number(attribute(offered, "vcpu", "max") ?? Number.POSITIVE_INFINITY);
	if (hardware.maxVcpus > maxVcpus) {
		throw new InputError(
			hardware.room ? "headroom.maxVcpus" : hardware.vcpus === hardware.maxVcpus ? "vcpus" : "maxVcpus",
			`got ${hardware.maxVcpus}; machine type ${hardware.machine} on ${host.uri} takes at most that many: ` +
				`allowed are 1 to ${maxVcpus}`,
		);
	}
	refuseCpu(host, cpu, child(offered, "cpu"), domainType);
}

async function refuseMemory(host: Host, hardware: Hardware, property: string): Promise<void> {
	const memory = await hostMemoryMiB(host);
	if (memory === undefined || hardware.memoryMiB <= memory) return;
	throw new InputError(
		property,
		`got ${hardware.memoryMiB}${property === "memoryMiB" ? "" : " MiB"}; ${host.uri} has ${memory} MiB: allowed is at most that, and guests and host share it`,
	);
}

const known = new WeakMap<Host, Map<string, Promise<Element>>>();

/** The domain capabilities; they do not change while a program runs. */
async function offers(host: Host, { arch, machine }: Hardware, domainType: string): Promise<Element> {
	const ofHost = known.get(host) ?? new Map<string, Promise<Element>>();
	known.set(host, ofHost);
	const key = `${arch} ${machine} ${domainType}`;
	const found = ofHost.get(key) ?? read(host, { arch, machine, type: domainType });
	ofHost.set(key, found);
	found.catch(() => ofHost.delete(key));
	return found;
}

async function read(host: Host, query: { arch: string; machine: string; type: string }): Promise<Element> {
	try {
		return parse(await host.domainCapabilitiesXml(query), "the domain capabilities");
	} catch (error) {
		throw error instanceof LibvirtError ? await explained(host, query, error) : error;
	}
}

async function explained(host: Host, { arch, machine }: { arch: string; machine: string }, error: LibvirtError) {
	if (!/unable to find any emulator|is not supported by emulator|unsupported machine/i.test(error.reason)) return error;
	const root = parse(await host.capabilitiesXml(), "the host's capabilities");
	const guests = children(root, "guest").map((guest) => child(guest, "arch"));
	const archs = [...new Set(guests.flatMap((guest) => attribute(guest, "", "name") ?? []))].sort();
	if (!archs.includes(arch)) {
		return new InputError(
			"arch",
			`got "${arch}"; ${host.uri} has no emulator for it: allowed are ${archs.join(", ") || "none"}; ` +
				`or install one there (qemu-system-${arch === "aarch64" ? "arm" : "x86"})`,
		);
	}
	const all = guests.filter((guest) => attribute(guest, "", "name") === arch).flatMap((guest) => machinesOf(guest!));
	const short = [...new Set(all.filter(({ canonical }) => canonical !== undefined).map(({ name }) => name))];
	return new InputError(
		"machine",
		`got "${machine}"; ${host.uri} has no such machine type for ${arch}: allowed are ${short.join(", ")} and their ` +
			`versions, ${new Set(all.map(({ name }) => name)).size} in all (virsh capabilities)` +
			didYouMean(machine, new Set(all.map(({ name }) => name))),
	);
}

function machinesOf(arch: Element): Array<{ name: string; canonical: string | undefined }> {
	return [...children(arch), ...children(arch, "domain").flatMap((type) => children(type))]
		.filter(({ tagName }) => tagName === "machine")
		.map((machine) => ({ name: text(machine) ?? "", canonical: attribute(machine, "", "canonical") }));
}

function refuseFirmware(host: Host, { firmware, arch }: Hardware, offered: Element): void {
	if (firmware === "bios") return;
	const values = (path: string, name: string) =>
		children(child(offered, path), "enum")
			.filter((item) => attribute(item, "", "name") === name)
			.flatMap((item) => children(item, "value").map((value) => text(value)));
	const uefi = values("os", "firmware").includes("efi");
	if (uefi && (firmware === "uefi" || values("os/loader", "secure").includes("yes"))) return;
	const others = [...(arch === "x86_64" ? ["bios"] : []), ...(uefi ? ["uefi"] : [])];
	throw new InputError(
		"firmware",
		`got "${firmware}"; ${host.uri} has no such firmware for ${arch}: allowed are ${others.join(", ") || "none"}; ` +
			`or install it there (${arch === "aarch64" ? "qemu-efi-aarch64" : "ovmf"}, edk2-${arch === "aarch64" ? "aarch64" : "ovmf"})`,
	);
}

function refuseCpu(host: Host, cpu: CpuInputs | undefined, offered: Element | undefined, domainType: string): void {
	const modes = children(offered, "mode");
	const supported = modes.filter((mode) => attribute(mode, "", "supported") === "yes");
	const nameOf = (mode: Element) => attribute(mode, "", "name") ?? "";
	if (cpu?.mode !== undefined && modes.some((mode) => nameOf(mode) === cpu.mode) && !isAmong(cpu.mode, supported)) {
		throw new InputError(
			"cpu.mode",
			`got "${cpu.mode}"; ${host.uri} cannot do that with ${domainType}: allowed are ${supported.map(nameOf).join(", ")}` +
				(domainType === "kvm" ? "" : " (host-passthrough needs KVM)"),
		);
	}
	const models = children(
		supported.find((mode) => nameOf(mode) === "custom"),
		"model",
	).map((model) => text(model) ?? "");
	if (cpu?.model === undefined || models.length === 0 || models.includes(cpu.model)) return;
	const shown =
		models.length > 12 ? `${models.slice(0, 12).join(", ")} and ${models.length - 12} more` : models.join(", ");
	throw new InputError(
		"cpu.model",
		`got "${cpu.model}"; ${host.uri} does not know that model: allowed are ${shown} (virsh domcapabilities)` +
			didYouMean(cpu.model, models),
	);

	function isAmong(mode: string, list: Element[]): boolean {
		return list.some((item) => nameOf(item) === mode);
	}
}
