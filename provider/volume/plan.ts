/** What a preview says about how a volume will be made. */

import { guestfishObstacle } from "../init/inject/guestfish";
import { payloadOf, shortVersion } from "../init/injected";
import type { Host } from "../libvirt/api";
import type { Context } from "../lifecycle";
import { backingChain, baseFor } from "./bases";
import { findExisting } from "./existing";
import { overlayPath } from "./make";
import { injectionObstacle } from "./make-injected";
import { replicaLine } from "./make-replica";
import { nameOf } from "./make-upload";
import { findPool, findVolume } from "./pools";
import { bytesOfRebase, needsRebase, rebaseObstacle } from "./rebase";
import type { VolumeFacts, VolumeInputs } from "./schema";
import { bytesIn, mebibytes } from "./space";
import { MIB, type Wanted, type Way, wantedOf } from "./wanted";
import { describeVolume, type VolumeDescription } from "./xml";

/** Changes nothing. A pool that is still to be made says nothing yet. */
export async function planLines(inputs: VolumeInputs, { host, makes = "new" }: Context): Promise<string[]> {
	if (makes === false) return stayLines(inputs, host);
	const pool = await findPool(host, inputs.pool);
	if (!pool?.active) return [`the pool "${inputs.pool}" is not there or not active yet`];
	const existing = makes === "new" ? await findExisting(host, pool, inputs.name) : undefined;
	if (existing !== undefined && inputs.adopt) return [`takes over ${existing} as it is (adopt)`];
	const wanted = await wantedOf(host, pool, inputs);
	const made =
		wanted.way === "replica"
			? await replicaLine({ host }, wanted)
			: wayLine(wanted.way, await overlayPath(host, wanted), wanted);
	const injection = inputs.injected ? await injectionLines(host, wanted) : [];
	// Whose it is only a look into it tells.
	const warning = `warning: ${existing} exists already: it is taken over where an interrupted run left it, else refused`;
	return [...(existing === undefined ? [] : [warning]), made, ...injection];
}

/** The size that a volume has, which its inputs do not tell where it came from a source or base. */
export async function factsOf(inputs: VolumeInputs, { host }: Context): Promise<Partial<VolumeFacts>> {
	const volume = await present(inputs, host);
	return volume ? { capacityBytes: volume.capacityBytes } : {};
}

async function present(inputs: VolumeInputs, host: Host): Promise<VolumeDescription | undefined> {
	const pool = await findPool(host, inputs.pool);
	const path = pool?.active ? await findExisting(host, pool, inputs.name) : undefined;
	const found = path === undefined ? undefined : await findVolume(host, path);
	return found && describeVolume(await host.volumes.xml(found.key));
}

/** What an update of a volume comes to. */
async function stayLines(inputs: VolumeInputs, host: Host): Promise<string[]> {
	const volume = await present(inputs, host);
	if (!volume) return [];
	const lines: string[] = [];
	const isClone = inputs.base !== undefined || inputs.baseDomain !== undefined;
	if (inputs.onBaseChange === "rebase" && isClone && volume.backing) {
		const base = await baseFor(host, inputs);
		if (needsRebase(volume, base)) {
			lines.push(`rebase: at most ${mebibytes(await bytesOfRebase(host, volume, base))} MiB are copied`);
			const obstacle = await rebaseObstacle(host, volume, base);
			if (obstacle !== undefined) lines.push(`warning: ${obstacle}`);
		}
	}
	if (inputs.independent && volume.backing) {
		const bytes = await bytesIn(host, await backingChain(host, volume), volume);
		lines.push(`independent: at most ${mebibytes(bytes)} MiB are copied`);
	}
	return lines;
}

async function injectionLines(host: Host, wanted: Wanted): Promise<string[]> {
	const payload = payloadOf(wanted.inputs.injected!);
	const bytes = payload.files.reduce((sum, { content }) => sum + content.length, 0);
	const obstacle = (await injectionObstacle({ host }, wanted)) ?? (await guestfishObstacle());
	return [
		`scripts ${shortVersion(payload)}: ${payload.files.length} files of ${Math.ceil(bytes / 1024)} KiB are put into it by ` +
			"libguestfs; the base stays as it is",
		...(obstacle === undefined ? [] : [`warning: ${obstacle}`]),
	];
}

/** @param direct where an overlay is written without libvirt */
function wayLine(way: Exclude<Way, "replica">, direct: string | undefined, wanted: Wanted): string {
	const { inputs } = wanted;
	const size = wanted.capacityBytes === undefined ? "" : `, ${wanted.capacityBytes / MIB} MiB`;
	switch (way) {
		case "empty":
			return `empty ${inputs.format} volume${size}`;
		case "upload":
			return `upload of ${nameOf(wanted.content!)}${size}`;
		case "overlay":
			return `overlay on ${wanted.base!.path}${size}, ${direct ? "written directly" : "made by libvirt"}; no data is copied`;
		case "reflink":
			if (inputs.whileRunning) return standingLine(wanted);
			return `reflink of ${wanted.base!.path}${size}; no data is copied`;
		case "copy":
			return `full copy of ${wanted.base!.path}${size}: ${bytesOf(wanted)} are copied`;
	}
}

function standingLine({ base }: Wanted): string {
	return `copy of ${base!.path} alone, by reflink where the file system can: a machine that runs on it stands still meanwhile`;
}

function bytesOf({ base }: Wanted): string {
	return `up to ${Math.ceil(base!.capacityBytes / MIB)} MiB`;
}
