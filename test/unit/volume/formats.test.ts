import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cloudInitSeed } from "../../../provider/volume/cloud-init";
import { disksIn, firstDisk } from "../../../provider/volume/domain-disks";
import { isoImage } from "../../../provider/volume/iso9660";
import { freshQcow2Length, overlayFile, readQcow2Header, type SparseFile } from "../../../provider/volume/qcow2";
import { fitsIntoTar, tarOf } from "../../../provider/volume/tar";
import { describeVolume, volumeXml } from "../../../provider/volume/xml";
import { parse, text } from "../../../provider/xml/element";

/** A file with its holes filled. */
function flat({ lengthBytes, pieces }: SparseFile): Buffer {
	const bytes = Buffer.alloc(lengthBytes);
	for (const { offset, bytes: piece } of pieces) piece.copy(bytes, offset);
	return bytes;
}

describe("archives of files", () => {
	it("are what tar unpacks, with modes and every byte", () => {
		const folder = mkdtempSync(join(tmpdir(), "tar-"));
		try {
			const long = `/etc/${"d".repeat(90)}/${"e".repeat(50)}/${"f".repeat(99)}`;
			const files = [
				{ path: "/etc/hostname", content: Buffer.from("web-01\n"), mode: 0o644 },
				{ path: "/etc/key", content: Buffer.from(Array.from({ length: 700 }, (_, i) => i % 256)), mode: 0o600 },
				{ path: "/etc/empty", content: Buffer.alloc(0), mode: 0o444 },
				{ path: "/etc/naïve", content: Buffer.alloc(512, 1), mode: 0o755 },
				{ path: long, content: Buffer.from("x"), mode: 0o640 },
			];
			const archive = tarOf(files);
			assert.equal(archive.length % 512, 0);
			execFileSync("tar", ["-x", "-p", "-C", folder], { input: archive });
			for (const { path, content, mode } of files) {
				assert.deepEqual(readFileSync(join(folder, path)), content, path);
				assert.equal(statSync(join(folder, path)).mode & 0o777, mode, path);
			}
			assert.deepEqual(tarOf(files), archive);
		} finally {
			rmSync(folder, { recursive: true });
		}
	});

	it("have no room for longer paths", () => {
		assert.equal(fitsIntoTar(`/${"a".repeat(100)}`), true);
		assert.equal(fitsIntoTar(`/${"a".repeat(101)}`), false);
		assert.equal(fitsIntoTar(`/${"a".repeat(155)}/b`), true);
		assert.equal(fitsIntoTar(`/${"a".repeat(156)}/b`), false);
	});
});

describe("qcow2 headers", () => {
	let folder: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "qcow2-"));
	});
	afterEach(() => rmSync(folder, { recursive: true }));

	it("are read as they are written", () => {
		for (const [capacityBytes, backingFile, backingFormat] of [
			[512, "/a", "raw"],
			[2 ** 30, `/ü/${"x".repeat(1000)}`, "qcow2"],
			[2 ** 46, "/a b/'\"&", "qcow2"],
		] as const) {
			const header = readQcow2Header(
				flat(overlayFile({ capacityBytes, backingFile, backingFormat })).subarray(0, 65536),
			);
			assert.deepEqual(header, { version: 3, capacityBytes, backingFile, backingFormat });
		}
	});

	it("of qemu-img are read, and have the length computed here", () => {
		const file = join(folder, "a.qcow2");
		for (const [size, compat] of [
			[2 ** 20, "0.10"],
			[3 * 2 ** 30, "1.1"],
			[2 ** 43, "1.1"],
		] as const) {
			execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-o", `compat=${compat}`, file, String(size)]);
			const bytes = readFileSync(file);
			const header = readQcow2Header(bytes.subarray(0, 65536));
			assert.deepEqual(
				[header?.version, header?.capacityBytes, header?.backingFile],
				[compat === "1.1" ? 3 : 2, size, undefined],
			);
			assert.equal(bytes.length, freshQcow2Length(size));
		}
	});

	it("are told from other files", () => {
		for (const bytes of [Buffer.alloc(0), Buffer.from("QFI"), Buffer.alloc(100), Buffer.from("QFI\xfb", "latin1")]) {
			assert.equal(readQcow2Header(bytes), undefined);
		}
	});

	it("are not written for what QEMU would not read", () => {
		const overlay = { capacityBytes: 512, backingFile: "/a", backingFormat: "raw" as const };
		assert.throws(
			() => overlayFile({ ...overlay, backingFile: `/${"x".repeat(1023)}` }),
			/1024 bytes; QEMU takes 1 to 1023/,
		);
		assert.throws(() => overlayFile({ ...overlay, capacityBytes: 513 }), /513 bytes cannot be written/);
		assert.throws(() => overlayFile({ ...overlay, capacityBytes: 2 ** 60 }), RangeError);
	});
});

