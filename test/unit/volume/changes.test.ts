import * as assert from "node:assert/strict";
import { injectedOf } from "../../../provider/init/injected";
import { InputError } from "../../../provider/lifecycle";
import { UNKNOWN } from "../../../provider/unknown";
import { changes } from "../../../provider/volume/changes";
import { type VolumeInputs, volumeSchema } from "../../../provider/volume/schema";

const inputs = (more: Record<string, unknown>): VolumeInputs =>
	volumeSchema.parse({ uri: "test:///default", ownerId: "o/p/s/v", pool: "pool", name: "v.qcow2", ...more });

/** Recorded outputs of a volume of these inputs. */
const state = (more: Record<string, unknown>, facts: Record<string, unknown> = {}) => ({
	...inputs(more),
	key: "/v",
	path: "/v",
	capacityBytes: 64 * 2 ** 20,
	made: "empty" as const,
	timings: { createMs: 1 },
	...facts,
});

const told = (olds: Parameters<typeof changes>[0], news: VolumeInputs) =>
	changes(olds, news).map(({ property, effect }) => `${property} ${effect}`);

const scripts = (digit: string) => ({ version: digit.repeat(64) });

describe("changes of a volume", () => {
	it("are none when nothing differs that matters", () => {
		const same: Array<[Record<string, unknown>, Record<string, unknown>]> = [
			[{ sizeMiB: 64 }, { sizeMiB: 64 }],
			[{ sizeMiB: 64 }, {}],
			[{ sizeMiB: 64 }, { sizeMiB: 64, adopt: true, previousOwnerIds: ["x"], retain: true }],
			[{ source: { file: "/a", sha256: "a".repeat(64) } }, { source: { file: "/b", sha256: "A".repeat(64) } }],
			[
				{ base: "/b", cloning: "auto" },
				{ base: "/b", cloning: "overlay" },
			],
			[
				{ base: "/b", injected: scripts("a") },
				{ base: "/b", injected: { ...injectedOf({ version: "", files: [], links: [], lines: [] }), ...scripts("a") } },
			],
			[{ base: "/b", baseContentId: "sha256:1" }, { base: "/b" }],
			[{ base: "/b" }, { base: "/b", baseContentId: "sha256:1" }],
		];
		for (const [before, now] of same) assert.deepEqual(told(state(before), inputs(now)), [], JSON.stringify(now));
	});

	it("replace what cannot change", () => {
		const cases: Array<[Record<string, unknown>, Record<string, unknown>, string]> = [
			[{ sizeMiB: 1 }, { sizeMiB: 1, pool: "other" }, "pool"],
			[{ sizeMiB: 1 }, { sizeMiB: 1, name: "other" }, "name"],
			[{ sizeMiB: 1 }, { sizeMiB: 1, format: "raw" }, "format"],
			[
				{ source: { file: "/a", sha256: "a".repeat(64) } },
				{ source: { file: "/a", sha256: "b".repeat(64) } },
				"source",
			],
			[{ source: { cloudInit: { userData: "a" } } }, { source: { cloudInit: { userData: "b" } } }, "source"],
			[{ sizeMiB: 1 }, { source: { file: "/a", sha256: "a".repeat(64) } }, "source"],
			[{ base: "/a" }, { base: "/b" }, "base"],
			[{ base: "/a" }, { baseDomain: "d" }, "base"],
			[{ baseDomain: "a" }, { baseDomain: "b" }, "baseDomain"],
			[{ base: "/a", baseContentId: "x" }, { base: "/a", baseContentId: "y" }, "baseContentId"],
			[{ base: "/a" }, { base: "/a", cloning: "copy" }, "cloning"],
			[{ base: "/a", injected: scripts("a") }, { base: "/a", injected: scripts("b") }, "injected"],
			[{ base: "/a" }, { base: "/a", injected: scripts("a") }, "injected"],
			[{ base: "/a", injected: scripts("a") }, { base: "/a" }, "injected"],
			[{ sizeMiB: 1 }, { sizeMiB: 1, pool: UNKNOWN }, "pool"],
			[{ source: { file: "/a" } }, { source: UNKNOWN }, "source"],
			[{ base: "/a" }, { base: UNKNOWN }, "base"],
		];
		for (const [before, now, property] of cases) {
			const news = { ...inputs({ sizeMiB: 1 }), sizeMiB: undefined, ...inputsOf(now) } as VolumeInputs;
			assert.ok(told(state(before), news).includes(`${property} replace`), `${property}: ${told(state(before), news)}`);
		}
	});

	/** Inputs with an unknown in them are not normalised. */
	function inputsOf(now: Record<string, unknown>): object {
		const known = Object.fromEntries(Object.entries(now).filter(([, value]) => value !== UNKNOWN));
		return { ...inputs(known), ...now };
	}

	it("of the base mean nothing to a clone that keeps it", () => {
		const olds = state({ base: "/a", baseContentId: "x", onBaseChange: "keep" });
		for (const now of [{ base: "/b" }, { base: "/a", baseContentId: "y" }, { base: "/a", cloning: "copy" }]) {
			assert.deepEqual(told(olds, inputs({ ...now, onBaseChange: "keep" })), []);
			assert.deepEqual(told(olds, inputs({ ...now, onBaseChange: "replace" })).length, 1);
		}
	});

	it("of a base that would be deleted below a clone are refused", () => {
		const before = { base: "/a", foreignBase: true, onBaseChange: "keep" };
		const unknown = { ...inputs(before), base: UNKNOWN } as unknown as VolumeInputs;
		for (const now of [inputs({ ...before, base: "/b" }), unknown]) {
			assert.throws(() => changes(state(before), now), /got .* instead of "\/a", which this clone stands on/);
			assert.throws(() => changes(state(before), { ...now, onBaseChange: "rebase" }), /onBaseChange "rebase" needs/);
			assert.deepEqual(told(state(before), { ...now, onBaseChange: "replace" }), ["base replace"]);
			assert.deepEqual(told(state({ ...before, independent: true }), { ...now, independent: true }), []);
			// From or to a base of ours, which stays for as long as it is needed.
			assert.deepEqual(told(state({ ...before, foreignBase: undefined }), now), []);
			assert.deepEqual(told(state(before), { ...now, foreignBase: undefined }), []);
		}
		assert.deepEqual(told(state(before), inputs(before)), []);
	});

	it("of the base leave the content to a clone that is rebased", () => {
		const olds = state({ base: "/a", baseContentId: "x" });
		const rebased = (now: object) => told(olds, inputs({ onBaseChange: "rebase", ...now }));
		assert.deepEqual(rebased({ base: "/b" }), ["base live"]);
		assert.deepEqual(rebased({ base: "/a", baseContentId: "y" }), ["baseContentId live"]);
		assert.deepEqual(rebased({ base: "/a", cloning: "copy" }), ["cloning replace"]);
		assert.deepEqual(rebased({ base: undefined, sizeMiB: 64 }), ["base replace"], "it is no clone any more");
	});

	it("of the base say which batch of a rolling change they are", () => {
		const note = (batch: object | undefined) =>
			changes(state({ base: "/a" }), inputs({ base: "/b", ...(batch && { batch }) }))[0]!.note;
		assert.match(
			note({ number: 2, of: 3, after: "web-1 is healthy" }),
			/^batch 2 of 3, after web-1 is healthy: it is a /,
		);
		assert.match(note({ number: 1, of: 3 }), /^batch 1 of 3: it is a clone of another base/);
		assert.match(note(undefined), /^it is a clone of another base/);
		const moved = inputs({ base: "/a", batch: { number: 1, of: 1 } });
		assert.deepEqual(changes(state({ base: "/a", batch: { number: 3, of: 3 } }), moved), []);
	});

	it("record whether it is movable, by which its delete goes", () => {
		const [fixed, movable] = [{ sizeMiB: 8 }, { sizeMiB: 8, movable: true }];
		assert.deepEqual(told(state(fixed), inputs(movable)), ["movable live"]);
		assert.deepEqual(told(state(movable), inputs(fixed)), ["movable live"]);
		assert.deepEqual(told(state(fixed), inputs({ ...fixed, movable: false })), []);
		assert.deepEqual(told(state(movable), inputs(movable)), []);
	});

	it("to independence copy live, and are not taken back", () => {
		const [alone, linked] = [{ base: "/a", independent: true }, { base: "/a" }];
		assert.deepEqual(told(state(linked), inputs(alone)), ["independent live"]);
		assert.match(changes(state(alone), inputs(linked))[0]!.note, /what was copied into it stays/);
		assert.deepEqual(told(state(alone), inputs(alone)), []);
		assert.deepEqual(told(state(linked), inputs({ ...alone, base: "/b" })), ["base replace"], "the new one is made so");
	});

	it("of the size that only a look at the host could judge are said", () => {
		const { key: _k, path: _p, capacityBytes: _c, made: _m, timings: _t, ...recorded } = state({ base: "/b" });
		assert.deepEqual(told(recorded, inputs({ base: "/b", sizeMiB: 128 })), ["sizeMiB live"]);
	});

	it("of the size grow live, and are refused when they would shrink", () => {
		assert.deepEqual(told(state({ sizeMiB: 64 }), inputs({ sizeMiB: 128 })), ["sizeMiB live"]);
		assert.deepEqual(told(state({ base: "/b" }), inputs({ base: "/b", sizeMiB: 128 })), ["sizeMiB live"]);
		assert.deepEqual(told(state({ base: "/b" }), inputs({ base: "/b", sizeMiB: 64 })), []);
		const unknown = { ...inputs({ sizeMiB: 1 }), sizeMiB: UNKNOWN } as unknown as VolumeInputs;
		assert.deepEqual(told(state({ sizeMiB: 64 }), unknown), ["sizeMiB live"]);
		for (const olds of [state({ sizeMiB: 64 }), state({ base: "/b" }), inputs({ sizeMiB: 64 })]) {
			assert.throws(
				() => changes(olds, inputs({ base: olds.base, sizeMiB: 63 })),
				(error: InputError) =>
					error instanceof InputError && /got 63; the volume has 64 MiB and never shrinks/.test(error.message),
			);
		}
		assert.deepEqual(
			told(state({ sizeMiB: 64 }), inputs({ sizeMiB: 1, pool: "other" })),
			["pool replace"],
			"a new one may be smaller",
		);
	});
});
