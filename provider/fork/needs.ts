/** What a fork needs, looked at before anything is made; all that is missing is told at once. */
import type { DomainInputs, Inherited } from "../domain/schema";
import type { Host } from "../libvirt";
import { LibvirtError } from "../libvirt/errors";
import { InputError } from "../lifecycle";
import { isLocalUri } from "../local-uri";
import { isUnknown } from "../unknown";
import { findPool } from "../volume/pools";
import { attribute, child, children, type Element } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { freeRootPorts } from "../xml/ports";
import { appArmorComplaint } from "./apparmor";
import { opensFiles } from "./device-state";
import { refuseStranger } from "./permission";
import { beyondParent } from "./room";
import type { ForkPointInputs } from "./schema";

/** Something that is missing, as an `InputError` says it. */
export interface Need {
	property: string;
	message: string;
}

const OLDEST_QEMU = "7.2";
/** Hands files over to QEMU, which opens them itself from 8.2. */
const OLDEST_LIBVIRT = "8.2";
/** What is asked of the agent of a parent and its children. */
const AGENT_COMMANDS = ["guest-exec", "guest-exec-status", "guest-file-open", "guest-file-write", "guest-file-close"];

/** @throws InputError that names all that is missing */
export function refuseMissing(needs: ReadonlyArray<Need>): void {
	const [first] = needs;
	if (!first) return;
	if (needs.length === 1) throw new InputError(first.property, first.message);
	const all = needs.map(({ property, message }) => `\n  ${property}: ${message}`).join("");
	throw new InputError(first.property, `${needs.length} things are missing for the fork:${all}`);
}

/** @throws InputError when a fork point could not be made on the host */
export async function refuseUnfitHost({ uri, pool }: ForkPointInputs, host: Host): Promise<void> {
	const needs = await hypervisorNeeds(host, uri);
	// In a preview the pool may be one that is still to be made.
	const directory = isUnknown(pool) || needs.length > 0 ? undefined : (await findPool(host, pool))?.directory;
	// Any file of its folder.
	const complaint = directory === undefined ? undefined : await appArmorComplaint(host, `${directory}/memory`, "rw");
	if (complaint !== undefined) needs.push({ property: "pool", message: complaint });
	refuseMissing(needs);
}

/**
 * @param inputs of a child
 * @param parent its fork point's definition
 * @throws InputError when its stack may not fork its parent; it could not be forked on the host, or could not have on its
 *   parent's board what it is to have
 */
export async function refuseUnfitChild(
	inputs: Pick<DomainInputs, "memoryMiB" | "vcpus" | "disks" | "nics" | "uri" | "ownerId" | "previousOwnerIds">,
	host: Host,
	parent: Element,
	inherited: Inherited,
): Promise<void> {
	refuseStranger(inputs, parent, "fork.point");
	const needs = [
		...(await hypervisorNeeds(host, inputs.uri)),
		...beyondParent(inputs, inherited),
		...portNeeds(inputs, parent, inherited),
	];
	const memory = recordedIn(parent)?.fork?.memory;
	const complaint = memory === undefined ? undefined : await appArmorComplaint(host, memory, "r");
	if (complaint !== undefined) needs.push({ property: "fork.point", message: complaint });
	refuseMissing(needs);
}

async function hypervisorNeeds(host: Host, uri: string): Promise<Need[]> {
	const { driver, hypervisorVersion, libvirtVersion } = await host.info();
	const need = (message: string): Need[] => [{ property: "uri", message: `got ${uri}, ${message}` }];
	if (driver.toUpperCase() !== "QEMU") {
		return need(`a ${driver} host; allowed are hosts with QEMU: others cannot fork`);
	}
	const opens = await opensFiles(host);
	return versionComplaints({ qemu: hypervisorVersion, libvirt: libvirtVersion, opens, local: isLocalUri(uri) }).flatMap(
		need,
	);
}

/** Pure. @param host `opens`: whether its QEMU opens files itself; `local`: whether it is this machine */
export function versionComplaints(host: { qemu: string; libvirt: string; opens: boolean; local: boolean }): string[] {
	const { qemu, libvirt, opens, local } = host;
	if (isOlder(qemu, OLDEST_QEMU)) {
		return [`whose QEMU ${qemu} cannot fork; allowed is QEMU ${OLDEST_QEMU} or later: install a newer one there`];
	}
	if (opens) return [];
	if (!local) {
		return [
			`whose QEMU ${qemu} forks only for programs on the same machine; allowed are a host with QEMU 8.2 or later, or this machine`,
		];
	}
	if (!isOlder(libvirt, OLDEST_LIBVIRT)) return [];
	return [
		`whose libvirt ${libvirt} cannot hand files to QEMU ${qemu}; allowed is libvirt ${OLDEST_LIBVIRT} or later, or QEMU 8.2 or later`,
	];
}

function isOlder(version: string, oldest: string): boolean {
	const numbers = (text: string) => text.split(".").map(Number);
	const [major = 0, minor = 0] = numbers(version);
	const [leastMajor = 0, leastMinor = 0] = numbers(oldest);
	return major < leastMajor || (major === leastMajor && minor < leastMinor);
}

/** Pure. A child has its parent's ports: libvirt adds none to a machine that runs. */
export function portNeeds(
	{ disks, nics }: Pick<DomainInputs, "disks" | "nics">,
	parent: Element,
	inherited: Pick<Inherited, "nics">,
): Need[] {
	const free = freeRootPorts(parent);
	const plugged = isUnknown(nics) ? [] : (nics ?? inherited.nics);
	if (free === undefined || !Array.isArray(disks) || !Array.isArray(plugged)) return [];
	const data = disks.slice(1);
	const onPorts = data.filter(({ bus = "virtio" }) => bus === "virtio").length;
	const hasScsi = children(child(parent, "devices"), "controller").some(
		(item) => attribute(item, "", "type") === "scsi",
	);
	const scsi = data.some(({ bus }) => bus === "scsi") && !hasScsi ? 1 : 0;
	const needed = onPorts + scsi + plugged.length;
	if (needed <= free) return [];
	const message =
		`got ${data.length} data disk(s) and ${plugged.length} NIC(s), which are plugged in after the fork and take ${needed} ` +
		`PCI Express root ports; the board of its fork point has ${free} free: allowed is at most that. Give the fork ` +
		`point more: domain: { spareRootPorts: ${needed} }`;
	return [{ property: data.length > 0 ? "disks" : "nics", message }];
}

/** @throws InputError that names the commands that a guest agent does not let anybody call */
export async function refuseForbiddenCommands(host: Host, uuid: string, property: string): Promise<void> {
	interface Info {
		version: string;
		supported_commands: Array<{ name: string; enabled: boolean }>;
	}
	let info: Info;
	try {
		info = await host.domains.agent<Info>(uuid, "guest-info", {}, { deadlineSeconds: 30 });
	} catch (error) {
		// An agent that does not tell, or not in time: what it forbids shows when it is called.
		if (error instanceof LibvirtError) return;
		throw error;
	}
	const enabled = new Set(info.supported_commands.filter((item) => item.enabled).map(({ name }) => name));
	const missing = AGENT_COMMANDS.filter((name) => !enabled.has(name));
	if (missing.length === 0) return;
	throw new InputError(
		property,
		`its guest agent ${info.version} forbids ${missing.join(", ")}, which the parent and its children need: allow ` +
			"them in the configuration of qemu-ga in the image",
	);
}
