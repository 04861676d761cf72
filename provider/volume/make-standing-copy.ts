/**
 * A copy of the disk of a machine that may run: its own file as it is at one moment, on the same files below. The machine
 * stands still while the file is copied, by reflink where the file system can.
 */
import { chmod, constants, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { runInGuest } from "../domain/agent";
import { patiently } from "../domain/patience";
import type { DomainInfo, Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { METADATA_NAMESPACE } from "../owner";
import { element, serialize } from "../xml/element";
import { isLocal, makeFile } from "./local";
import { isHere } from "./make-injected";
import { findPool } from "./pools";
import { refreshPool } from "./refresh";
import { noteMade } from "./uses";
import { lineageOf, type Made, type Wanted } from "./wanted";

/** Says in the running machine's own record, which ends with it, that it was us who stopped it. */
const STANDING = { namespace: `${METADATA_NAMESPACE}:standing`, prefix: "standing" };
const SYNC_SECONDS = 30;

/**
 * @param meanwhile what else is copied of the machine before it goes on
 * @throws Error where the files are not this machine's
 */
export async function makeStandingCopy(
	context: Context,
	wanted: Wanted,
	meanwhile: () => Promise<void> = async () => {},
): Promise<Made> {
	const { host, log } = context;
	const { inputs, pool, base } = wanted;
	await refuseElsewhere(host, wanted);
	const domain = (await host.domains.find(inputs.baseDomain!))!;
	const path = join(pool.directory!, inputs.name);
	await makeFile(path, async (temporary) => {
		await synced(host, domain, log);
		const began = performance.now();
		const stood = await whileStanding(host, domain, async () => {
			await meanwhile();
			await copyFile(base!.path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
		});
		await chmod(temporary, 0o600);
		const milliseconds = Math.round(performance.now() - began);
		log(`copied ${base!.path}${stood ? `; ${domain.name} stood still for ${milliseconds} ms` : ""}`);
	});
	await refreshPool(host, pool.uuid, { now: true });
	noteMade(host, path, base!.backing[0]);
	return { key: path, path, capacityBytes: base!.capacityBytes, made: "copy", lineage: lineageOf(wanted) };
}

/** What is in the guest's memory still is written, where its agent can be asked. */
async function synced(host: Host, { uuid, name, state }: DomainInfo, log: Context["log"]): Promise<void> {
	if (state !== "running") return;
	const ended = await runInGuest(host, uuid, "/bin/sh", ["-c", "sync"], SYNC_SECONDS).catch(() => undefined);
	if (ended?.succeeded) return;
	log(`the guest of ${name} could not be asked to write what it has in memory: the copy is as after a power failure`);
}

/** @returns whether it was made to stand still for this */
async function whileStanding(host: Host, { uuid, state }: DomainInfo, work: () => Promise<void>): Promise<boolean> {
	// One that an earlier run has stopped, and could not resume, is resumed now.
	const isOurs = state === "paused" && (await isMarked(host, uuid));
	if (state !== "running" && !isOurs) {
		await work();
		return false;
	}
	if (!isOurs) {
		await mark(host, uuid, true);
		await patiently(() => host.domains.suspend(uuid));
	}
	try {
		await work();
	} finally {
		await patiently(() => host.domains.resume(uuid));
		await mark(host, uuid, false);
	}
	return true;
}

async function mark(host: Host, uuid: string, standing: boolean): Promise<void> {
	const { namespace, prefix } = STANDING;
	const xml = standing ? serialize(element("copied", {})) : undefined;
	await patiently(() => host.domains.setMetadata(uuid, namespace, prefix, xml, "live"));
}

/** Whether it stands still because a run has stopped it for a copy. */
export async function isMarked(host: Host, uuid: string): Promise<boolean> {
	return (await host.domains.xml(uuid)).includes(STANDING.namespace);
}

async function refuseElsewhere(host: Host, wanted: Wanted): Promise<void> {
	const { pool, base, inputs } = wanted;
	const cannot = (why: string) =>
		new Error(
			`the disk ${base!.path} of ${inputs.baseDomain} cannot be copied while its machine runs: ${why}. Shut the machine down first`,
		);
	if (base!.format !== inputs.format) throw cannot(`it is ${base!.format}; allowed is ${inputs.format}`);
	const info = await host.pools.findByVolume(base!.key);
	const own = info && (await findPool(host, info.uuid));
	if (own && (await isLocal(host, own, base!.path)) && (await isHere(host, wanted))) return;
	throw cannot(`its files or those of the pool "${pool.name}" are not files of this machine, which copies them`);
}
