import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { morph } from "../../bench/morph";
import type { Result } from "../../bench/result";
import { repository } from "../../tools/pulumi/project";

describe("npm run bench -- morph", function () {
	this.timeout(240_000);

	it("moves and changes a machine in each of the ways, and writes numbers that can be true", async () => {
		const folder = await mkdtemp(join(tmpdir(), "bench-"));
		try {
			const args = [join(repository, "dist/bench/main.js"), "morph", "--quick", "--out", folder];
			await promisify(execFile)(process.execPath, args);
			const result = JSON.parse(await readFile(join(folder, "morph.json"), "utf8")) as Result;
			const { wall, pause } = result.milliseconds as Record<"wall" | "pause", Record<string, number>>;
			for (const [way, ms] of Object.entries(wall!)) {
				assert.ok(pause![way]! > 0 && pause![way]! <= ms, JSON.stringify(result.milliseconds));
			}
			assert.deepEqual(Object.keys(result.ratios), [
				"pause_over_virsh",
				"added_pause_ms",
				"added_wall_seconds",
				"restart_over_morph_pause",
			]);
			assert.ok(result.ratios.restart_over_morph_pause! > 1, "a restart is no longer than a change of size");
			assert.match(morph.tables!(result).morph!, /\| moves \| [\d.]+ \| [\d.]+ \|/);
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
});
