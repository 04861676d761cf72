/**
 * QEMU's stream of a machine's whole state, taken apart: its memory into a file that children share, and all else into the
 * state of its devices, as if the memory had been shared from the start (`x-ignore-shared`). Written by QEMU's
 * migration/savevm.c and migration/ram.c; numbers are big-endian.
 */

const PAGE_BYTES = 4096;
/** What is in the low bits of a page's place. */
const FLAG = { zero: 0x02, sizes: 0x04, page: 0x08, end: 0x10, continued: 0x20, flush: 0x200 };
const FLAGS = PAGE_BYTES - 1;
const SECTION = { end: 0, start: 1, part: 2, last: 3, whole: 4 };
const FOOTER = 0x7e;
/** The sections before the memory are of some hundred bytes. */
const LONGEST_HEAD = 65_536;
const MAGIC = "QEVM";

export interface Memory {
	/** Name under which the stream has it. */
	from: string;
	/** Name under which children have it. */
	to: string;
	bytes: number;
	/** Takes some of it; what is not written is zero. */
	write(page: Buffer, at: number): Promise<void>;
}

/**
 * @param stream of a machine that stood still, with `x-ignore-shared`
 * @returns the devices' state
 * @throws Error when the stream has something else in it
 */
export async function takeApart(stream: AsyncIterable<Buffer>, memory: Memory): Promise<Buffer> {
	const bytes = new Bytes(stream);
	const kept: Buffer[] = [];
	const keep = (part: Buffer) => {
		kept.push(part);
		return part;
	};
	const id = await head(bytes, keep);
	let block = await pages(bytes, memory, "", keep);
	for (;;) {
		if (keep(await bytes.take(5))[0] !== FOOTER) throw broken("no end of a section");
		const type = keep(await bytes.take(1))[0];
		if (type === SECTION.whole || type === SECTION.end) break;
		const section = keep(await bytes.take(4)).readUInt32BE();
		if ((type !== SECTION.part && type !== SECTION.last) || section !== id) {
			throw broken(`a section of type ${type} beside the memory`);
		}
		block = await pages(bytes, memory, block, keep);
	}
	for await (const rest of bytes.rest()) kept.push(rest);
	return Buffer.concat(kept);
}

/** Up to the memory's section. @returns its number */
async function head(bytes: Bytes, keep: (part: Buffer) => Buffer): Promise<number> {
	let all = await bytes.take(MAGIC.length);
	if (all.toString("latin1") !== MAGIC) throw broken("another beginning");
	const title = Buffer.from("\x03ram", "latin1");
	while (!(all.length > 9 && all.subarray(-4).equals(title) && all.at(-9) === SECTION.start)) {
		if (all.length > LONGEST_HEAD) throw broken("no memory");
		all = Buffer.concat([all, await bytes.take(1)]);
	}
	keep(all);
	// Instance and version.
	keep(await bytes.take(8));
	return all.readUInt32BE(all.length - 8);
}

/**
 * One part of the memory's section.
 * @param block which the pages are of until another one is named; it may have been named in an earlier part
 * @returns the last one
 */
async function pages(bytes: Bytes, memory: Memory, block: string, keep: (part: Buffer) => Buffer): Promise<string> {
	for (;;) {
		const word = await bytes.take(8);
		const flags = word.readUInt32BE(4) & FLAGS;
		if (flags & FLAG.end) {
			keep(word);
			return block;
		}
		if (flags & FLAG.sizes) {
			keep(word);
			await sizes(bytes, placeOf(word), memory, keep);
			continue;
		}
		if (flags & FLAG.flush) {
			keep(word);
			continue;
		}
		if (!(flags & (FLAG.page | FLAG.zero))) throw broken(`a page with flags 0x${flags.toString(16)}`);
		const name = flags & FLAG.continued ? undefined : await text(bytes);
		if (name) block = name.toString("latin1", 1);
		const content = await bytes.take(flags & FLAG.page ? PAGE_BYTES : 1);
		if (block !== memory.from) {
			for (const part of name ? [word, name, content] : [word, content]) keep(part);
		} else if (flags & FLAG.page) await memory.write(content, placeOf(word));
		else if (content[0] !== 0) await memory.write(Buffer.alloc(PAGE_BYTES, content[0]), placeOf(word));
	}
}

/** The list of blocks, with the memory's under its new name. */
async function sizes(bytes: Bytes, total: number, memory: Memory, keep: (part: Buffer) => Buffer): Promise<void> {
	let isThere = false;
	for (let left = total; left > 0; ) {
		const name = await text(bytes);
		const size = await bytes.take(8);
		// Where it is, which QEMU says with x-ignore-shared.
		const place = await bytes.take(8);
		const length = placeOf(size) + (size.readUInt32BE(4) & FLAGS);
		const isMemory = name.toString("latin1", 1) === memory.from;
		if (isMemory && length !== memory.bytes) throw broken(`${length} bytes of memory instead of ${memory.bytes}`);
		isThere ||= isMemory;
		keep(isMemory ? Buffer.from(`${String.fromCharCode(memory.to.length)}${memory.to}`, "latin1") : name);
		keep(size);
		keep(place);
		left -= length;
	}
	if (!isThere) throw broken(`no memory of the name ${memory.from}`);
}

function placeOf(word: Buffer): number {
	return word.readUInt32BE() * 2 ** 32 + ((word.readUInt32BE(4) & ~FLAGS) >>> 0);
}

/** With its length before it. */
async function text(bytes: Bytes): Promise<Buffer> {
	const length = await bytes.take(1);
	return Buffer.concat([length, await bytes.take(length[0]!)]);
}

function broken(what: string): Error {
	return new Error(`the state of the machine cannot be taken apart: it has ${what}`);
}

/** A stream from which as many bytes are taken as are wanted. */
class Bytes {
	private readonly chunks: AsyncIterator<Buffer>;
	private left: Buffer = Buffer.alloc(0);

	constructor(stream: AsyncIterable<Buffer>) {
		this.chunks = stream[Symbol.asyncIterator]();
	}

	async take(count: number): Promise<Buffer> {
		while (this.left.length < count) {
			const { value, done } = await this.chunks.next();
			if (done) throw broken("an end too early");
			this.left = this.left.length === 0 ? value : Buffer.concat([this.left, value]);
		}
		const taken = this.left.subarray(0, count);
		this.left = this.left.subarray(count);
		return taken;
	}

	async *rest(): AsyncIterable<Buffer> {
		yield this.left;
		for (;;) {
			const { value, done } = await this.chunks.next();
			if (done) return;
			yield value;
		}
	}
}
