/**
 * The part of the qcow2 format that thin clones need: reading a header, and writing the file of an empty overlay with
 * the layout that `qemu-img create` uses (header, refcount table, refcount block, L1 table, one after the other).
 *
 * Source: https://gitlab.com/qemu-project/qemu/-/blob/v7.2.0/docs/interop/qcow2.txt
 */
import type { VolumeDescription } from "./xml";

const MAGIC = 0x514649fb;
const CLUSTER_BITS = 16;
const CLUSTER = 1 << CLUSTER_BITS;
const HEADER_LENGTH = 112;
const BACKING_FORMAT = 0xe2792aca;
/** One entry of the L1 table stands for an L2 table of 8 byte entries, each a cluster. */
const BYTES_PER_L1_ENTRY = (CLUSTER / 8) * CLUSTER;
/** QEMU's own limit is 1023 bytes. */
const MAX_BACKING_PATH = 1023;

/** Enough of a file's start for `readQcow2Header`. */
export const QCOW2_PROBE_BYTES = 64 * 1024;

export interface Qcow2Header {
	version: number;
	/** Virtual size in bytes. */
	capacityBytes: number;
	/** As it is written in the file: it may be relative to the file's directory. */
	backingFile: string | undefined;
	/** From the header extension; undefined in old images without one. */
	backingFormat: string | undefined;
}

/** The header, or undefined when the bytes are not the start of a qcow2 image. */
export function readQcow2Header(start: Buffer): Qcow2Header | undefined {
	if (start.length < 72 || start.readUInt32BE(0) !== MAGIC) return undefined;
	const version = start.readUInt32BE(4);
	const backingOffset = Number(start.readBigUInt64BE(8));
	const backingLength = start.readUInt32BE(16);
	const backingFile =
		backingOffset > 0 && backingOffset + backingLength <= start.length
			? start.toString("utf8", backingOffset, backingOffset + backingLength)
			: undefined;
	const end = backingOffset > 0 ? Math.min(backingOffset, start.length) : start.length;
	const first = version >= 3 && start.length >= 104 ? start.readUInt32BE(100) : 72;
	return {
		version,
		capacityBytes: Number(start.readBigUInt64BE(24)),
		backingFile,
		backingFormat: readExtension(start, first, end, BACKING_FORMAT)?.toString("utf8"),
	};
}

function readExtension(start: Buffer, first: number, end: number, wanted: number): Buffer | undefined {
	for (let at = first; at + 8 <= end; ) {
		const type = start.readUInt32BE(at);
		const length = start.readUInt32BE(at + 4);
		if (type === 0 || at + 8 + length > end) return undefined;
		if (type === wanted) return start.subarray(at + 8, at + 8 + length);
		at += 8 + Math.ceil(length / 8) * 8;
	}
	return undefined;
}

/** A file as its length and the few pieces in it that are not zero. */
export interface SparseFile {
	lengthBytes: number;
	pieces: Array<{ offset: number; bytes: Buffer }>;
}

/** Length of the file of a qcow2 image (64 KiB clusters) to which nothing was ever written. */
export function freshQcow2Length(capacityBytes: number): number {
	return 3 * CLUSTER + l1Entries(capacityBytes) * 8;
}

/** Whether nothing was ever written to a volume. */
export function isUntouched({
	format,
	capacityBytes,
	allocationBytes,
	fileBytes,
}: Pick<VolumeDescription, "format" | "capacityBytes" | "allocationBytes" | "fileBytes">): boolean {
	if (format !== "qcow2") return allocationBytes === 0;
	// Such a file grows with the first write, and never shrinks.
	return fileBytes !== undefined && fileBytes <= freshQcow2Length(capacityBytes);
}

function l1Entries(capacityBytes: number): number {
	return Math.max(1, Math.ceil(capacityBytes / BYTES_PER_L1_ENTRY));
}

/**
 * The file of an overlay to which nothing was written yet: qcow2 version 3, 64 KiB clusters, 16 bit refcounts.
 *
 * @param capacityBytes virtual size, a multiple of 512
 * @throws RangeError for a backing path that QEMU would not take, or a size that one refcount block cannot describe
 */
export function overlayFile(overlay: {
	capacityBytes: number;
	backingFile: string;
	backingFormat: "qcow2" | "raw";
}): SparseFile {
	const path = Buffer.from(overlay.backingFile, "utf8");
	if (path.length === 0 || path.length > MAX_BACKING_PATH) {
		throw new RangeError(`the path of the base has ${path.length} bytes; QEMU takes 1 to ${MAX_BACKING_PATH}`);
	}
	const entries = l1Entries(overlay.capacityBytes);
	const clusters = 3 + Math.ceil((entries * 8) / CLUSTER);
	const refcountsPerBlock = CLUSTER / 2;
	if (clusters > refcountsPerBlock || overlay.capacityBytes % 512 !== 0) {
		throw new RangeError(`a virtual size of ${overlay.capacityBytes} bytes cannot be written as one qcow2 header`);
	}

	const format = Buffer.from(overlay.backingFormat, "utf8");
	const formatArea = Math.ceil(format.length / 8) * 8;
	const pathOffset = HEADER_LENGTH + 8 + formatArea + 8;
	const header = Buffer.alloc(pathOffset + path.length);
	header.writeUInt32BE(MAGIC, 0);
	header.writeUInt32BE(3, 4);
	header.writeBigUInt64BE(BigInt(pathOffset), 8);
	header.writeUInt32BE(path.length, 16);
	header.writeUInt32BE(CLUSTER_BITS, 20);
	header.writeBigUInt64BE(BigInt(overlay.capacityBytes), 24);
	header.writeUInt32BE(entries, 36);
	header.writeBigUInt64BE(BigInt(3 * CLUSTER), 40); // L1 table
	header.writeBigUInt64BE(BigInt(CLUSTER), 48); // refcount table
	header.writeUInt32BE(1, 56); // its clusters
	header.writeUInt32BE(4, 96); // refcounts of 1 << 4 bits
	header.writeUInt32BE(HEADER_LENGTH, 100);
	header.writeUInt32BE(BACKING_FORMAT, HEADER_LENGTH);
	header.writeUInt32BE(format.length, HEADER_LENGTH + 4);
	format.copy(header, HEADER_LENGTH + 8);
	path.copy(header, pathOffset); // the 8 zero bytes before it end the list of extensions

	const refcountTable = Buffer.alloc(8);
	refcountTable.writeBigUInt64BE(BigInt(2 * CLUSTER));
	const refcounts = Buffer.alloc(clusters * 2);
	for (let cluster = 0; cluster < clusters; cluster++) refcounts.writeUInt16BE(1, cluster * 2);
	return {
		lengthBytes: freshQcow2Length(overlay.capacityBytes),
		pieces: [
			{ offset: 0, bytes: header },
			{ offset: CLUSTER, bytes: refcountTable },
			{ offset: 2 * CLUSTER, bytes: refcounts },
		],
	};
}
