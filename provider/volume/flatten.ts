/**
 * Makes a clone stand alone: what it shares with the files below it is copied into it, by QEMU on the host. Where a
 * machine runs on it that is done under the machine, which notices nothing; else a guest that never executes an
 * instruction opens it for the time. At every moment the volume holds what it held before, so that the next run goes on.
 */
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { unlessGone } from "../domain/patience";
import { domainTypes, hostArch } from "../libvirt/capabilities";
import type { Context } from "../lifecycle";
import type { FoundDisk } from "../xml/devices";
import { element, parse, serialize } from "../xml/element";
import { recordElement, recordOf } from "../xml/metadata";
import { readDomain } from "../xml/read-domain";
import { backingChain } from "./bases";
import { findVolume } from "./pools";
import { progressLog } from "./progress";
import { refreshPool } from "./refresh";
import type { Lineage, VolumeInputs } from "./schema";
import { bytesIn, mebibytes, refuseWithoutSpace } from "./space";
import { forgetUses, usesOf } from "./uses";
import { describeVolume, type VolumeDescription } from "./xml";

const POLL_MILLISECONDS = 200;
/** A job that stands still is stuck: on a disk error, or on storage that does not answer. */
const STALLED_SECONDS = 300;
/** How long libvirt may take to write down that the job is done. */
const SETTLE_SECONDS = 30;

/** Copies what it shares with its base into the volume. @returns the lineage then: it depends on nothing any more */
export async function standAlone(
	context: Context,
	inputs: VolumeInputs,
	{ key, lineage }: { key: string; lineage?: Lineage | undefined },
): Promise<Lineage | undefined> {
	const { host } = context;
	const found = await findVolume(host, key);
	if (!found) throw new Error(`the volume ${key} is gone from ${host.uri}: run pulumi refresh`);
	await makeIndependent(context, inputs, describeVolume(await host.volumes.xml(found.key)));
	return lineage && { ...lineage, chain: [] };
}

/** @throws Error when there is no room, or somebody uses the volume in a way that does not allow it */
async function makeIndependent(context: Context, inputs: VolumeInputs, volume: VolumeDescription): Promise<void> {
	if (!volume.backing) return;
	const { host, log } = context;
	const bytes = await bytesIn(host, await backingChain(host, volume), volume);
	const machine = await machineOn(context, volume);
	await refuseWithoutSpace(host, volume, bytes);
	const where = machine ? `while ${machine.name} runs on it` : "while no machine runs on it";
	log(`copying up to ${mebibytes(bytes)} MiB of ${volume.backing.path} and below into ${volume.path}, ${where}`);
	try {
		if (machine) await pull(context, machine.uuid, volume.path);
		else await underHelper(context, inputs, volume, (uuid) => pull(context, uuid, volume.path));
	} finally {
		forgetUses(host);
	}
	const pool = await host.pools.findByVolume(volume.key);
	if (pool) await refreshPool(host, pool.uuid, { now: true });
}

/** The machine that runs on the volume itself. @throws Error when one has it open that only reads it */
async function machineOn({ host }: Context, volume: VolumeDescription) {
	const running = { overlays: false, domains: (use: { running: boolean }) => use.running };
	const { domains } = await usesOf(host, volume.path, running);
	const reader = domains.find(({ writable }) => !writable);
	if (reader) {
		throw new Error(
			`the volume ${volume.path} cannot be made independent: the domain ${reader.name} runs and reads it, as a ` +
				"read-only disk or below an overlay. Turn that machine off first, or make its disk independent instead.",
		);
	}
	return domains[0];
}

