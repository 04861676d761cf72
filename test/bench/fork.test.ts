import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fork } from "../../bench/fork";
import type { Result } from "../../bench/result";
import { repository } from "../../tools/pulumi/project";

describe("npm run bench -- fork", function () {
	this.timeout(300_000);

	it("boots and forks machines, and writes numbers that can be true", async () => {
		const folder = await mkdtemp(join(tmpdir(), "bench-"));
		try {
			const args = [join(repository, "dist/bench/main.js"), "fork", "--quick", "--out", folder];
			await promisify(execFile)(process.execPath, args);
			const result = JSON.parse(await readFile(join(folder, "fork.json"), "utf8")) as Result;
			assert.deepEqual(Object.keys(result.ratios), [
				"boot_over_fork_micro_n1",
				"boot_over_warm_micro_n1",
				"fork_micro_warm_host_ms",
				"fork_micro_4_seconds",
				"host_over_raw_micro_n1",
				"guest_ram_micro_mib",
			]);
			for (const value of Object.values(result.ratios)) assert.ok(value > 0 && Number.isFinite(value), String(value));
			assert.ok(result.ratios.guest_ram_micro_mib! < 128, "a child shares nothing");
			assert.match(fork.tables!(result).fork!, /\| micro: boots \| [\d.]+ \|/);
			assert.match(await readFile(join(folder, "fork.svg"), "utf8"), /micro: goes on from its parent/);
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
});
