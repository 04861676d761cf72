import assert from "node:assert/strict";
import { changes } from "../../../provider/domain/changes";
import { UNKNOWN } from "../../../provider/unknown";
import { changes as volumeChanges } from "../../../provider/volume/changes";
import { volumeSchema } from "../../../provider/volume/schema";
import { common, inputsOf, stateOf } from "./inputs";

const [A, B] = ["qemu:///system", "qemu+ssh://b/system"];
const before = stateOf(
	inputsOf({
		disks: [{ volume: "/a/one" }, { volume: "/a/two", target: "vdb" }],
		nics: [{ network: "lab" }, { bridge: "br0", mac: "52:54:00:00:00:07" }],
		boot: { kernel: "/a/kernel" },
		consoleLog: "/a/log",
	}),
);
const there = {
	uri: B,
	disks: [{ volume: "/b/one" }, { volume: "/b/two", target: "vdb" }],
	nics: [{ bridge: "br7" }, { network: "other", mac: "52:54:00:00:00:07" }],
	boot: { kernel: "/b/kernel" },
	consoleLog: "/b/log",
};
const said = (more: object, how = "running") =>
	changes(before, inputsOf({ ...there, moves: { from: A, how }, ...more })).map(
		({ property, effect }) => `${property}: ${effect}`,
	);

describe("a machine whose uri is another host's", () => {
	it("changes nothing but its place, whatever volumes and networks are called there", () => {
		assert.deepEqual(said({}), ["uri: live"]);
		assert.deepEqual(said({}, "off"), ["uri: live"]);
		assert.deepEqual(said({}, "arrived"), ["uri: live"]);
	});

	it("is told with its turn in a set, and so is another size, but not what nobody feels", () => {
		const batch = { number: 2, of: 3, after: "web-0 is healthy" };
		const told = changes(
			before,
			inputsOf({ ...there, moves: { from: A, how: "running" }, instanceType: "small", description: "new", batch }),
		);
		const turns = told.flatMap(({ property, note }) => (note.startsWith("batch 2 of 3, after web-0") ? property : []));
		assert.deepEqual(turns, ["uri", "instanceType"]);
		assert.ok(told.some(({ property }) => property === "description"));
	});

	it("is not replaced where its volumes are still to be made", () => {
		assert.deepEqual(said({ disks: [{ volume: UNKNOWN }, { volume: UNKNOWN, target: "vdb" }] }), ["uri: live"]);
		const unknown = { ...inputsOf({ ...there, moves: { from: A, how: "running" } }), disks: UNKNOWN as never };
		assert.deepEqual(
			changes(before, unknown).map(({ property, effect }) => `${property}: ${effect}`),
			["uri: live"],
		);
	});

	it("changes what else is another one as ever", () => {
		assert.deepEqual(said({ disks: [...there.disks, { volume: "/b/three" }] }), ["uri: live", "disks[2]: live"]);
		assert.deepEqual(said({ cpu: { mode: "maximum" }, description: "x" }), [
			"uri: live",
			"description: live",
			"cpu: restart",
		]);
		assert.deepEqual(said({ arch: "aarch64", nics: [], disks: there.disks }).includes("arch: replace"), true);
	});

	it("is another machine with another boot disk where it stays", () => {
		const found = changes(before, inputsOf({ ...there, uri: A }));
		assert.ok(found.some(({ property, effect }) => property === "disks[0]" && effect === "replace"));
	});
});

describe("a volume whose uri is another host's", () => {
	const volume = (more: object) => volumeSchema.parse({ ...common, pool: "images", name: "v", sizeMiB: 8, ...more });

	it("is made there before it goes, whatever else is another one there", () => {
		const news = volume({ uri: B, pool: "others", base: "/b/gold", moves: { from: A } });
		assert.deepEqual(
			volumeChanges(volume({ base: "/a/gold" }), news).map(({ property, effect, createsFirst }) => [
				property,
				effect,
				createsFirst,
			]),
			[["uri", "replace", true]],
		);
	});

	it("goes before another one is made where it does not move", () => {
		const [change] = volumeChanges(volume({}), volume({ pool: "others" }));
		assert.deepEqual([change?.effect, change?.createsFirst], ["replace", undefined]);
	});
});
