/** What an image file is, told from its first bytes. */
import { open } from "node:fs/promises";
import { QCOW2_PROBE_BYTES, readQcow2Header } from "./qcow2";

/** Formats that are recognised so that none is mistaken for raw data. */
const OTHERS: ReadonlyArray<{ name: string; offset: number; magic: string }> = [
	{ name: "vmdk", offset: 0, magic: "4b444d56" },
	{ name: "vmdk", offset: 0, magic: "434f5744" },
	{ name: "vhdx", offset: 0, magic: "7668647866696c65" },
	{ name: "vpc", offset: 0, magic: "636f6e6563746978" },
	{ name: "vdi", offset: 64, magic: "7f10dabe" },
	{ name: "qed", offset: 0, magic: "51454400" },
	{ name: "gzip", offset: 0, magic: "1f8b08" },
	{ name: "xz", offset: 0, magic: "fd377a585a00" },
	{ name: "bzip2", offset: 0, magic: "425a68" },
	{ name: "zstd", offset: 0, magic: "28b52ffd" },
];

export interface ImageFile {
	/** "qcow2", "raw" when nothing is recognised, else the name of another format or of a compression. */
	format: string;
	/** Virtual size: of a qcow2 image from its header, else the file's length. */
	capacityBytes: number;
	/** Length of the file. */
	fileBytes: number;
	/** A qcow2 image that needs another file. */
	backingFile: string | undefined;
}

/** @throws as fs.open does */
export async function probeImage(path: string): Promise<ImageFile> {
	const file = await open(path, "r");
	try {
		const { size } = await file.stat();
		const start = Buffer.alloc(Math.min(QCOW2_PROBE_BYTES, size));
		await file.read(start, 0, start.length, 0);
		const header = readQcow2Header(start);
		if (header) {
			const { capacityBytes, backingFile } = header;
			return { format: "qcow2", capacityBytes, fileBytes: size, backingFile };
		}
		const other = OTHERS.find(
			({ offset, magic }) => start.subarray(offset, offset + magic.length / 2).toString("hex") === magic,
		);
		return { format: other?.name ?? "raw", capacityBytes: size, fileBytes: size, backingFile: undefined };
	} finally {
		await file.close();
	}
}
