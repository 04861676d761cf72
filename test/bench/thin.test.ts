import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Numbers, Result } from "../../bench/result";
import { markdownTable, withTables } from "../../bench/tables";
import { tables } from "../../bench/thin/picture";
import { repository } from "../../tools/pulumi/project";

const run = (...args: string[]) =>
	promisify(execFile)(process.execPath, [join(repository, "dist/bench/main.js"), ...args]);

describe("npm run bench -- thin", function () {
	this.timeout(600_000);
	let folder: string;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "bench-"));
	});
	after(() => rm(folder, { recursive: true, force: true }));

	it("measures all ways of cloning and writes numbers that can be true, and a chart", async () => {
		const { stderr } = await run("thin", "--quick", "--out", folder);
		assert.match(stderr, /\d+ s {2}bare 10, 1 of 1: \d+ ms/);
		const result = JSON.parse(await readFile(join(folder, "thin.json"), "utf8")) as Result;
		const { milliseconds, mebibytes, ratios } = result;
		const whole = milliseconds!.whole_run as Record<string, Record<string, number>>;
		assert.deepEqual(Object.keys(whole), ["clones", "empty", "bare", "virsh"]);
		for (const [path, value] of numbersIn({ milliseconds: milliseconds!, mebibytes: mebibytes! })) {
			// Of two runs the difference: below zero when the longer one had the quieter time.
			if (path.includes("per_clone")) assert.ok(Number.isFinite(value), path);
			else assert.ok(value > 0, `${path} is ${value}`);
		}
		assert.ok(whole.clones!.n10! > whole.bare!.n10!, "a run of the engine takes longer than ten definitions");
		assert.deepEqual(Object.keys(ratios).sort(), [
			"above_empty_over_bare_n10",
			"overlay_over_ficlone",
			"overlay_over_qemu_img",
			"preview_10_over_empty",
			"preview_10_seconds",
		]);
		assert.ok(Object.values(ratios).every(Number.isFinite), JSON.stringify(ratios));
		assert.match(await readFile(join(folder, "thin.svg"), "utf8"), /<svg [^>]*>.*loop over virsh.*<\/svg>/s);
		assert.match(tables(result)["thin-ways"]!, /\| loop over virsh \| [\d.]+ \|/);
	});

	it("refuses what it does not know", async () => {
		await assert.rejects(run("thick"), /usage: npm run bench -- thin/);
		await assert.rejects(run("thin", "--quick"), /into a folder that has to be named/);
	});
});

describe("tables in guides", () => {
	it("are put in their places, and others left alone", () => {
		const text = "a\n<!-- bench one -->\nold\n<!-- /bench -->\n<!-- bench two -->\nkept\n<!-- /bench -->\n";
		const table = markdownTable(["way", "ms"], [["ours", 12.345]]);
		assert.equal(
			withTables(text, { one: table }),
			"a\n<!-- bench one -->\n| way | ms |\n| --- | ---: |\n| ours | 12 |\n\n<!-- /bench -->\n" +
				"<!-- bench two -->\nkept\n<!-- /bench -->\n",
		);
	});
});

function numbersIn(value: Numbers, path: string[] = []): Array<[string, number]> {
	return Object.entries(value).flatMap(
		([key, inner]): Array<[string, number]> =>
			typeof inner === "number" ? [[[...path, key].join("."), inner]] : numbersIn(inner, [...path, key]),
	);
}
