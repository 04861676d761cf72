/**
 * What `net offlinejoin provision` prints: ODJ_PROVISION_DATA of Microsoft's IDL for offline domain join, serialised
 * by NDR, in base64. Only the password that it set is read from it.
 */

const FORMAT_WINDOWS_7 = 1;

/**
 * The machine account's password in a blob.
 * @throws Error when the blob has another form than expected
 */
export function passwordInBlob(base64: string): string {
	const outer = new Reader(Buffer.from(base64, "base64"));
	outer.header();
	outer.pass(4); // the pointer to the whole
	outer.expect(1, "version");
	const count = outer.uint32();
	outer.pass(4); // the pointer to the list
	outer.expect(count, "length of the list");
	const formats = Array.from({ length: count }, () => {
		const format = outer.uint32();
		outer.pass(8); // size and pointer
		return format;
	});
	for (const format of formats) {
		const content = outer.bytes(outer.uint32());
		if (format === FORMAT_WINDOWS_7) return passwordIn(new Reader(content));
	}
	throw new Error("the blob has no part for Windows 7 and later");
}

/** ODJ_WIN7BLOB begins with three texts: domain, machine name, machine password. */
function passwordIn(blob: Reader): string {
	blob.header();
	blob.pass(4); // the pointer to the whole
	blob.pass(12); // and to each of the texts
	blob.pass(3 * 8 + 16 + 4); // names, GUID and SID of the domain
	blob.pass(8 * 4 + 16); // names, flags and GUID of the domain controller
	blob.pass(4); // options
	blob.text();
	blob.text();
	return blob.text();
}

class Reader {
	private offset = 0;

	constructor(private readonly data: Buffer) {}

	uint32(): number {
		return this.bytes(4).readUInt32LE();
	}

	bytes(length: number): Buffer {
		this.offset = Math.ceil(this.offset / 4) * 4;
		if (this.offset + length > this.data.length) throw new Error("the blob ends too early");
		this.offset += length;
		return this.data.subarray(this.offset - length, this.offset);
	}

	pass(length: number): void {
		this.bytes(length);
	}

	expect(value: number, what: string): void {
		const got = this.uint32();
		if (got !== value) throw new Error(`the blob's ${what} is ${got}, not ${value}`);
	}

	/** Serialisation version 1, little-endian, with the length of what follows. */
	header(): void {
		this.expect(0x00081001, "header");
		this.pass(12);
	}

	/** Greatest length, offset, length, and UTF-16 with a zero at the end. */
	text(): string {
		this.pass(4);
		this.expect(0, "offset of a text");
		const length = this.uint32();
		return this.bytes(length * 2)
			.subarray(0, -2)
			.toString("utf16le");
	}
}
