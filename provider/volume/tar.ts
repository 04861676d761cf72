/**
 * Archives of small files, for a guest that unpacks them with `tar`.
 *
 * Source: POSIX.1-2017, pax, "ustar Interchange Format".
 */

export interface ArchivedFile {
	/** Absolute. */
	path: string;
	content: Buffer;
	/** Permissions. */
	mode: number;
}

const BLOCK_BYTES = 512;
/** Longest name and longest folder before it. */
const [NAME_BYTES, PREFIX_BYTES] = [100, 155];

/** The archive, all of it root's; the same files give the same bytes. */
export function tarOf(files: ReadonlyArray<ArchivedFile>): Buffer {
	const blocks = files.flatMap(({ path, content, mode }) => [header(path, content.length, mode), filled(content)]);
	// Two empty blocks end it.
	return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

/** Whether the format has room for the path. */
export function fitsIntoTar(path: string): boolean {
	return split(path) !== undefined;
}

function header(path: string, size: number, mode: number): Buffer {
	const [prefix, name] = split(path)!;
	const block = Buffer.alloc(BLOCK_BYTES);
	block.write(name, 0, "utf8");
	block.write(octal(mode, 8), 100);
	block.write(octal(0, 8), 108);
	block.write(octal(0, 8), 116);
	block.write(octal(size, 12), 124);
	block.write(octal(0, 12), 136);
	block.write(" ".repeat(8), 148);
	block.write("0", 156);
	block.write("ustar\x0000", 257);
	block.write(prefix, 345, "utf8");
	const sum = block.reduce((total, byte) => total + byte, 0);
	block.write(`${octal(sum, 7)} `, 148);
	return block;
}

/** Without the slash in front, of which `tar` would complain. */
function split(path: string): [prefix: string, name: string] | undefined {
	const relative = path.replace(/^\/+/, "");
	const cuts = [-1, ...[...relative.matchAll(/\//g)].map(({ index }) => index)];
	return cuts
		.map((cut): [string, string] => [relative.slice(0, Math.max(cut, 0)), relative.slice(cut + 1)])
		.find(([prefix, name]) => Buffer.byteLength(prefix) <= PREFIX_BYTES && Buffer.byteLength(name) <= NAME_BYTES);
}

/** Digits and the zero byte behind them. */
function octal(value: number, width: number): string {
	return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

function filled(content: Buffer): Buffer {
	return Buffer.concat([content, Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES)]);
}
