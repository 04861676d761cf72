import assert from "node:assert/strict";
import type { MovedDisk } from "../../../provider/move/disks";
import { explained, isSafe } from "../../../provider/move/shared-disks";
import { parse } from "../../../provider/xml/element";

const QEMU = 64055;
const disk = (cache: string | undefined, user: number, shared = true) =>
	({ shared, cache, volumes: { from: { user }, to: {} } }) as unknown as MovedDisk;
const running = (label: string) => ({
	root: parse(`<domain><seclabel type="dynamic" model="dac" relabel="yes"><label>${label}</label></seclabel></domain>`),
});
const qemu = running(`+${QEMU}:+${QEMU}`);

describe("disks that both hosts see", () => {
	const cases: Array<[string, Parameters<typeof isSafe>, boolean]> = [
		["nothing is shared", [[disk("none", 0, false)], qemu], false],
		["it is off", [[disk("writeback", QEMU)], undefined], true],
		["it runs without a cache, on files whose owners stay", [[disk("none", 0), disk("directsync", 0)], qemu], true],
		["one is cached", [[disk("none", 0), disk("default", 0)], qemu], false],
		["one says nothing of a cache", [[disk(undefined, 0)], qemu], false],
		["one would be given back to root", [[disk("none", 0), disk("none", QEMU)], qemu], false],
		["root is who runs it", [[disk("none", 0)], running("+0:+0")], true],
		["its files are nobody's", [[disk("none", QEMU)], { root: parse("<domain/>") }], true],
	];
	for (const [what, given, expected] of cases) {
		it(`are ${expected ? "safe to go on from" : "left to libvirt to judge"} where ${what}`, () => {
			assert.equal(isSafe(...given), expected);
		});
	}

	it("are explained where libvirt refuses them", () => {
		const said = explained(new Error("Unsafe migration: Migration without shared storage is unsafe"));
		assert.match(said, /^Unsafe migration: .*cache "none".*shared_filesystems.*dynamic_ownership = 0/);
		assert.equal(explained(new Error("no route to host")), "no route to host");
	});
});
