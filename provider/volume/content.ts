/** The content of an uploaded volume: known by its hash before it is there. */
import { createHash } from "node:crypto";
import { cloudInitSeed } from "./cloud-init";
import type { VolumeInputs } from "./schema";
import { type ArchivedFile, tarOf } from "./tar";

export type Content =
	| { kind: "file"; file: string; sha256: string }
	| { kind: "url"; url: string; sha256: string }
	/** Made here; small. May hold secrets. */
	| { kind: "bytes"; bytes: Buffer; sha256: string };

/** The content that the inputs name. Reads no file: the hash of one is in the inputs since `resolve`. */
export function contentOf({ source, ownerId }: Pick<VolumeInputs, "source" | "ownerId">): Content {
	if (source?.cloudInit || source?.archive) {
		const bytes = source.cloudInit
			? cloudInitSeed(source.cloudInit, ownerId)
			: tarOf(source.archive!.files.map(archived));
		return { kind: "bytes", bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
	}
	const sha256 = source?.sha256 ?? "";
	if (source?.url !== undefined) return { kind: "url", url: source.url, sha256 };
	return { kind: "file", file: source?.file ?? "", sha256 };
}

type GivenFile = NonNullable<NonNullable<VolumeInputs["source"]>["archive"]>["files"][number];

function archived({ path, content, mode, encoding }: GivenFile): ArchivedFile {
	return {
		path,
		content: Buffer.from(content, encoding === "base64" ? "base64" : "utf8"),
		mode: Number.parseInt(mode, 8),
	};
}