describe("ISO images", () => {
	it("are recognised with their label, and are the same for the same files", () => {
		const folder = mkdtempSync(join(tmpdir(), "iso-"));
		try {
			const files = Array.from({ length: 60 }, (_, i) => ({
				name: `file-${i}.With-A-Long-Name`,
				content: Buffer.alloc(i * 100, i),
			}));
			const image = isoImage("cidata", files);
			assert.deepEqual(image, isoImage("cidata", files));
			assert.equal(image.length % 2048, 0);
			const file = join(folder, "seed.iso");
			writeFileSync(file, image);
			const said = execFileSync("blkid", ["-p", "-o", "export", file], { encoding: "utf8" });
			assert.match(said, /^LABEL=cidata$/m);
			assert.match(said, /^TYPE=iso9660$/m);
			for (const { name, content } of files.slice(1)) {
				assert.ok(image.includes(Buffer.from(name)), "Rock Ridge");
				assert.ok(image.includes(Buffer.from(name, "utf16le").swap16()), "Joliet");
				assert.ok(image.includes(content));
			}
		} finally {
			rmSync(folder, { recursive: true });
		}
	});

	it("are refused names that cannot be written", () => {
		for (const name of ["", "a/b", "ä", "x".repeat(65)]) {
			assert.throws(() => isoImage("cidata", [{ name, content: Buffer.alloc(0) }]), RangeError);
		}
		assert.throws(() => isoImage("too long for a label", []), RangeError);
	});

	it("for cloud-init differ by owner and content in the instance id alone or with it", () => {
		const id = (image: Buffer) => /instance-id: "([^"]+)"/.exec(image.toString("latin1"))?.[1];
		const one = cloudInitSeed({ userData: "a" }, "o/p/s/one");
		assert.equal(id(one), id(cloudInitSeed({ userData: "a" }, "o/p/s/one")));
		assert.notEqual(id(one), id(cloudInitSeed({ userData: "a" }, "o/p/s/two")));
		assert.notEqual(id(one), id(cloudInitSeed({ userData: "b" }, "o/p/s/one")));
		assert.equal(id(cloudInitSeed({ instanceId: "mine" }, "o/p/s/one")), "mine");
	});
});

describe("volume XML", () => {
	it("holds whatever a name or path holds", () => {
		const root = parse(
			volumeXml({ name: "a<&>\"'", format: "qcow2", capacityBytes: 5, backing: { path: "/<&>", format: "raw" } }),
		);
		assert.deepEqual(
			[
				text(root, "name"),
				text(root, "capacity"),
				text(root, "backingStore/path"),
				text(root, "target/compat"),
				text(root, "allocation"),
			],
			["a<&>\"'", "5", "/<&>", "1.1", undefined],
		);
		assert.equal(text(parse(volumeXml({ name: "a", format: "raw", capacityBytes: 5 })), "allocation"), "0");
	});

	it("is read with times in nanoseconds, as far as it has them", () => {
		const described = describeVolume(
			`<volume type='file'><name>n</name><key>/k</key><capacity unit='bytes'>10</capacity><allocation>3</allocation>
			<physical>7</physical><target><path>/p</path><format type='iso'/><permissions><owner>42</owner></permissions><timestamps><mtime>12.000000034</mtime><ctime>13</ctime>
			</timestamps></target><backingStore><path>/b</path><format type='raw'/></backingStore></volume>`,
		);
		assert.deepEqual(described, {
			name: "n",
			key: "/k",
			path: "/p",
			format: "iso",
			type: "file",
			capacityBytes: 10,
			allocationBytes: 3,
			fileBytes: 7,
			user: 42,
			backing: { path: "/b", format: "raw" },
			stamp: { modifiedNs: 12_000_000_034n, changedNs: 13_000_000_000n },
		});
		assert.equal(describeVolume("<volume><name>n</name></volume>").stamp, undefined);
	});

	it("of domains tells which files are needed, and which are written", () => {
		const xml = `<domain><devices>
			<disk device='cdrom'><source file='/cd'/></disk>
			<disk><driver type='qcow2'/><source file='/a'/><backingStore><source file='/b'/><backingStore><source file='/c'/></backingStore></backingStore></disk>
			<disk type='volume'><source pool='p' volume='v'/></disk><disk type='block'><source dev='/dev/x'/><readonly/></disk><disk/>
		</devices></domain>`;
		assert.deepEqual(disksIn(xml), [
			{ path: "/cd", writable: false },
			{ path: "/a", writable: true },
			{ path: "/b", writable: false },
			{ path: "/c", writable: false },
			{ pool: "p", volume: "v", writable: true },
			{ path: "/dev/x", writable: false },
		]);
		assert.deepEqual(firstDisk(xml), { disk: { path: "/a", writable: true }, format: "qcow2" });
		assert.equal(firstDisk("<domain><devices/></domain>"), undefined);
	});
});
