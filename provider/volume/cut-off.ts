/** Tells an upload that was cut off from a volume that was complete and has been written to since. */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../lifecycle";
import { withTemporaryFolder } from "../temporary";
import type { Content } from "./content";
import { nameOf, withFile } from "./make-upload";
import type { VolumeDescription } from "./xml";

/** Of a file system: what was not written when a host went down is zero in such steps. */
const BLOCK = 4096;
const CHUNK = 256 * BLOCK;

/**
 * Whether the volume holds a part of the content and nothing else: every block is the content's or empty, and some of
 * the content is missing.
 */
export async function isCutOff(context: Context, volume: VolumeDescription, content: Content): Promise<boolean> {
	const { host, log } = context;
	log(`comparing ${volume.path} with ${nameOf(content)}`);
	return withTemporaryFolder("image", async (folder) => {
		const found = join(folder, "volume");
		const { sha256 } = await host.volumes.download(volume.key, found);
		if (sha256 === content.sha256) return false;
		// What is made here can be made again, whatever became of it.
		if (content.kind === "bytes") return true;
		return withFile(context, content, (file) => isPart(found, file));
	});
}

/** Files of another length are none: an upload starts with making the file as long as it is going to be. */
async function isPart(part: string, whole: string): Promise<boolean> {
	if ((await stat(part)).size !== (await stat(whole)).size) return false;
	const files = [await open(part, "r"), await open(whole, "r")] as const;
	try {
		const [one, other] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
		for (let at = 0; ; at += CHUNK) {
			const { bytesRead } = await files[0].read(one, 0, CHUNK, at);
			await files[1].read(other, 0, CHUNK, at);
			if (bytesRead === 0) return true;
			for (let start = 0; start < bytesRead; start += BLOCK) {
				const block = one.subarray(start, Math.min(start + BLOCK, bytesRead));
				if (!isPartOf(block, other.subarray(start, start + block.length))) return false;
			}
		}
	} finally {
		for (const file of files) await file.close();
	}
}

/** The block as far as it came, then zeros. */
function isPartOf(block: Buffer, whole: Buffer): boolean {
	if (block.equals(whole)) return true;
	const differs = block.findIndex((byte, index) => byte !== whole[index]);
	return isEmpty(block.subarray(differs));
}

const ZEROS = Buffer.alloc(BLOCK);

function isEmpty(block: Buffer): boolean {
	return block.equals(ZEROS.subarray(0, block.length));
}
