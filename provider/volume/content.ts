/** The content of an uploaded volume: known by its hash before it is there. */
import { createHash } from "node:crypto";
import { cloudInitSeed } from "./cloud-init";
import type { VolumeInputs } from "./schema";

export type Content =
	| { kind: "file"; file: string; sha256: string }
	| { kind: "url"; url: string; sha256: string }
	/** Made here; small. May hold secrets. */
	| { kind: "bytes"; bytes: Buffer; sha256: string };

/** The content that the inputs name. Reads no file: the hash of one is in the inputs since `resolve`. */
export function contentOf({ source, ownerId }: Pick<VolumeInputs, "source" | "ownerId">): Content {
	if (source?.cloudInit) {
		const bytes = cloudInitSeed(source.cloudInit, ownerId);
		return { kind: "bytes", bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
	}
	const sha256 = source?.sha256 ?? "";
	if (source?.url !== undefined) return { kind: "url", url: source.url, sha256 };
	return { kind: "file", file: source?.file ?? "", sha256 };
}
