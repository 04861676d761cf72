import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { init } from "../../bench/init";
import type { Result } from "../../bench/result";
import { repository } from "../../tools/pulumi/project";

describe("npm run bench -- init", function () {
	this.timeout(300_000);

	it("puts scripts into an image, boots a clone of it, and writes numbers that can be true", async () => {
		const folder = await mkdtemp(join(tmpdir(), "bench-"));
		try {
			const args = [join(repository, "dist/bench/main.js"), "init", "--quick", "--out", folder];
			await promisify(execFile)(process.execPath, args);
			const result = JSON.parse(await readFile(join(folder, "init.json"), "utf8")) as Result;
			assert.deepEqual(Object.keys(result.ratios), ["clone_extra_ms", "inject_seconds", "guest_seconds"]);
			for (const value of Object.values(result.ratios)) assert.ok(Number.isFinite(value), String(value));
			assert.ok(result.ratios.inject_seconds! > 0);
			assert.match(init.tables!(result)["init-first"]!, /\| computed in the guest \| [\d.]+ \|/);
			assert.match(await readFile(join(folder, "init.svg"), "utf8"), /computed in the guest/);
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
});
