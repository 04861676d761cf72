import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { identity } from "../../bench/identity";
import type { Result } from "../../bench/result";
import { repository } from "../../tools/pulumi/project";

describe("npm run bench -- identity", () => {
	it("takes identities from both stores and by the bare statements, makes accounts, and writes numbers that can be true", async () => {
		const folder = await mkdtemp(join(tmpdir(), "bench-"));
		try {
			const args = [join(repository, "dist/bench/main.js"), "identity", "--quick", "--out", folder];
			await promisify(execFile)(process.execPath, args);
			const result = JSON.parse(await readFile(join(folder, "identity.json"), "utf8")) as Result;
			const { allocation } = result.milliseconds as { allocation: Record<string, number> };
			assert.deepEqual(Object.keys(allocation), ["sqlite", "bare_sqlite", "postgres", "bare_postgres"]);
			assert.deepEqual(Object.keys(result.ratios), [
				"sqlite_allocations_per_second",
				"postgres_allocations_per_second",
				"ours_over_bare_sqlite",
				"ours_over_bare_postgres",
				"accounts_per_second_ad",
			]);
			for (const value of [...Object.values(allocation), ...Object.values(result.ratios)]) {
				assert.ok(value > 0 && Number.isFinite(value), JSON.stringify(result));
			}
			assert.match(identity.tables!(result).identity!, /\| PostgreSQL \| [\d.]+ \| [\d.]+ \|/);
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
});
