/** Volumes whose content comes from the machine that runs Pulumi. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../lifecycle";
import { withTemporaryFolder } from "../temporary";
import type { Undo } from "../undo";
import type { Content } from "./content";
import { download } from "./download";
import { probeImage } from "./image-format";
import { isLocal, isNotForUs, makeFile, writeBytes } from "./local";
import { progressLog } from "./progress";
import { refreshPool, refreshPoolLater } from "./refresh";
import { checkImage } from "./resolve";
import type { Made, Wanted } from "./wanted";
import { describeVolume, type VolumeDescription, volumeXml } from "./xml";

export async function makeUpload(context: Context, wanted: Wanted, undo: Undo): Promise<Made> {
	const content = wanted.content!;
	if (content.kind === "bytes") {
		const path = await writtenDirectly(context, wanted, content.bytes);
		if (path) return uploaded({ key: path, path }, content.bytes.length, content);
	}
	return withFile(context, content, async (file) => {
		const image = await probeImage(file);
		checkImage(wanted.inputs, image, nameOf(content));
		const found = await send(context, wanted, file, image.fileBytes, undo);
		if (found.sha256 !== content.sha256) {
			throw new Error(
				`${nameOf(content)} changed while it was uploaded: the host got ${found.sha256} instead of ${content.sha256}. ` +
					"Run again when nothing writes to it any more.",
			);
		}
		return settled(context, wanted, found, content);
	});
}

function uploaded({ key, path }: Sent, capacityBytes: number, { sha256 }: Content): Made {
	return { key, path, capacityBytes, made: "upload", contentId: `sha256:${sha256}` };
}

/** A volume that was filled. */
interface Sent {
	key: string;
	path: string;
}

/** How the content is called in messages; what is in it may be secret. */
export function nameOf(content: Content): string {
	if (content.kind === "file") return content.file;
	return content.kind === "url" ? content.url : "the cloud-init seed";
}

/** On the storage host small content needs no stream. */
async function writtenDirectly(
	{ host }: Context,
	{ inputs, pool }: Wanted,
	bytes: Buffer,
): Promise<string | undefined> {
	if (!(await isLocal(host, pool))) return undefined;
	const path = join(pool.directory!, inputs.name);
	try {
		await makeFile(path, (temporary) => writeBytes(temporary, bytes));
	} catch (error) {
		if (isNotForUs(error)) return undefined;
		throw error;
	}
	refreshPoolLater(host, pool.uuid);
	return path;
}

/** Runs `work` with a local file of the content; a temporary one is readable by this user alone, and removed. */
export async function withFile<T>(context: Context, content: Content, work: (file: string) => Promise<T>): Promise<T> {
	if (content.kind === "file") return work(content.file);
	return withTemporaryFolder("image", async (folder) => {
		const file = join(folder, "image");
		if (content.kind === "bytes") await writeFile(file, content.bytes, { mode: 0o600, flag: "wx" });
		else await download(content, file, context.log);
		return work(file);
	});
}

/**
 * The volume is made raw, of the file's exact length, whatever is in it: so the host gets the file byte for byte, and
 * libvirt finds out the format when the pool is refreshed.
 */
export async function send({ host, log }: Context, { inputs, pool }: Wanted, file: string, bytes: number, undo: Undo) {
	const xml = volumeXml({ name: inputs.name, format: "raw", capacityBytes: bytes });
	const volume = await host.volumes.create(pool.uuid, xml);
	undo.add(`delete the volume ${volume.path}`, () => deleteWhenIdle(() => host.volumes.delete(volume.key)));
	const progress = progressLog(log, bytes);
	const { sha256 } = await host.volumes.upload(volume.key, file, { sparse: true, onProgress: progress });
	return { ...volume, sha256 };
}

/** After an upload libvirt refreshes the pool by itself, and refuses to touch its volumes meanwhile. */
async function deleteWhenIdle(work: () => Promise<void>): Promise<void> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await work();
		} catch (error) {
			if (attempt === 20 || !/in use|asynchronous jobs|being allocated/.test((error as Error).message)) throw error;
			await new Promise((resolve) => setTimeout(resolve, 50 * attempt));
		}
	}
}

async function settled(context: Context, wanted: Wanted, volume: Sent, content: Content): Promise<Made> {
	const { capacityBytes } = wanted;
	const seen = await seenAs(context, wanted, volume);
	if (capacityBytes === undefined || seen.capacityBytes >= capacityBytes) {
		return uploaded(volume, seen.capacityBytes, content);
	}
	await context.host.volumes.resize(volume.key, capacityBytes);
	return uploaded(volume, capacityBytes, content);
}

/**
 * What libvirt makes of a volume that was filled.
 * @throws Error when that is not the format asked for
 */
export async function seenAs({ host }: Context, { inputs, pool }: Wanted, volume: Sent): Promise<VolumeDescription> {
	await refreshPool(host, pool.uuid, { now: true });
	const seen = describeVolume(await host.volumes.xml(volume.key));
	if (inputs.format === "qcow2" && seen.format !== "qcow2") {
		throw new Error(
			`the pool "${pool.name}" (type ${pool.type}) does not hold qcow2 images: libvirt sees ${volume.path} as ` +
				`${seen.format}. Convert the image to raw and set format: "raw", or use a pool of type dir.`,
		);
	}
	return seen;
}
