import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watch } from "../../../cli/watch";
import { decide, type Memory } from "../../../cli/watch/decide";
import { readWatch, type WatchRule, watchSchema } from "../../../cli/watch/rules";

const good = {
	stack: "prod",
	rules: [{ count: "web:nodes", machines: "node-*", above: 80, below: 20, min: 1, max: 3 }],
};
const rule = (more: Partial<WatchRule> = {}): WatchRule => ({
	...watchSchema.parse(good).rules[0]!,
	forSeconds: 60,
	belowForSeconds: 300,
	cooldownSeconds: 100,
	...more,
});

/** Looks every ten seconds, of which each has a load. @returns the counts after them */
function counts(own: WatchRule, start: number, loads: ReadonlyArray<number | undefined>): number[] {
	let memory: Memory = {};
	let count = start;
	return loads.map((load, index) => {
		const decision = decide(own, memory, load, index * 10, count);
		memory = decision.memory;
		count = decision.count ?? count;
		return count;
	});
}

const times = <T>(number: number, value: T): T[] => Array.from({ length: number }, () => value);

describe("watch decides", () => {
	it("for one more when it was too busy for long enough, and not before", () => {
		assert.deepEqual(counts(rule(), 1, times(7, 90)), [1, 1, 1, 1, 1, 1, 2]);
		assert.deepEqual(counts(rule(), 1, [...times(5, 90), 50, ...times(6, 90)]), times(12, 1));
		assert.deepEqual(counts(rule(), 1, times(20, 80)), times(20, 1));
	});

	it("for one less when it was idle for long enough, and never without a bound for that", () => {
		assert.equal(counts(rule(), 3, times(31, 5)).at(-1), 2);
		assert.equal(counts(rule(), 3, times(30, 5)).at(-1), 3);
		assert.equal(counts(rule({ below: undefined }), 3, times(100, 0)).at(-1), 3);
	});

	it("for nothing in the time after a change", () => {
		const busy = counts(rule(), 1, times(40, 90));
		assert.deepEqual([busy.indexOf(2), busy.indexOf(3)], [6, 16]);
	});

	it("for nothing beyond the bounds, nor to bring a count back that somebody has set", () => {
		assert.equal(counts(rule({ cooldownSeconds: 0 }), 1, times(100, 90)).at(-1), 3);
		assert.equal(counts(rule({ cooldownSeconds: 0 }), 3, times(300, 0)).at(-1), 1);
		assert.equal(counts(rule({ cooldownSeconds: 0 }), 7, times(100, 90)).at(-1), 7);
		assert.equal(counts(rule({ cooldownSeconds: 0, step: 5 }), 1, times(20, 90)).at(-1), 3);
	});

	it("for nothing from what could not be measured, which breaks the time", () => {
		assert.deepEqual(counts(rule(), 1, [...times(6, 90), undefined, ...times(6, 90)]), times(13, 1));
	});

	it("and says why", () => {
		const at = (load: number, memory: Memory = {}) => decide(rule(), memory, load, 100, 1).reason;
		assert.equal(at(50), "guestCpu 50 %: as it should be");
		assert.equal(at(90, { aboveSince: 70 }), "guestCpu 90 %: above 80 % for 30 s");
		assert.equal(at(90, { aboveSince: 10 }), "guestCpu 90 %, above 80 % for 60 s: 1 to 2 machines");
		assert.match(at(90, { aboveSince: 10, changedAt: 50 }), /none for another 50 s/);
		assert.match(decide(rule(), { aboveSince: 10 }, 90, 100, 3).reason, /3 machines, which is as many as there may be/);
	});
});

describe("the file of a watch", () => {
	let folder: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "watch-"));
	});
	after(() => rm(folder, { recursive: true }));

	const read = async (text: string) => {
		await writeFile(join(folder, "watch.yaml"), text);
		return readWatch(join(folder, "watch.yaml"));
	};

	it("has defaults, and a project beside it", async () => {
		const { project, intervalSeconds, rules } = await read(JSON.stringify({ ...good, project: "infra" }));
		assert.equal(project, join(folder, "infra"));
		assert.equal(intervalSeconds, 10);
		assert.deepEqual([rules[0]!.of, rules[0]!.step, rules[0]!.forSeconds], ["guestCpu", 1, 60]);
	});

	it("is about no further count once it is ended", async () => {
		const [nodes] = good.rules;
		await read(JSON.stringify({ ...good, rules: [nodes, { ...nodes, count: "web:others" }] }));
		const end = new AbortController();
		const asked: string[] = [];
		const declared = {
			async count(key: string): Promise<number> {
				asked.push(key);
				end.abort();
				throw new Error("ended");
			},
			declare: async () => {},
			bringAbout: async () => {},
		};
		const file = join(folder, "watch.yaml");
		await watch({ file, uri: "test:///default", yes: true, log: () => {}, signal: end.signal, declared });
		assert.deepEqual(asked, ["web:nodes"]);
	});

	const [one] = good.rules;
	const bad: Array<[what: string, given: unknown, complaint: RegExp]> = [
		["no group", "[]", /got no group of properties/],
		["what is no YAML", "a: [", /is not well-formed YAML/],
		["no stack", { ...good, stack: undefined }, /stack: is required/],
		["no rules", { ...good, rules: [] }, /rules: got \[\]/],
		["a property that there is not", { ...good, every: 5 }, /every: there is no such property/],
		["a load above all", { ...good, rules: [{ ...one, above: 101 }] }, /rules\[0\]\.above: got 101/],
		["bounds the wrong way round", { ...good, rules: [{ ...one, min: 4 }] }, /got min 4 and max 3/],
		["loads the wrong way round", { ...good, rules: [{ ...one, below: 90 }] }, /got below 90 and above 80/],
		["machines that are nobody", { ...good, rules: [{ ...one, machines: undefined }] }, /guestCpu without machines/],
		["two rules for a count", { ...good, rules: [one, one] }, /got web:nodes in two rules/],
		["a key that is none", { ...good, rules: [{ ...one, count: "web nodes" }] }, /rules\[0\]\.count: got "web nodes"/],
		["no most", { ...good, rules: [{ ...one, max: undefined }] }, /rules\[0\]\.max: is required/],
	];
	for (const [what, given, complaint] of bad) {
		it(`refuses ${what}`, async () => {
			await assert.rejects(read(typeof given === "string" ? given : JSON.stringify(given)), complaint);
		});
	}
});
