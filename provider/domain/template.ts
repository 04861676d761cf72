/** The domain that lends its hardware to a new one. */

import { connect, type Host } from "../libvirt";
import { InputError } from "../lifecycle";
import { copyAddress } from "../xml/carry";
import { child, children, type Element, parse } from "../xml/element";
import { type FoundDomain, readDomain } from "../xml/read-domain";
import { hasOwnRoom } from "../xml/room";
import { unshareableDevices, withoutIdentity } from "../xml/template";
import type { DomainInputs, Inherited, NicInputs } from "./schema";

export interface Template {
	found: FoundDomain;
	inherited: Inherited;
	/** What the new machine will not have of the template, as clauses for the preview. */
	notes: string[];
}

/** @throws InputError when there is no such domain, or it is not shut off */
export async function readTemplate(
	own: Host,
	{ template, templateFrom = {} }: Pick<DomainInputs, "template" | "templateFrom">,
): Promise<Template> {
	const host = templateFrom.uri === undefined ? own : connect(templateFrom.uri);
	const reference = template!;
	const info = await host.domains.find(reference);
	if (!info) {
		throw new InputError("template", `there is no domain ${reference} on the host; allowed is a domain's UUID or name`);
	}
	if (info.state !== "shutoff" && !templateFrom.mayRun) {
		throw new InputError(
			"template",
			`domain ${info.name} is ${info.state}; allowed is one that is shut off, so that its disks are consistent. Shut it down`,
		);
	}
	const xml = await host.domains.xml(info.uuid, { inactive: true, secure: true });
	const found = readDomain(parse(xml, `the definition of ${info.name}`));
	const { nics, dropped } = nicsOf(found);
	return { found, inherited: inheritedFrom(found, nics), notes: notesOn(found, dropped) };
}

/** The hardware of a definition, as what a machine made from it inherits. */
export function inheritedFrom(found: FoundDomain, nics: NicInputs[] = nicsOf(found).nics): Inherited {
	const boot = found.disks.find((disk) => disk.device === "disk");
	return {
		arch: found.arch as Inherited["arch"],
		machine: found.machine,
		firmware: found.firmware,
		memoryMiB: found.memoryMiB,
		// Room to grow is the template's own.
		maxMemoryMiB: hasOwnRoom(found.root) ? found.memoryMiB : found.maxMemoryMiB,
		vcpus: found.vcpus,
		maxVcpus: found.maxVcpus,
		nics,
		agent: found.agent,
		rng: found.rng,
		...(found.graphics === undefined ? {} : { graphics: found.graphics }),
		...(boot ? { bootDisk: { bus: boot.bus, target: boot.target, cache: boot.cache } } : {}),
	};
}

function nicsOf(found: FoundDomain): { nics: NicInputs[]; dropped: number } {
	const nics = found.nics.flatMap(({ source, model }) =>
		source ? [{ ...source, model: (model ?? "rtl8139") as NicInputs["model"] }] : [],
	);
	return { nics, dropped: found.nics.length - nics.length };
}

function notesOn(found: FoundDomain, droppedNics: number): string[] {
	const notes: string[] = [];
	const others = found.disks.filter((disk) => disk !== found.disks.find((item) => item.device === "disk"));
	if (others.length > 0) {
		const names = others.map((disk) => `${disk.target} (${disk.chain[0] ?? "empty"})`);
		notes.push(`${names.join(", ")}: not taken over, a disk belongs to one machine; name copies in disks`);
	}
	if (droppedNics > 0) notes.push(`${droppedNics} NIC(s) of a kind that nics cannot say: not taken over; use extraXml`);
	const devices = unshareableDevices(found.root);
	if (devices.length > 0) notes.push(`${devices.join(", ")}: not taken over, two machines cannot share it`);
	if (found.firmware !== "bios") {
		notes.push("the UEFI variables start afresh: the guest has to boot from its disk's default loader (EFI/BOOT)");
	}
	return notes;
}

/** The definition to start from for a machine that is made from a template. */
export function baseOf(template: Template): Element {
	return withoutIdentity(template.found.root);
}

/** Puts the new disks and NICs where the template's were: their names in the guest hang on it. */
export function placeAsTemplate(root: Element, template: Template): void {
	for (const name of ["disk", "interface"]) {
		const ours = children(child(root, "devices"), name);
		const theirs = children(child(template.found.root, "devices"), name);
		for (const [index, device] of ours.entries()) {
			const other = theirs[index];
			if (other && sameConnection(device, other)) copyAddress(other, device);
		}
	}
}

function sameConnection(device: Element, other: Element): boolean {
	const connection = (item: Element) => [
		child(item, "target")?.getAttribute("bus") ?? undefined,
		child(item, "model")?.getAttribute("type") ?? undefined,
		item.getAttribute("device") ?? undefined,
	];
	return JSON.stringify(connection(device)) === JSON.stringify(connection(other));
}

/** The disks of the inputs, the first of them connected as the template's first disk is. */
export function disksLikeTemplate(inputs: DomainInputs, inherited: Inherited | undefined): DomainInputs["disks"] {
	const boot = inherited?.bootDisk;
	if (!boot) return inputs.disks;
	const first = inputs.disks.findIndex((disk) => disk.device === "disk");
	return inputs.disks.map((disk, index) => {
		if (index !== first || disk.bus !== undefined || disk.target !== undefined) return disk;
		return {
			...disk,
			bus: boot.bus as typeof disk.bus,
			target: boot.target,
			cache: disk.cache === "default" ? ((boot.cache ?? "default") as typeof disk.cache) : disk.cache,
		};
	});
}
