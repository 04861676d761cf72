import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { InputError } from "../lifecycle";

/**
 * SHA-256 of a file, in hex.
 * @throws InputError when it cannot be read
 */
export async function fileSha256(path: string): Promise<string> {
	const hash = createHash("sha256");
	try {
		await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
	} catch (error) {
		throw new InputError(
			"source.file",
			`got ${JSON.stringify(path)}, which cannot be read: ${(error as Error).message}; allowed is the path of an image on ` +
				"the machine that runs Pulumi",
		);
	}
	return hash.digest("hex");
}