/** Runs QEMU's job to its end; ends it when this run is called off. */
async function pull({ host, log, signal }: Context, uuid: string, path: string): Promise<void> {
	const { target } = await diskOn({ host }, uuid, path);
	const under = await host.domains.blockJob(uuid, target);
	if (under && under.kind !== "pull") {
		throw new Error(`a ${under.kind} job runs on ${path}; wait for its end, or end it (virsh blockjob --abort)`);
	}
	// An interrupted run leaves the job going.
	if (!under) await host.domains.blockPull(uuid, target);
	try {
		await untilDone();
	} catch (error) {
		// Gone with the machine, or about to be asked for again: what was copied stays copied.
		await host.domains.blockJobAbort(uuid, target).catch(() => {});
		throw error;
	}
	const deadline = Date.now() + SETTLE_SECONDS * 1000;
	while ((await diskOn({ host }, uuid, path)).chain.length > 1) {
		if (Date.now() > deadline) {
			throw new Error(
				`copying into ${path} ended before all was copied: look whether its storage is full or fails (the log of the ` +
					"machine in /var/log/libvirt/qemu). The volume is as it was; the next `pulumi up` tries again.",
			);
		}
		await sleep(POLL_MILLISECONDS);
	}

	async function untilDone(): Promise<void> {
		let progress: ((bytes: number) => void) | undefined;
		let last = { bytes: -1, at: Date.now() };
		for (;;) {
			if (signal?.aborted) throw new Error(`copying into ${path} was called off; the next \`pulumi up\` goes on`);
			const job = await host.domains.blockJob(uuid, target);
			if (!job) return;
			if (job.totalBytes > 0) {
				progress ??= progressLog(log, job.totalBytes, "copied");
				progress(job.doneBytes);
			}
			if (job.doneBytes !== last.bytes) last = { bytes: job.doneBytes, at: Date.now() };
			else if (Date.now() - last.at > STALLED_SECONDS * 1000) {
				throw new Error(`copying into ${path} made no progress for ${STALLED_SECONDS} s and was ended`);
			}
			await sleep(POLL_MILLISECONDS);
		}
	}
}

/** The disk of a running machine that is this volume, and not one that lies below another. */
async function diskOn(
	{ host }: Pick<Context, "host">,
	uuid: string,
	path: string,
): Promise<FoundDisk & { target: string }> {
	const { disks, name } = readDomain(parse(await host.domains.xml(uuid), "the machine's definition"));
	const disk = disks.find(({ chain }) => chain[0] === path);
	if (disk?.target !== undefined) return { ...disk, target: disk.target };
	throw new Error(
		`the volume ${path} cannot be made independent: it is not the uppermost file of a disk of ${name} (a snapshot lies ` +
			"on it?). Remove the snapshot, or turn the machine off",
	);
}

/** Opens the volume in a guest of its own, which libvirt removes with the connection at the latest. */
async function underHelper(
	{ host }: Context,
	inputs: VolumeInputs,
	volume: VolumeDescription,
	work: (uuid: string) => Promise<void>,
): Promise<void> {
	const uuid = randomUUID();
	const xml = helperXml(uuid, inputs, volume, await host.capabilitiesXml());
	try {
		await host.domains.createTransient(xml, { paused: true, autoDestroy: true, deadlineSeconds: 60 });
		await work(uuid);
	} finally {
		await unlessGone(host.domains.destroy(uuid));
	}
}

function helperXml(uuid: string, inputs: VolumeInputs, volume: VolumeDescription, capabilities: string): string {
	const arch = hostArch(capabilities);
	const types = domainTypes(capabilities, arch);
	const record = recordOf({ ...inputs, ownerId: `${inputs.ownerId}/flatten`, retain: undefined });
	const digest = createHash("sha256").update(volume.path).digest("hex").slice(0, 8);
	return serialize(
		element(
			"domain",
			{ type: types.includes("qemu") ? "qemu" : (types[0] ?? "qemu") },
			// The same for every run: libvirt lets one at a time do it.
			element("name", {}, `clones-flatten-${digest}`),
			element("uuid", {}, uuid),
			element("metadata", {}, recordElement(record)),
			element("memory", { unit: "MiB" }, 32),
			element("vcpu", {}, 1),
			element("os", {}, element("type", { arch }, "hvm")),
			element("on_reboot", {}, "destroy"),
			element(
				"devices",
				{},
				element("controller", { type: "usb", model: "none" }),
				element("memballoon", { model: "none" }),
				element(
					"disk",
					{ type: volume.type === "block" ? "block" : "file", device: "disk" },
					element("driver", { name: "qemu", type: "qcow2" }),
					element("source", { [volume.type === "block" ? "dev" : "file"]: volume.path }),
					element("target", { dev: "vda", bus: "virtio" }),
				),
			),
		),
	);
}
