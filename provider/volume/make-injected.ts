/** An overlay with a payload in it: it has its name only once all of it is there and was looked at. */
import { join } from "node:path";
import { inject } from "../init/inject/guestfs";
import { injectedContentId, payloadOf, shortVersion } from "../init/injected";
import type { Host } from "../libvirt/api";
import type { Context } from "../lifecycle";
import { isLocal, isNotForUs, makeFile, writeSparse } from "./local";
import { partialName } from "./partials";
import { directoryOf, type Pool } from "./pools";
import { overlayFile } from "./qcow2";
import { refreshPool } from "./refresh";
import { noteMade } from "./uses";
import { lineageOf, type Made, type Wanted } from "./wanted";
import { volumeXml } from "./xml";

/** @throws Error where the files of the pool are not this machine's, or the base is not fit for it */
export async function makeInjected(context: Context, wanted: Wanted): Promise<Made> {
	const { host, log, signal } = context;
	const { inputs, pool, base } = wanted;
	const payload = payloadOf(inputs.injected!);
	if (!(await isHere(host, wanted))) throw elsewhere(wanted, NOT_HERE);
	const path = join(pool.directory!, inputs.name);
	const capacityBytes = wanted.capacityBytes!;
	const header = overlayFile({ capacityBytes, backingFile: base!.path, backingFormat: base!.format });
	const kvm = await host.kvmUsable();
	const started = performance.now();
	log(`putting scripts ${shortVersion(payload)} (${payload.files.length} files) into an overlay on ${base!.path}`);
	await makeFile(path, async (temporary) => {
		await writeSparse(temporary, header);
		await inject({ path: temporary, format: "qcow2" }, payload, { kvm, log, signal, what: `the base ${base!.path}` });
	}).catch((error) => {
		throw isNotForUs(error) ? elsewhere(wanted, `this user may not write there (${error.code})`) : error;
	});
	log(`put in and looked at in ${((performance.now() - started) / 1000).toFixed(1)} s`);
	await refreshPool(host, pool.uuid, { now: true });
	noteMade(host, path, base!.path);
	const lineage = lineageOf(wanted)!;
	const contentId = injectedContentId(lineage.baseContentId, inputs.injected!);
	return { key: path, path, capacityBytes, made: "overlay", contentId, lineage };
}

/** What keeps it from being made here; undefined where nothing does, as far as can be told without changing anything. */
export async function injectionObstacle({ host }: Pick<Context, "host">, wanted: Wanted): Promise<string | undefined> {
	if ((await isKnownLocal(host, wanted)) || (await isEmpty(host, wanted.pool))) return undefined;
	return elsewhere(wanted, NOT_HERE).message;
}

const NOT_HERE = "its files are not files of this machine, where libguestfs runs";

/** Whether the pool's directory is one of this machine. */
export async function isHere(host: Host, wanted: Wanted): Promise<boolean> {
	if (await isKnownLocal(host, wanted)) return true;
	const { pool } = wanted;
	if (!pool.directory || !(await isEmpty(host, pool))) return false;
	// Only a file can show whose directory it is.
	const xml = volumeXml({ name: partialName("probe"), format: "raw", capacityBytes: 512 });
	const probe = await host.volumes.create(pool.uuid, xml);
	try {
		return await isLocal(host, pool, probe.path);
	} finally {
		await host.volumes.delete(probe.key);
	}
}

function isKnownLocal(host: Host, { pool, base }: Wanted): Promise<boolean> {
	return isLocal(host, pool, directoryOf(base!.path) === pool.directory ? base!.path : undefined);
}

async function isEmpty(host: Host, { uuid }: Pool): Promise<boolean> {
	return (await host.pools.listVolumes(uuid)).length === 0;
}

function elsewhere({ pool, inputs }: Wanted, reason: string): Error {
	return new Error(
		`scripts cannot be put into a disk in the pool "${pool.name}" of ${inputs.uri}: ${reason}. Run the program on the storage ` +
			"host; or make the image where that is possible and upload it (a Volume with a source); or put the scripts into the " +
			"running source through its guest agent, or give them to cloud-init by a seed",
	);
}
