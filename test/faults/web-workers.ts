/** examples/forked-web-workers with sixteen workers, each of which answers under its own name; and its parent is told of. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ForkedChild } from "../../index";
import { type Bench, leftOn, startBench } from "../e2e/hosts";

const WORKERS = 16;

export function describeWebWorkers(): void {
	describe(`examples/forked-web-workers, with ${WORKERS} workers`, function () {
		this.timeout(1_800_000);
		let bench: Bench;
		let folder: string;

		before(async () => {
			folder = await mkdtemp(join(tmpdir(), "web-workers-"));
			const config = { store: join(folder, "identities.sqlite"), workers: String(WORKERS) };
			bench = await startBench({ program: "examples/forked-web-workers", config });
		});
		after(async () => {
			await bench?.stop();
			await rm(folder, { recursive: true, force: true });
		});

		it("answer under their own names, each with an address, a machine-id and keys of its own", async () => {
			await hookOntoParent();
			await bench.project.up();
			const { machines } = await bench.project.outputs<{ machines: ForkedChild[] }>();
			const workers = machines.filter(({ power }) => power === "on");
			assert.equal(workers.length, WORKERS);
			for (const { identity, verified } of workers) {
				const address = verified!.addresses[0]!.split("/")[0];
				const answer = await bench.host.exec("curl", ["-sS", "--max-time", "60", `http://${address}/cgi-bin/name`]);
				assert.equal(answer.stdout.trim(), identity);
				assert.equal(verified!.hostname, identity);
			}
			const different = (what: string, values: string[]) => assert.equal(new Set(values).size, values.length, what);
			different(
				"names",
				workers.map(({ identity }) => identity!),
			);
			different(
				"addresses",
				workers.map(({ verified }) => verified!.addresses[0]!),
			);
			different(
				"MAC addresses",
				workers.flatMap(({ macs }) => macs),
			);
			different(
				"machine-ids",
				workers.map(({ verified }) => verified!.machineId),
			);
			different(
				"host keys",
				workers.flatMap(({ verified }) => verified!.hostKeys),
			);
			different(
				"random numbers",
				workers.map(({ verified }) => verified!.random),
			);
		});

		it("have a parent of which a hook of the program was told when it was made", async () => {
			const told = JSON.parse(await readFile(join(folder, "told"), "utf8"));
			assert.match(told.domainName, /^warm-[0-9a-f]{8}$/);
			assert.match(await bench.host.virsh("domuuid", told.domainName), new RegExp(told.uuid));
		});

		it("are gone, with all that was theirs", async () => {
			await bench.project.destroy();
			assert.deepEqual(await leftOn(bench), []);
		});

		/** As docs/forks.md has it. */
		async function hookOntoParent(): Promise<void> {
			const hook = `const told = new pulumi.ResourceHook("told", async ({ newOutputs }) =>
	require("node:fs").writeFileSync(${JSON.stringify(join(folder, "told"))}, JSON.stringify(newOutputs)));
`;
			await bench.project.edit(
				"index.ts",
				'const parent = new ForkPoint("warm", {',
				`${hook}const parent = new ForkPoint("warm", {`,
			);
			const end = "\t\tintervalSeconds: 1,\n\t},\n}";
			await bench.project.edit("index.ts", `${end});`, `${end}, { hooks: { afterCreate: [told] } });`);
		}
	});
}
