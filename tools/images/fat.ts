/** A file of a FAT image: its path ("EFI/BOOT/BOOTX64.EFI"; directories are made) and its content. */
export interface FatFile {
	path: string;
	content: Buffer;
}

const SECTOR = 512;
/** FAT12 ends here; with more clusters a reader would take the volume for FAT16. */
const MAX_CLUSTERS = 4084;
const ROOT_ENTRIES = 512;
const ENTRY = 32;
const END_OF_CHAIN = 0xfff;
const ATTRIBUTE = { volume: 0x08, directory: 0x10, archive: 0x20, longName: 0x0f };

/** 1 January 2020: a fixed date makes equal input equal output. */
const FAT_DATE = ((2020 - 1980) << 9) | (1 << 5) | 1;

/**
 * Makes a FAT12 volume in memory: enough for an EFI system partition with a boot loader or for a seed of a few files,
 * and needs no mkfs and no mtools on the build machine.
 *
 * @param label volume label, at most 11 characters; upper-cased, as FAT keeps it
 * @param sizeBytes size of the whole volume, a multiple of 512, at least 64 KiB and at most 16 MiB
 * @throws RangeError when the size is not allowed or the files do not fit
 */
export function fat12Volume(label: string, sizeBytes: number, files: readonly FatFile[]): Buffer {
	if (sizeBytes % SECTOR !== 0 || sizeBytes < 65_536 || sizeBytes > 16 * 1_048_576) {
		throw new RangeError(
			`A FAT12 volume of ${sizeBytes} bytes cannot be made: use a multiple of 512 from 65536 to 16777216.`,
		);
	}
	const volume = new Fat12(sizeBytes);
	volume.write(label, files);
	return volume.image;
}

/** A directory while its entries are collected. The root has a fixed place, others live in clusters. */
interface Directory {
	entries: Buffer[];
	children: Map<string, Directory>;
	cluster: number;
}

class Fat12 {
	readonly image: Buffer;
	private readonly clusterBytes: number;
	private readonly fatSectors: number;
	private readonly clusters: number;
	private nextCluster = 2;

	constructor(sizeBytes: number) {
		this.image = Buffer.alloc(sizeBytes);
		let sectorsPerCluster = 1;
		while (sizeBytes / SECTOR / sectorsPerCluster > MAX_CLUSTERS) sectorsPerCluster *= 2;
		this.clusterBytes = sectorsPerCluster * SECTOR;
		this.fatSectors = Math.ceil(((sizeBytes / this.clusterBytes + 2) * 1.5) / SECTOR);
		this.clusters = Math.floor((sizeBytes - this.dataStart()) / this.clusterBytes);
	}

	write(label: string, files: readonly FatFile[]): void {
		const volumeLabel = label.toUpperCase().padEnd(11).slice(0, 11);
		this.bootSector(volumeLabel);
		this.setFat(0, 0xff8);
		this.setFat(1, END_OF_CHAIN);
		const root: Directory = { entries: [entry(volumeLabel, ATTRIBUTE.volume, 0, 0)], children: new Map(), cluster: 0 };
		for (const file of files) {
			const names = file.path.split("/").filter((part) => part !== "");
			const name = names.pop() ?? "";
			let directory = root;
			for (const part of names) directory = this.descend(directory, part);
			const cluster = this.allocate(file.content);
			this.addNamed(directory, name, ATTRIBUTE.archive, cluster, file.content.length);
		}
		this.finish(root);
	}

	private descend(parent: Directory, name: string): Directory {
		const known = parent.children.get(name);
		if (known) return known;
		const cluster = this.allocate(Buffer.alloc(this.clusterBytes));
		const directory: Directory = { entries: [], children: new Map(), cluster };
		directory.entries.push(entry(".".padEnd(11), ATTRIBUTE.directory, cluster, 0));
		directory.entries.push(entry("..".padEnd(11), ATTRIBUTE.directory, parent.cluster, 0));
		parent.children.set(name, directory);
		this.addNamed(parent, name, ATTRIBUTE.directory, cluster, 0);
		return directory;
	}

	private addNamed(directory: Directory, name: string, attribute: number, cluster: number, size: number): void {
		const short = shortName(name, directory.entries.length);
		directory.entries.push(...longNameEntries(name, short), entry(short, attribute, cluster, size));
	}

	private finish(root: Directory): void {
		const place = (directory: Directory, offset: number, room: number) => {
			const bytes = Buffer.concat(directory.entries);
			if (bytes.length > room) throw new RangeError(`A FAT directory has room for ${room / ENTRY} entries only.`);
			bytes.copy(this.image, offset);
			for (const child of directory.children.values()) place(child, this.offsetOf(child.cluster), this.clusterBytes);
		};
		place(root, this.dataStart() - ROOT_ENTRIES * ENTRY, ROOT_ENTRIES * ENTRY);
	}

