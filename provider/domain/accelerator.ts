/** Which accelerator a domain's `type` comes to on a host. */

import { type Host, hostPart } from "../libvirt";
import { InputError } from "../lifecycle";
import { attribute, type Element, parse, text } from "../xml/element";

export interface Accelerator {
	accelerator: "kvm" | "qemu";
	/** libvirt's domain type: the accelerator's name, or "test" on libvirt's test driver. */
	domainType: string;
	/** One clause for the preview. */
	why: string;
}

/** @throws InputError when KVM is asked for and guests do not run with it */
export async function chooseAccelerator(host: Host, type: "auto" | "kvm" | "qemu", arch: string): Promise<Accelerator> {
	const info = await host.info();
	if (info.driver.toUpperCase() === "TEST") {
		return { accelerator: "qemu", domainType: "test", why: "libvirt's test driver runs no guests" };
	}
	if (type === "qemu") return { accelerator: "qemu", domainType: "qemu", why: "as asked" };
	const hostArch = text(await hostCapabilities(host), "cpu/arch");
	const foreign = hostArch !== undefined && hostArch !== arch;
	const usable = !foreign && (await host.kvmUsable());
	if (usable) return { accelerator: "kvm", domainType: "kvm", why: type === "kvm" ? "as asked" : "guests run with it" };
	const reason = foreign
		? `the host is ${hostArch} and the guest ${arch}`
		: "a trial guest did not run under KVM on this host";
	if (type === "auto") return { accelerator: "qemu", domainType: "qemu", why: reason };
	throw new InputError(
		"type",
		`is kvm, but ${reason}. Allowed are "qemu" (emulation, slower) and "auto"; or make /dev/kvm work on ${info.hostname}`,
	);
}

const known = new WeakMap<Host, Promise<Element>>();

/** What a host's capabilities say of the host itself, which does not change while a program runs. */
export function hostCapabilities(host: Host): Promise<Element> {
	let root = known.get(host);
	if (!root) {
		root = host.capabilitiesXml().then((xml) => parse(hostPart(xml), "the host's capabilities"));
		root.catch(() => known.delete(host));
		known.set(host, root);
	}
	return root;
}

/** The accelerator that a machine was made with. */
export function acceleratorOf(domainType: string): "kvm" | "qemu" {
	return domainType === "kvm" ? "kvm" : "qemu";
}

/** Megabytes of memory that the host has; undefined where it does not say. */
export async function hostMemoryMiB(host: Host): Promise<number | undefined> {
	const root = await hostCapabilities(host);
	let kib = memories.get(root);
	if (kib === undefined) {
		kib = 0;
		for (const cell of [...root.getElementsByTagName("cell")]) {
			const memory = text(cell, "memory");
			if (memory !== undefined && attribute(cell, "memory", "unit") === "KiB") kib += Number(memory);
		}
		memories.set(root, kib);
	}
	return kib > 0 ? Math.floor(kib / 1024) : undefined;
}

/** KiB by capabilities, which are long to search. */
const memories = new WeakMap<Element, number>();
