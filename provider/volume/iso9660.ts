/**
 * Writes small read-only file systems of the kind that CDs have: ISO 9660 with the Rock Ridge extension, so that Linux
 * (and everything else that reads Rock Ridge) sees the names as they are, with hyphens and in lower case, and with
 * Joliet for Windows. Files lie in the root directory. The same files give the same bytes.
 *
 * Source: ECMA-119 (ISO 9660), IEEE P1281/P1282 (SUSP, Rock Ridge), the Joliet specification.
 */

import { announcement, both16, both32, posixEntry, record, systemEntry, timeEntry } from "./iso9660-records";

const SECTOR = 2048;

export interface IsoFile {
	/** Printable ASCII, no slash, at most 64 characters. */
	name: string;
	content: Buffer;
}

interface Placed {
	file: IsoFile;
	sector: number;
	/** Name for readers that know no extension: `FILE0001.;1`. */
	plainName: string;
}

/**
 * @param label volume label, as `blkid` shows it: letters, digits and underscores, at most 16 characters
 * @throws RangeError for a name or label that cannot be written
 */
export function isoImage(label: string, files: ReadonlyArray<IsoFile>): Buffer {
	check(label, files);
	// 16 empty sectors, three descriptors, four path tables, the two directories, then the files.
	const pathTables = 19;
	const rockRidgeRoot = pathTables + 4;
	const rockRidgeSectors = directorySectors(files, rockRidgeRecord);
	const jolietRoot = rockRidgeRoot + rockRidgeSectors;
	const jolietSectors = directorySectors(files, jolietRecord);
	let next = jolietRoot + jolietSectors;
	const placed = files.map((file, index): Placed => {
		const sector = next;
		next += Math.ceil(file.content.length / SECTOR);
		return { file, sector, plainName: `FILE${String(index + 1).padStart(4, "0")}.;1` };
	});

	const image = Buffer.alloc(next * SECTOR);
	const at = (sector: number) => image.subarray(sector * SECTOR);
	const trees = [
		{ type: 1, label: padded(label, 32), root: rockRidgeRoot, sectors: rockRidgeSectors, tables: pathTables },
		{ type: 2, label: utf16(label, 32), root: jolietRoot, sectors: jolietSectors, tables: pathTables + 2 },
	];
	trees.forEach((tree, index) => {
		writeDescriptor(at(16 + index), tree, next);
		writePathTable(at(tree.tables), tree.root, false);
		writePathTable(at(tree.tables + 1), tree.root, true);
	});
	const end = at(18);
	end.writeUInt8(255, 0);
	end.write("CD001", 1, "ascii");
	end.writeUInt8(1, 6);
	writeDirectory(at(rockRidgeRoot), rockRidgeRoot, rockRidgeSectors, placed, rockRidgeRecord, true);
	writeDirectory(at(jolietRoot), jolietRoot, jolietSectors, placed, jolietRecord, false);
	for (const { file, sector } of placed) file.content.copy(image, sector * SECTOR);
	return image;
}

function check(label: string, files: ReadonlyArray<IsoFile>): void {
	if (!/^[A-Za-z0-9_]{1,16}$/.test(label)) throw new RangeError(`"${label}" cannot be the label of an ISO image`);
	for (const { name } of files) {
		if (!/^[\x21-\x2e\x30-\x7e]{1,64}$/.test(name))
			throw new RangeError(`"${name}" cannot be a file name in an ISO image`);
	}
}

function padded(text: string, length: number): Buffer {
	return Buffer.from(text.padEnd(length), "ascii");
}

/** UCS-2, big endian, padded with spaces. */
function utf16(text: string, bytes: number): Buffer {
	return Buffer.from(text.padEnd(bytes / 2), "utf16le").swap16();
}

interface Tree {
	type: number;
	label: Buffer;
	root: number;
	sectors: number;
	tables: number;
}

