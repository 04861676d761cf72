/** Makes a volume under a name that is free. */
import { join } from "node:path";
import type { Host } from "../libvirt/api";
import type { Context } from "../lifecycle";
import { Undo } from "../undo";
import { isLocal, isNotForUs, makeFile, writeSparse } from "./local";
import { makeCopy, makeReflink } from "./make-clone";
import { makeInjected } from "./make-injected";
import { makeReplica } from "./make-replica";
import { makeStandingCopy } from "./make-standing-copy";
import { makeUpload } from "./make-upload";
import { directoryOf } from "./pools";
import { overlayFile } from "./qcow2";
import { refreshPoolLater } from "./refresh";
import { noteMade } from "./uses";
import { lineageOf, type Made, type Wanted } from "./wanted";
import { volumeXml } from "./xml";

/**
 * @throws an error for which `isTaken` is true when somebody else was faster or libvirt had not seen an existing file
 */
export async function make(context: Context, wanted: Wanted): Promise<Made> {
	return Undo.around(async (undo) => {
		switch (wanted.way) {
			case "empty":
				return makeEmpty(context.host, wanted);
			case "overlay":
				return wanted.inputs.injected ? makeInjected(context, wanted) : makeOverlay(context.host, wanted);
			case "upload":
				return makeUpload(context, wanted, undo);
			case "reflink":
				return wanted.inputs.whileRunning ? makeStandingCopy(context, wanted) : makeReflink(context, wanted, undo);
			case "copy":
				return makeCopy(context, wanted, undo);
			case "replica":
				return makeReplica(context, wanted, undo);
		}
	});
}

async function makeEmpty(host: Host, { inputs, pool, capacityBytes }: Wanted): Promise<Made> {
	const { name, format } = inputs;
	const xml = volumeXml({ name, format, capacityBytes: capacityBytes! });
	const { key, path } = await host.volumes.create(pool.uuid, xml);
	noteMade(host, path);
	return { key, path, capacityBytes: capacityBytes!, made: "empty" };
}

async function makeOverlay(host: Host, wanted: Wanted): Promise<Made> {
	const { inputs, pool, base, capacityBytes } = wanted;
	const made = (key: string, path: string): Made => {
		noteMade(host, path, base!.path);
		return { key, path, capacityBytes: capacityBytes!, made: "overlay", lineage: lineageOf(wanted) };
	};
	const direct = await overlayPath(host, wanted);
	if (direct) {
		try {
			const file = overlayFile({ capacityBytes: capacityBytes!, backingFile: base!.path, backingFormat: base!.format });
			await makeFile(direct, (temporary) => writeSparse(temporary, file));
			refreshPoolLater(host, pool.uuid);
			return made(direct, direct);
		} catch (error) {
			if (!isNotForUs(error)) throw error;
		}
	}
	const xml = volumeXml({ name: inputs.name, format: "qcow2", capacityBytes: capacityBytes!, backing: base });
	const { key, path } = await host.volumes.create(pool.uuid, xml);
	return made(key, path);
}

/** Where an overlay can be written without libvirt; undefined where it cannot. */
export async function overlayPath(host: Host, { inputs, pool, base }: Wanted): Promise<string | undefined> {
	if (!pool.directory || !base) return undefined;
	const hint = directoryOf(base.path) === pool.directory ? base.path : undefined;
	return (await isLocal(host, pool, hint)) ? join(pool.directory, inputs.name) : undefined;
}
