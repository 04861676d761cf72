import assert from "node:assert/strict";
import { takeApart } from "../../../provider/fork/whole-state";

const PAGE = 4096;

/** A stream as QEMU writes it, of a machine with two pages of memory and one of something else. */
describe("the whole state of a machine", () => {
	const number = (value: number, bytes: 4 | 8) => {
		const buffer = Buffer.alloc(bytes);
		buffer.writeUInt32BE(value, bytes - 4);
		return buffer;
	};
	const named = (name: string) => Buffer.concat([Buffer.from([name.length]), Buffer.from(name, "latin1")]);
	const filled = (byte: number) => Buffer.alloc(PAGE, byte);
	const page = (at: number, flags: number, ...more: Buffer[]) => Buffer.concat([number(at + flags, 8), ...more]);
	const END = number(0x10, 8);
	const FOOTER = Buffer.concat([Buffer.from([0x7e]), number(2, 4)]);
	const part = (type: number, ...pages: Buffer[]) =>
		Buffer.concat([Buffer.from([type]), number(2, 4), ...pages, END, FOOTER]);
	const HEAD = Buffer.concat([Buffer.from("QEVM\0\0\0\x03\x07 some configuration", "latin1")]);
	const start = (name: string, bytes: number) =>
		Buffer.concat([
			...[Buffer.from([1]), number(2, 4), named("ram"), number(0, 4), number(4, 4)],
			number(bytes + PAGE + 0x04, 8),
			...[named(name), number(bytes, 8), number(0, 8), named("vga"), number(PAGE, 8), number(0xa0000, 8)],
			...[END, FOOTER],
		]);
	const REST = Buffer.from("\x04 all other sections, with pc.ram in them\0", "latin1");

	const pages = {
		own: page(0, 0x08, named("pc.ram"), filled(1)),
		continued: page(PAGE, 0x28, filled(2)),
		zero: page(2 * PAGE, 0x22, Buffer.from([0])),
		same: page(3 * PAGE, 0x22, Buffer.from([7])),
		other: page(0, 0x08, named("vga"), filled(9)),
	};

	async function taken(stream: Buffer, chunk = 1000) {
		const written: Array<[number, number, number]> = [];
		async function* chunks() {
			for (let at = 0; at < stream.length; at += chunk) yield stream.subarray(at, at + chunk);
		}
		const devices = await takeApart(chunks(), {
			from: "pc.ram",
			to: "fork-memory",
			bytes: 4 * PAGE,
			write: async (bytes, at) => void written.push([at / PAGE, bytes[0]!, bytes.length]),
		});
		return { written, devices };
	}

	const whole = (...parts: Buffer[]) => Buffer.concat([HEAD, start("pc.ram", 4 * PAGE), ...parts, REST]);

	for (const chunk of [1, 7, 1000, 1_000_000]) {
		it(`is memory on one side and all else on the other, in chunks of ${chunk} byte(s)`, async () => {
			// A page may be of the block that an earlier part has named last.
			const parts = [part(2, pages.own), part(2, pages.continued, pages.zero, pages.other), part(3)];
			const { written, devices } = await taken(whole(...parts), chunk);
			assert.deepEqual(written, [
				[0, 1, PAGE],
				[1, 2, PAGE],
			]);
			const left = [start("fork-memory", 4 * PAGE), part(2), part(2, pages.other), part(3)];
			assert.deepEqual(devices, Buffer.concat([HEAD, ...left, REST]));
		});
	}

	it("has pages that are full of one byte", async () => {
		const { written } = await taken(whole(part(3, pages.own, pages.same)));
		assert.deepEqual(written.at(-1), [3, 7, PAGE]);
	});

	for (const [what, stream, complaint] of [
		["begins in another way", Buffer.from("LibvirtQemudSave"), /another beginning/],
		["has no memory", Buffer.concat([HEAD, Buffer.alloc(70_000)]), /no memory/],
		["ends in a page", whole(part(2, pages.own)).subarray(0, 3000), /an end too early/],
		["has memory of another size", Buffer.concat([HEAD, start("pc.ram", PAGE), part(3), REST]), /4096 bytes of memory/],
		[
			"has memory of another name",
			Buffer.concat([HEAD, start("ram-node0", 4 * PAGE), part(3), REST]),
			/no memory of the/,
		],
		[
			"has pages of another kind",
			whole(part(3, page(0, 0x48, named("pc.ram"), filled(1)), page(0, 0x40))),
			/flags 0x40/,
		],
		["sends something beside memory", whole(Buffer.from([2, 0, 0, 0, 9, 0])), /a section of type 2 beside/],
		["loses its way", whole(part(3).subarray(0, -1)), /./],
	] as const) {
		it(`is refused when it ${what}`, () => assert.rejects(taken(stream), complaint));
	}
});
