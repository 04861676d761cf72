/** What a guest uses a disk for, which it would lose with it: asked before the disk is taken out. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../libvirt";
import { LibvirtError } from "../libvirt/errors";
import { runInGuest } from "./agent";

/** Where the scripts for guests are in this package. */
const SCRIPTS = join(__dirname, "..", "..", "..", "guest");
const ASK_SECONDS = 30;

/** A disk as QEMU knows it: its PCI device, and for SCSI the place on its bus. */
export interface DiskPlace {
	qdevId: string;
	scsi?: { target: number; unit: number } | undefined;
}

interface PciAddress {
	domain: number;
	bus: number;
	slot: number;
	function: number;
}

interface FileSystem {
	mountpoint: string;
	disk?: Array<{ "pci-controller"?: PciAddress; bus?: number; target?: number; unit?: number }>;
}

interface PciDevice {
	bus: number;
	slot: number;
	function: number;
	qdev_id?: string;
	pci_bridge?: { devices?: PciDevice[] };
}

/**
 * File systems, swap, LVM, md, programs that have it open: of the disk and the partitions on it. Of a guest whose agent may
 * not run programs file systems alone.
 *
 * @returns clauses such as "mounted on /srv", after "the guest has it"; undefined when the guest cannot be asked
 */
export async function usesOfDisk(host: Host, uuid: string, place: DiskPlace): Promise<string[] | undefined> {
	try {
		// Only QEMU knows which bus numbers the guest's firmware gave out.
		const buses = await host.domains.qmp<Array<{ devices: PciDevice[] }>>(uuid, "query-pci");
		const address = findPci(
			buses.flatMap((bus) => bus.devices),
			place.qdevId,
		);
		if (!address) return undefined;
		return (await asSeenInside(host, uuid, address, place)) ?? (await mountsOn(host, uuid, address, place));
	} catch (error) {
		if (error instanceof LibvirtError) return undefined;
		throw error;
	}
}

function findPci(devices: PciDevice[], qdevId: string): PciDevice | undefined {
	for (const device of devices) {
		if (device.qdev_id === qdevId) return device;
		const below = findPci(device.pci_bridge?.devices ?? [], qdevId);
		if (below) return below;
	}
	return undefined;
}

/** @returns undefined where the guest's agent or system does not tell */
async function asSeenInside(
	host: Host,
	uuid: string,
	{ bus, slot, function: number }: PciDevice,
	{ scsi }: DiskPlace,
): Promise<string[] | undefined> {
	const hex = (value: number) => value.toString(16).padStart(2, "0");
	const unit = scsi ? `*:${scsi.target}:${scsi.unit}/` : "";
	const pattern = `*/0000:${hex(bus)}:${hex(slot)}.${number}/*${unit}block/*`;
	const script = await readFile(join(SCRIPTS, "disk/uses"), "utf8");
	const ended = await runInGuest(host, uuid, "/bin/sh", ["-c", script, "uses", pattern], ASK_SECONDS).catch(
		() => undefined,
	);
	return ended?.succeeded ? ended.stdout.split("\n").filter(Boolean) : undefined;
}

async function mountsOn(host: Host, uuid: string, at: PciDevice, { scsi }: DiskPlace): Promise<string[]> {
	const systems = await host.domains.agent<FileSystem[]>(uuid, "guest-get-fsinfo", undefined, { deadlineSeconds: 20 });
	const onDevice = (disk: NonNullable<FileSystem["disk"]>[number]) => {
		const pci = disk["pci-controller"];
		if (!pci || pci.bus !== at.bus || pci.slot !== at.slot || pci.function !== at.function) return false;
		return !scsi || (disk.target === scsi.target && disk.unit === scsi.unit);
	};
	return systems.filter((system) => system.disk?.some(onDevice)).map(({ mountpoint }) => `mounted on ${mountpoint}`);
}
