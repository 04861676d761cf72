/** What the inputs come to, now that the host can be asked. */
import { connect } from "../libvirt";
import type { Host } from "../libvirt/api";
import { InputError } from "../lifecycle";
import { type Base, baseFor } from "./bases";
import { type Content, contentOf } from "./content";
import { findVolume, type Pool } from "./pools";
import type { VolumeFacts, VolumeInputs } from "./schema";
import { describeVolume } from "./xml";

export const MIB = 1024 * 1024;

export type Way = "empty" | "upload" | "overlay" | "reflink" | "copy" | "replica";

export interface Wanted {
	inputs: VolumeInputs;
	pool: Pool;
	way: Way;
	/** Virtual size; undefined where only the uploaded file knows it. */
	capacityBytes: number | undefined;
	/** Of a clone, or of a replica that is thin. */
	base: Base | undefined;
	/** Of an upload. */
	content: Content | undefined;
}

/** What was made, or taken over. */
export type Made = Omit<VolumeFacts, "timings" | "poolUuid">;

/** How a volume with these inputs gets its content; nothing on the host changes this choice. */
export function wayOf(
	inputs: Pick<VolumeInputs, "source" | "base" | "baseDomain" | "cloning" | "format" | "replicaOf">,
): Way {
	if (inputs.replicaOf) return "replica";
	if (inputs.source) return "upload";
	if (inputs.base === undefined && inputs.baseDomain === undefined) return "empty";
	if (inputs.cloning !== "auto") return inputs.cloning;
	return inputs.format === "qcow2" ? "overlay" : "reflink";
}

/**
 * @throws Error when the base cannot be cloned
 * @throws InputError when the volume would be smaller than its base
 */
export async function wantedOf(host: Host, pool: Pool, inputs: VolumeInputs): Promise<Wanted> {
	const way = wayOf(inputs);
	const asked = inputs.sizeMiB === undefined ? undefined : inputs.sizeMiB * MIB;
	if (way === "upload") {
		return { inputs, pool, way, capacityBytes: asked, base: undefined, content: contentOf(inputs) };
	}
	if (way === "empty") {
		const capacityBytes = asked ?? (await sizeOf(inputs));
		return { inputs, pool, way, capacityBytes, base: undefined, content: undefined };
	}
	if (way === "replica") {
		const base = inputs.base === undefined ? undefined : await baseFor(host, inputs);
		return { inputs, pool, way, capacityBytes: asked, base, content: undefined };
	}
	const base = await baseFor(host, inputs);
	if (asked !== undefined && asked < base.capacityBytes) {
		throw new InputError(
			"sizeMiB",
			`got ${inputs.sizeMiB}; the base ${base.path} has ${base.capacityBytes / MIB} MiB, and a clone cannot be smaller: ` +
				`allowed are ${Math.ceil(base.capacityBytes / MIB)} and more, or none for the base's size`,
		);
	}
	// QEMU rounds the size of a raw file up to sectors.
	const capacityBytes = asked ?? Math.ceil(base.capacityBytes / 512) * 512;
	return { inputs, pool, way, capacityBytes, base, content: undefined };
}

/** Size of the volume on another host that an empty one is to be as large as. */
async function sizeOf({ sizeOf: like }: VolumeInputs): Promise<number | undefined> {
	if (!like) return undefined;
	const there = connect(like.uri);
	const found = await findVolume(there, like.volume);
	if (!found) throw new InputError("sizeOf", `there is no volume ${like.volume} on ${like.uri}`);
	return describeVolume(await there.volumes.xml(found.key)).capacityBytes;
}

/** What a clone came from. An overlay's chain begins with the base; a reflink or copy has what the base's file has. */
export function lineageOf({ inputs, base, way }: Wanted): Made["lineage"] {
	if (!base) return undefined;
	const above = [base.path, ...base.backing];
	const chains: Partial<Record<Way, string[]>> = { overlay: above, replica: above, reflink: base.backing };
	return {
		base: base.path,
		baseContentId: inputs.baseContentId ?? base.contentId,
		chain: chains[way] ?? [],
	};
}
