/** What this machine can tell about an image file before anything is done with it. */
import { stat } from "node:fs/promises";
import { recordedOf } from "../init/injected";
import { InputError } from "../lifecycle";
import { fileSha256 } from "./file-hash";
import { type ImageFile, probeImage } from "./image-format";
import type { VolumeInputs } from "./schema";
import { MIB } from "./wanted";

/** Hashes of files as they were at a size and time of change, so that preview and up read a large image once. */
const hashes = new Map<string, { stamp: string; sha256: Promise<string> }>();

/**
 * SHA-256 of a file, in hex; from memory as long as size and times of change stay the same.
 * @throws InputError when it cannot be read
 */
export async function knownSha256(path: string): Promise<string> {
	const found = await stat(path, { bigint: true }).catch(() => undefined);
	if (!found) return fileSha256(path);
	const stamp = `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
	const known = hashes.get(path);
	if (known?.stamp === stamp) return known.sha256;
	const sha256 = fileSha256(path);
	hashes.set(path, { stamp, sha256 });
	sha256.catch(() => hashes.delete(path));
	return sha256;
}

/**
 * Fills in the hash of a local file, so that a changed file is a changed input; and leaves of scripts their version.
 * @throws InputError when the file cannot be read, has another hash than given, or is no image of the format asked for
 */
export async function resolve(inputs: VolumeInputs): Promise<VolumeInputs> {
	const { source, injected } = inputs;
	if (injected) return { ...inputs, injected: recordedOf(injected) };
	if (source?.file === undefined) return inputs;
	const sha256 = await knownSha256(source.file);
	if (source.sha256 !== undefined && source.sha256 !== sha256) {
		throw new InputError(
			"source.sha256",
			`got ${source.sha256}; ${source.file} has ${sha256}: the file is another one or was changed, ` +
				"correct the hash or leave it out",
		);
	}
	checkImage(inputs, await probeImage(source.file), source.file);
	return { ...inputs, source: { ...source, sha256 } };
}

/**
 * @param what path or URL, for the error
 * @throws InputError when the image has another format, is larger than sizeMiB, or needs a backing file
 */
export function checkImage(inputs: Pick<VolumeInputs, "format" | "sizeMiB">, image: ImageFile, what: string): void {
	if (image.fileBytes === 0) {
		throw new InputError("source", `got ${what}, which is empty; allowed is an image: look where it came from`);
	}
	if (image.format !== inputs.format) {
		const convertible = ["qcow2", "raw", "vmdk", "vdi", "vhdx", "vpc", "qed"].includes(image.format);
		throw new InputError(
			"format",
			`got "${inputs.format}"; ${what} is ${image.format}: ` +
				(["qcow2", "raw"].includes(image.format)
					? `set format to "${image.format}", or convert the image (qemu-img convert -O ${inputs.format})`
					: convertible
						? `convert it first (qemu-img convert -O ${inputs.format})`
						: "unpack it first"),
		);
	}
	if (image.backingFile !== undefined) {
		throw new InputError(
			"source",
			`${what} is an overlay on ${image.backingFile}, which would be missing on the host: ` +
				"flatten it first (qemu-img convert -O qcow2)",
		);
	}
	if (inputs.sizeMiB !== undefined && inputs.sizeMiB * MIB < image.capacityBytes) {
		throw new InputError(
			"sizeMiB",
			`got ${inputs.sizeMiB}; ${what} has a virtual size of ${image.capacityBytes / MIB} MiB and cannot be cut: ` +
				`allowed are ${Math.ceil(image.capacityBytes / MIB)} and more, or none for the image's size`,
		);
	}
}