	/** Puts the content into consecutive clusters; returns the first one, 0 for an empty file as FAT wants it. */
	private allocate(content: Buffer): number {
		const count = Math.ceil(content.length / this.clusterBytes);
		if (count === 0) return 0;
		const first = this.nextCluster;
		if (first + count > this.clusters + 2) {
			throw new RangeError(
				`The files do not fit into a FAT volume of ${this.image.length} bytes: ${content.length} bytes are to be added ` +
					`and ${(this.clusters + 2 - first) * this.clusterBytes} are left. Make the volume larger.`,
			);
		}
		content.copy(this.image, this.offsetOf(first));
		for (let i = 0; i < count; i++) this.setFat(first + i, i === count - 1 ? END_OF_CHAIN : first + i + 1);
		this.nextCluster += count;
		return first;
	}

	private dataStart(): number {
		return SECTOR * (1 + 2 * this.fatSectors) + ROOT_ENTRIES * ENTRY;
	}

	private offsetOf(cluster: number): number {
		return this.dataStart() + (cluster - 2) * this.clusterBytes;
	}

	/** Sets a 12-bit entry in both copies of the table. */
	private setFat(cluster: number, value: number): void {
		for (const copy of [0, 1]) {
			const at = SECTOR * (1 + copy * this.fatSectors) + Math.floor(cluster * 1.5);
			const old = this.image.readUInt16LE(at);
			this.image.writeUInt16LE(cluster % 2 ? (old & 0x000f) | (value << 4) : (old & 0xf000) | value, at);
		}
	}

	private bootSector(label: string): void {
		const sectors = this.image.length / SECTOR;
		const boot = this.image;
		boot.write("\xeb\x3c\x90MSDOS5.0", 0, "latin1");
		boot.writeUInt16LE(SECTOR, 11);
		boot.writeUInt8(this.clusterBytes / SECTOR, 13);
		boot.writeUInt16LE(1, 14);
		boot.writeUInt8(2, 16);
		boot.writeUInt16LE(ROOT_ENTRIES, 17);
		boot.writeUInt16LE(sectors, 19);
		boot.writeUInt8(0xf8, 21);
		boot.writeUInt16LE(this.fatSectors, 22);
		boot.writeUInt16LE(63, 24);
		boot.writeUInt16LE(255, 26);
		boot.writeUInt8(0x80, 36);
		boot.writeUInt8(0x29, 38);
		boot.writeUInt32LE(0x20200101, 39);
		boot.write(`${label}FAT12   `, 43, "latin1");
		boot.writeUInt16LE(0xaa55, 510);
	}
}

function entry(name11: string, attribute: number, cluster: number, size: number): Buffer {
	const bytes = Buffer.alloc(ENTRY);
	bytes.write(name11, 0, 11, "latin1");
	bytes.writeUInt8(attribute, 11);
	bytes.writeUInt16LE(FAT_DATE, 16);
	bytes.writeUInt16LE(FAT_DATE, 18);
	bytes.writeUInt16LE(FAT_DATE, 24);
	bytes.writeUInt16LE(cluster, 26);
	bytes.writeUInt32LE(size, 28);
	return bytes;
}

/** The 8.3 name: the name itself when it has that form, otherwise "USER-D~3" with a number unique in its directory. */
function shortName(name: string, unique: number): string {
	const [, base = "", extension = ""] = /^(.*?)(?:\.([^.]*))?$/.exec(name.toUpperCase()) ?? [];
	if (base.length <= 8 && extension.length <= 3 && /^[A-Z0-9_-]+$/.test(base + extension)) {
		return base.padEnd(8) + extension.padEnd(3);
	}
	const mark = `~${unique}`;
	const plain = (text: string) => text.replace(/[^A-Z0-9_-]/g, "");
	return (plain(base).slice(0, 8 - mark.length) + mark).padEnd(8) + plain(extension).slice(0, 3).padEnd(3);
}

/** The long name's entries, 13 UTF-16 units each, last part first. Always written: a short name alone loses its case. */
function longNameEntries(name: string, short: string): Buffer[] {
	let checksum = 0;
	for (const byte of Buffer.from(short, "latin1")) checksum = (((checksum & 1) << 7) + (checksum >> 1) + byte) & 0xff;
	const units = [...Buffer.from(`${name}\0`, "utf16le")];
	while (units.length % 26 !== 0) units.push(0xff);
	// A name that fills its entries exactly has no terminator.
	if (name.length % 13 === 0) units.splice(-26);
	const count = units.length / 26;
	return Array.from({ length: count }, (_, i) => {
		const order = count - i;
		const part = Buffer.from(units.slice((order - 1) * 26, order * 26));
		const bytes = Buffer.alloc(ENTRY);
		bytes.writeUInt8(order | (i === 0 ? 0x40 : 0), 0);
		part.copy(bytes, 1, 0, 10);
		bytes.writeUInt8(ATTRIBUTE.longName, 11);
		bytes.writeUInt8(checksum, 13);
		part.copy(bytes, 14, 10, 22);
		part.copy(bytes, 28, 22, 26);
		return bytes;
	});
}