function writeDescriptor(into: Buffer, tree: Tree, totalSectors: number): void {
	const isJoliet = tree.type === 2;
	into.writeUInt8(tree.type, 0);
	into.write("CD001", 1, "ascii");
	into.writeUInt8(1, 6);
	// All text fields of the descriptor are blank; blanks of two bytes each in Joliet.
	for (const [from, to] of [
		[8, 72],
		[190, 813],
	] as const) {
		(isJoliet ? utf16("", (to - from) & ~1) : padded("", to - from)).copy(into, from);
	}
	tree.label.copy(into, 40);
	both32(totalSectors).copy(into, 80);
	if (isJoliet) into.write("%/E", 88, "ascii"); // UCS-2 level 3
	both16(1).copy(into, 120);
	both16(1).copy(into, 124);
	both16(SECTOR).copy(into, 128);
	both32(10).copy(into, 132);
	into.writeUInt32LE(tree.tables, 140);
	into.writeUInt32BE(tree.tables + 1, 148);
	record(Buffer.from([0]), tree.root, tree.sectors * SECTOR, true, []).copy(into, 156);
	// Made, changed, expires, effective: the first two are 1 January 2000, the others are not given.
	for (const offset of [813, 830]) into.write("2000010100000000", offset, "ascii");
	for (const offset of [847, 864]) into.write("0000000000000000", offset, "ascii");
	into.writeUInt8(1, 881);
}

/** The one directory, the root. */
function writePathTable(into: Buffer, root: number, bigEndian: boolean): void {
	into.writeUInt8(1, 0);
	if (bigEndian) {
		into.writeUInt32BE(root, 2);
		into.writeUInt16BE(1, 6);
	} else {
		into.writeUInt32LE(root, 2);
		into.writeUInt16LE(1, 6);
	}
}

type RecordOf = (placed: Placed) => Buffer;

const rockRidgeRecord: RecordOf = ({ file, sector, plainName }) =>
	record(Buffer.from(plainName, "ascii"), sector, file.content.length, false, [
		systemEntry("NM", Buffer.from([0]), Buffer.from(file.name, "ascii")),
		posixEntry(false),
		timeEntry(),
	]);

const jolietRecord: RecordOf = ({ file, sector }) =>
	record(utf16(`${file.name};1`, (file.name.length + 2) * 2), sector, file.content.length, false, []);

/** The records of the root directory in its order, put so that none crosses a sector's end. */
function layOut(records: Buffer[]): { sectors: number; offsets: number[] } {
	let position = 0;
	const offsets = records.map((bytes) => {
		if ((position % SECTOR) + bytes.length > SECTOR) position = Math.ceil(position / SECTOR) * SECTOR;
		const offset = position;
		position += bytes.length;
		return offset;
	});
	return { sectors: Math.max(1, Math.ceil(position / SECTOR)), offsets };
}

function directoryRecords(root: number, sectors: number, files: Placed[], of: RecordOf, rockRidge: boolean): Buffer[] {
	const bytes = sectors * SECTOR;
	const system = rockRidge ? [posixEntry(true), timeEntry()] : [];
	const self = record(
		Buffer.from([0]),
		root,
		bytes,
		true,
		rockRidge ? [...announcement().slice(0, 1), ...system, ...announcement().slice(1)] : [],
	);
	const parent = record(Buffer.from([1]), root, bytes, true, system);
	// Both kinds of directory are sorted by the name that they show.
	const sorted = rockRidge ? files : [...files].sort((a, b) => (a.file.name < b.file.name ? -1 : 1));
	return [self, parent, ...sorted.map(of)];
}

function directorySectors(files: ReadonlyArray<IsoFile>, of: RecordOf): number {
	const placed = files.map((file): Placed => ({ file, sector: 0, plainName: "FILE0000.;1" }));
	return layOut(directoryRecords(0, 0, placed, of, of === rockRidgeRecord)).sectors;
}

function writeDirectory(
	into: Buffer,
	root: number,
	sectors: number,
	files: Placed[],
	of: RecordOf,
	rockRidge: boolean,
): void {
	const records = directoryRecords(root, sectors, files, of, rockRidge);
	const { offsets } = layOut(records);
	for (const [index, bytes] of records.entries()) bytes.copy(into, offsets[index]!);
}
