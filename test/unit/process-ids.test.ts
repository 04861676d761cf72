import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { poll } from "../../provider/domain/patience";
import { processSpace, startedAt } from "../../provider/process-ids";
import { partialName, sweepPartials } from "../../provider/volume/partials";

describe("a process", () => {
	it("started once, and where its number means it", () => {
		assert.ok(startedAt(process.pid)! > startedAt(1)!);
		assert.match(processSpace()!, /^[0-9a-f-]{36}\/\d+$/);
	});

	it("has none of a start when it has ended, also where nobody has waited for it", async () => {
		// The shell becomes a program that does not wait for the child that it had as a shell, which ends only then.
		const child = "until grep -q sleep /proc/$$/comm; do sleep 0.05; done";
		const parent = spawn("sh", ["-c", `(${child}) & echo $!; exec sleep 60`], { stdio: ["ignore", "pipe", "inherit"] });
		const folder = await mkdtemp(join(tmpdir(), "process-ids-"));
		try {
			const pid = Number(String((await once(parent.stdout, "data"))[0]));
			const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
			await writeFile(join(folder, partialName("x").replace(/-\d+-\d+-/, `-${pid}-${fields[21]}-`)), "");
			const mine = join(folder, partialName("mine"));
			await writeFile(mine, "");
			const isZombie = async () => /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8")) || undefined;
			assert.ok(await poll(30, isZombie));
			assert.equal(startedAt(pid), undefined);
			await sweepPartials(folder);
			assert.deepEqual(await readdir(folder), [basename(mine)]);
		} finally {
			parent.kill("SIGKILL");
			await rm(folder, { recursive: true });
		}
	});
});
