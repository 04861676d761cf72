/** What a preview says about how a volume will be made. */
import type { Context } from "../lifecycle";
import { overlayPath } from "./make";
import { nameOf } from "./make-upload";
import { findPool } from "./pools";
import type { VolumeInputs } from "./schema";
import { MIB, type Wanted, wantedOf } from "./wanted";

/** Changes nothing. A pool that is still to be made says nothing yet. */
export async function planLines(inputs: VolumeInputs, { host }: Context): Promise<string[]> {
	const pool = await findPool(host, inputs.pool);
	if (!pool?.active) return [`the pool "${inputs.pool}" is not there or not active yet`];
	const wanted = await wantedOf(host, pool, inputs);
	const size = wanted.capacityBytes === undefined ? "" : `, ${wanted.capacityBytes / MIB} MiB`;
	switch (wanted.way) {
		case "empty":
			return [`empty ${inputs.format} volume${size}`];
		case "upload":
			return [`upload of ${nameOf(wanted.content!)}${size}`];
		case "overlay": {
			const by = (await overlayPath(host, wanted)) ? "written directly" : "made by libvirt";
			return [`overlay on ${wanted.base!.path}${size}, ${by}; no data is copied`];
		}
		case "reflink":
			return [`reflink of ${wanted.base!.path}${size}; no data is copied`];
		case "copy":
			return [`full copy of ${wanted.base!.path}${size}: ${bytesOf(wanted)} are copied`];
	}
}

function bytesOf({ base }: Wanted): string {
	return `up to ${Math.ceil(base!.capacityBytes / MIB)} MiB`;
}
