/** What is done with a volume that is there already under the name asked for. */
import { join } from "node:path";
import { injectedContentId } from "../init/injected";
import type { Host } from "../libvirt/api";
import type { Context } from "../lifecycle";
import { stackTag } from "../owner";
import { wayOut } from "../taken";
import { withTemporaryFolder } from "../temporary";
import { backingChain } from "./bases";
import { isCutOff } from "./cut-off";
import { fileExists, isLocal } from "./local";
import { otherMaker } from "./made-here";
import { make } from "./make";
import { nameOf } from "./make-upload";
import { takesSharedFile } from "./moved";
import { tagIn } from "./name";
import { sweepPartialsOnce } from "./partials";
import { findVolume, type Pool } from "./pools";
import { isUntouched } from "./qcow2";
import { refreshPool } from "./refresh";
import { remove } from "./remove";
import { growTo } from "./resize";
import { type Uses, usesOf } from "./uses";
import { lineageOf, type Made, MIB, type Wanted } from "./wanted";
import { describeVolume, statContentId, type VolumeDescription } from "./xml";

/** Whether a name carries the mark of the stack, which only names that the class computes do. */
export function isMarked(name: string, inputs: { ownerId: string; previousOwnerIds?: string[] | undefined }): boolean {
	const tag = tagIn(name);
	return tag !== undefined && [inputs.ownerId, ...(inputs.previousOwnerIds ?? [])].some((id) => stackTag(id) === tag);
}

/** The path of the volume of that name, if there is one. */
export async function findExisting(host: Host, pool: Pool, name: string): Promise<string | undefined> {
	const path = pool.directory && join(pool.directory, name);
	if (path && (await isLocal(host, pool))) return (await fileExists(path)) ? path : undefined;
	return (await host.volumes.findInPool(pool.uuid, name))?.path;
}

/**
 * Takes over the volume at the path, or refuses:
 * - `adopt`: as it is, as long as the format is the one asked for;
 * - a marked name: ours, made by a create that was interrupted before it could be recorded, or left on purpose
 *   (`retainOnDelete`), with whatever has been written to it since; a half-uploaded one is uploaded again (one with
 *   scripts has its name only when it is whole, and its name tells which scripts);
 * - another name: only what cannot be told from a fresh one and is used by nobody.
 * @throws Error that says what is there, how it differs and what to do
 */
export async function takeOver(context: Context, wanted: Wanted, path: string): Promise<Made> {
	const { host, log } = context;
	const { inputs, pool } = wanted;
	const maker = otherMaker(host, path, inputs.ownerId);
	if (maker)
		throw refusal(context, wanted, path, `the resource "${maker}" has made or taken it over in this run`, false);
	// Who was killed right after it had given the file its name has left the other one.
	if (pool.directory && (await isLocal(host, pool, path))) await sweepPartialsOnce(pool.directory);
	await refreshUnlisted(host, pool, path);
	const found = await findVolume(host, path);
	if (!found)
		throw new Error(`${path} exists, but the pool "${pool.name}" on ${host.uri} does not show it as a volume.`);
	const volume = describeVolume(await host.volumes.xml(found.key));
	const differences = differencesOf(volume, wanted);
	const taken = async (made: Made["made"]): Promise<Made> => {
		const capacityBytes = await growTo(host, volume, wanted.capacityBytes ?? 0);
		return { key: found.key, path: found.path, capacityBytes, made, ...(await originOf(host, volume, wanted, made)) };
	};

	// As the machine on it has it, whatever it holds.
	if (await takesSharedFile(context, wanted, volume, differences)) return taken(wanted.way);
	if (inputs.adopt) {
		if (formatOf(volume) !== inputs.format) {
			throw refusal(
				context,
				wanted,
				path,
				`it is ${formatOf(volume)}, which adopt does not convert: set format to that`,
				false,
			);
		}
		if (inputs.sizeMiB !== undefined && volume.capacityBytes > inputs.sizeMiB * MIB) {
			const has = volume.capacityBytes / MIB;
			throw refusal(
				context,
				wanted,
				path,
				`it has ${has} MiB, and volumes never shrink: leave sizeMiB out or give that`,
				false,
			);
		}
		log(`took over ${path} as it is`);
		return taken("adopted");
	}
	const uses = await usesOf(host, path);
	const isOurs = isMarked(inputs.name, inputs);
	// Others use a volume only after its create had come to its end.
	if (isOurs && !isUsed(uses) && (await mayBeCutOff(context, volume, wanted))) {
		log(`the upload of ${path} had been interrupted: uploading again`);
		await remove(host, pool, path);
		await refreshPool(host, pool.uuid, { now: true });
		return make(context, wanted);
	}
	if (differences.length > 0) throw refusal(context, wanted, path, differences.join("; "));
	if (isOurs) return taken(wanted.way);
	if (isUsed(uses)) {
		const names = [...uses.domains.map(({ name }) => `domain ${name}`), ...uses.overlays];
		throw refusal(context, wanted, path, `it is used by ${names.slice(0, 5).join(", ")}`);
	}
	if (!(await isFresh(context, volume, wanted))) {
		throw refusal(context, wanted, path, "it may hold data that is not this resource's");
	}
	return taken(wanted.way);
}

