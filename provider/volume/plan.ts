/** What a preview says about how a volume will be made. */
import type { Context } from "../lifecycle";
import { findExisting } from "./existing";
import { overlayPath } from "./make";
import { nameOf } from "./make-upload";
import { findPool } from "./pools";
import type { VolumeInputs } from "./schema";
import { MIB, type Wanted, wantedOf } from "./wanted";

/** Changes nothing. A pool that is still to be made says nothing yet. */
export async function planLines(inputs: VolumeInputs, { host, makes = "new" }: Context): Promise<string[]> {
	if (makes === false) return [];
	const pool = await findPool(host, inputs.pool);
	if (!pool?.active) return [`the pool "${inputs.pool}" is not there or not active yet`];
	const existing = makes === "new" ? await findExisting(host, pool, inputs.name) : undefined;
	if (existing !== undefined && inputs.adopt) return [`takes over ${existing} as it is (adopt)`];
	const wanted = await wantedOf(host, pool, inputs);
	const made = wayLine(await overlayPath(host, wanted), wanted);
	// Whose it is only a look into it tells.
	const warning = `warning: ${existing} exists already: it is taken over where an interrupted run left it, else refused`;
	return existing === undefined ? [made] : [warning, made];
}

/** @param direct where an overlay is written without libvirt */
function wayLine(direct: string | undefined, wanted: Wanted): string {
	const { inputs } = wanted;
	const size = wanted.capacityBytes === undefined ? "" : `, ${wanted.capacityBytes / MIB} MiB`;
	switch (wanted.way) {
		case "empty":
			return `empty ${inputs.format} volume${size}`;
		case "upload":
			return `upload of ${nameOf(wanted.content!)}${size}`;
		case "overlay":
			return `overlay on ${wanted.base!.path}${size}, ${direct ? "written directly" : "made by libvirt"}; no data is copied`;
		case "reflink":
			return `reflink of ${wanted.base!.path}${size}; no data is copied`;
		case "copy":
			return `full copy of ${wanted.base!.path}${size}: ${bytesOf(wanted)} are copied`;
	}
}

function bytesOf({ base }: Wanted): string {
	return `up to ${Math.ceil(base!.capacityBytes / MIB)} MiB`;
}
