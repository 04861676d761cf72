/** A file of an archive: path without a leading slash, permission bits and content. */
export interface CpioFile {
	path: string;
	mode: number;
	content: Buffer;
}

const DIRECTORY = 0o040755;
const REGULAR = 0o100000;

/**
 * Makes a cpio archive in the "newc" form that the kernel unpacks as initramfs. Everything belongs to root and carries
 * no time, so that equal input gives equal output whoever builds it.
 */
export function cpioArchive(directories: readonly string[], files: readonly CpioFile[]): Buffer {
	const parts: Buffer[] = [];
	let inode = 1;
	const add = (path: string, mode: number, content: Buffer) => {
		const name = Buffer.from(`${path}\0`);
		const fields = [inode++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
		const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
		parts.push(aligned(Buffer.concat([Buffer.from(header), name])), aligned(content));
	};
	for (const path of directories) add(path, DIRECTORY, Buffer.alloc(0));
	for (const file of files) add(file.path, REGULAR | file.mode, file.content);
	add("TRAILER!!!", 0, Buffer.alloc(0));
	return Buffer.concat(parts);
}

function aligned(bytes: Buffer): Buffer {
	return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