/** What a replica is to hold is known when it is read again, which is what making it takes. */
async function mayBeCutOff(context: Context, volume: VolumeDescription, { way, content }: Wanted): Promise<boolean> {
	return way === "replica" || (way === "upload" && (await isCutOff(context, volume, content!)));
}

async function refreshUnlisted(host: Host, pool: Pool, path: string): Promise<void> {
	if (!(await host.volumes.find(path))) await refreshPool(host, pool.uuid, { now: true });
}

function isUsed({ overlays, domains }: Uses): boolean {
	return overlays.length + domains.length > 0;
}

function formatOf({ format }: VolumeDescription): string {
	return format === "iso" ? "raw" : format;
}

/** What a volume would have to be made anew for. A smaller one is none: it is grown. */
function differencesOf(volume: VolumeDescription, { inputs, way, base, capacityBytes }: Wanted): string[] {
	const found: string[] = [];
	// The content of a raw volume is the guest's: it may look like anything.
	if (inputs.format === "qcow2" && volume.format !== "qcow2") found.push(`it is ${formatOf(volume)} instead of qcow2`);
	if (capacityBytes !== undefined && volume.capacityBytes > capacityBytes) {
		found.push(`it has ${volume.capacityBytes / MIB} MiB instead of ${capacityBytes / MIB} MiB`);
	}
	const isOnBase = way === "overlay" || way === "replica";
	const backing = isOnBase ? base?.path : way === "reflink" ? base!.backing[0] : undefined;
	const standsAlone = inputs.independent === true && !volume.backing;
	if (volume.backing?.path !== backing && !standsAlone) {
		found.push(`its backing store is ${volume.backing?.path ?? "none"} instead of ${backing ?? "none"}`);
	}
	return found;
}

/** Whether nothing was ever written to it, or exactly what would be written now. */
async function isFresh(context: Context, volume: VolumeDescription, wanted: Wanted): Promise<boolean> {
	if (wanted.way === "upload") return holds(context, volume, wanted);
	if ((wanted.way !== "empty" && wanted.way !== "overlay") || wanted.inputs.injected) return false;
	return isUntouched({ ...volume, format: wanted.inputs.format });
}

/** Whether the volume holds the content that would be uploaded, byte for byte. */
async function holds({ host, log }: Context, volume: VolumeDescription, { content }: Wanted): Promise<boolean> {
	if (content!.kind === "bytes" && (volume.fileBytes ?? content!.bytes.length) !== content!.bytes.length) return false;
	log(`comparing ${volume.path} with ${nameOf(content!)}`);
	return withTemporaryFolder("image", async (folder) => {
		const { sha256 } = await host.volumes.download(volume.key, join(folder, "volume"));
		return sha256 === content!.sha256;
	});
}

/** Content and lineage of a volume that was not made now. */
async function originOf(host: Host, volume: VolumeDescription, wanted: Wanted, made: Made["made"]) {
	if (made === "upload") return { contentId: `sha256:${wanted.content!.sha256}` };
	const { injected, replicaOf } = wanted.inputs;
	const lineage = lineageOf(wanted);
	if (made === "replica") return { lineage, contentId: replicaOf!.contentId };
	if (made === "overlay" && injected)
		return { lineage, contentId: injectedContentId(lineage!.baseContentId, injected) };
	if (made !== "adopted") return { lineage };
	if (!volume.backing) return {};
	const chain = await backingChain(host, volume);
	return { lineage: { base: chain[0]!, baseContentId: await contentIdOf(host, chain[0]!), chain } };
}

/** `stat:...` of a volume as it is now. */
export async function contentIdOf(host: Host, path: string): Promise<string> {
	const base = await host.volumes.find(path);
	return base ? statContentId(describeVolume(await host.volumes.xml(base.key))) : "stat:unknown";
}

function refusal(context: Context, { inputs, pool }: Wanted, path: string, reason: string, adoptable = true): Error {
	const what = isMarked(inputs.name, inputs) ? "and carries this stack's mark" : "and was not made by this resource";
	return new Error(
		`the volume "${inputs.name}" exists already in the pool "${pool.name}" (${path}) ${what}; ${reason}. ` +
			wayOut(context, "volume", { adoptable }),
	);
}
