/** Directory records of ISO 9660, and the entries that Rock Ridge adds to them. */

/** Rock Ridge needs a time; a fixed one keeps the image a function of its content. 1 January 2000. */
const TIME = [100, 1, 1, 0, 0, 0, 0] as const;

/** Numbers are written twice, little and big endian. */
export function both32(value: number): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeUInt32LE(value, 0);
	bytes.writeUInt32BE(value, 4);
	return bytes;
}

export function both16(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt16LE(value, 0);
	bytes.writeUInt16BE(value, 2);
	return bytes;
}

/** @param system entries of Rock Ridge */
export function record(name: Buffer, sector: number, bytes: number, isDirectory: boolean, system: Buffer[]): Buffer {
	const head = Buffer.concat([
		Buffer.from([0, 0]),
		both32(sector),
		both32(bytes),
		Buffer.from(TIME),
		Buffer.from([isDirectory ? 2 : 0, 0, 0]),
		both16(1),
		Buffer.from([name.length]),
		name,
		Buffer.alloc(name.length % 2 === 0 ? 1 : 0),
		...system,
	]);
	const whole = head.length % 2 === 0 ? head : Buffer.concat([head, Buffer.alloc(1)]);
	whole.writeUInt8(whole.length, 0);
	return whole;
}

export function systemEntry(signature: string, ...parts: Buffer[]): Buffer {
	const data = Buffer.concat(parts);
	return Buffer.concat([Buffer.from(signature, "ascii"), Buffer.from([data.length + 4, 1]), data]);
}

/** POSIX mode, links, owner and group: everyone may read, as a seed is read by root and mounted by it alone. */
export function posixEntry(isDirectory: boolean): Buffer {
	const mode = isDirectory ? 0o040555 : 0o100444;
	return systemEntry("PX", both32(mode), both32(isDirectory ? 2 : 1), both32(0), both32(0));
}

export function timeEntry(): Buffer {
	return systemEntry("TF", Buffer.from([0x0e]), ...[1, 2, 3].map(() => Buffer.from(TIME)));
}

/** "." of the root announces the extensions. */
export function announcement(): Buffer[] {
	const id = "RRIP_1991A";
	const description = "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS";
	return [
		systemEntry("SP", Buffer.from([0xbe, 0xef, 0])),
		systemEntry("ER", Buffer.from([id.length, description.length, 0, 1]), Buffer.from(id + description, "ascii")),
	];
}
