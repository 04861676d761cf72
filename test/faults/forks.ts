/** The life of a set of forked machines, with a fault in each of its steps. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ForkedChild } from "../../index";
import { type Bench, inGuest, leftOn, startBench } from "../e2e/hosts";
import { choosePoint, describePoint, strike, VICTIMS } from "./fault";
import type { Random } from "./random";

interface Wanted {
	parent: number;
	children: number;
}

/** `steps` is how many the engine makes at least, `mostMs` how far into one the fault may come. */
const LIFE = [
	{ name: "the first creation", want: { parent: 1, children: 2 }, steps: 10, mostMs: 3000 },
	{ name: "growing", want: { parent: 1, children: 4 }, steps: 5, mostMs: 800 },
	{ name: "another parent", want: { parent: 2, children: 4 }, steps: 10, mostMs: 1500 },
	{ name: "shrinking", want: { parent: 2, children: 1 }, steps: 7, mostMs: 20 },
	{ name: "destroying", want: undefined, steps: 8, mostMs: 20 },
];

/** Of CLI, provider, libvirtd, and the QEMU of a machine. */
export const FORK_VICTIMS = [...VICTIMS, "QEMU"] as const;

/** Defines one test for each step. @param victims of the steps in turn */
export function describeForks(victims: ReadonlyArray<(typeof FORK_VICTIMS)[number]>, random: Random): void {
	describe("forked machines", function () {
		this.timeout(400_000);
		let bench: Bench;
		let broken = false;

		before(async () => {
			bench = await startBench({ program: "test/faults/fixtures/forks" });
		});
		after(() => bench?.stop());

		for (const [index, { name, want, steps, mostMs }] of LIFE.entries()) {
			// A machine whose QEMU is killed while it is removed is gone all the same.
			const victim = victims[index % victims.length]!;
			const point = choosePoint(random, steps, mostMs);
			const restartMs = random.between(100, 500);
			it(`${name}: the ${victim} after ${describePoint(point)}`, async () => {
				assert.ok(!broken, "a step before has failed");
				broken = true;
				const { project } = bench;
				if (want) await ask(want);
				const command = want ? "up" : "destroy";
				await strike(bench, { command, victim, point, restartMs }, {});
				if (victim === "CLI") await project.unlock();
				if (want) {
					// A machine that went off after it was made shows in a refresh only.
					await project.up(victim === "QEMU" ? ["--refresh"] : []);
					// Until then the command line does not say who holds what.
					if (victim === "CLI") await project.refresh(["--clear-pending-creates"]);
					await assertSettled(want, victim);
				} else {
					await project.destroy();
					assert.deepEqual(await leftOn(bench), []);
				}
				broken = false;
			});
		}

		async function ask(want: Wanted): Promise<void> {
			const store = join(bench.project.directory, "../identities.sqlite");
			await writeFile(join(bench.project.directory, "wanted.json"), JSON.stringify({ ...want, store }));
		}

		/** Nothing is there but what is recorded, and each machine is somebody of its own on the parent that is wanted. */
		async function assertSettled(want: Wanted, victim: string): Promise<void> {
			const { project, host, poolPath } = bench;
			const { machines, files } = await project.outputs<{ machines: ForkedChild[]; files: string[] }>();
			assert.equal(machines.length, want.children);
			let booted = 0;
			for (const { name, identity, verified } of machines) {
				// Of one that was made when the run was cut off nothing is recorded but that it is there.
				if (verified) assert.equal(verified.hostname, identity);
				await untilAgentAnswers(bench, name);
				const said = await inGuest(host, name, "hostname; cat /run/parent 2>/dev/null || echo booted");
				if (said === `${identity}\nbooted`) booted++;
				else assert.equal(said, `${identity}\n${want.parent}`);
			}
			// One that went off is turned on again, from its own disk.
			assert.ok(booted <= (victim === "QEMU" ? 1 : 0), `${booted} were booted`);
			const values = machines.flatMap(({ verified, macs, identity }) => [
				identity!,
				...(verified ? [verified.random, verified.machineId, ...verified.hostKeys, ...verified.addresses] : []),
				...macs,
			]);
			assert.equal(new Set(values).size, values.length, `two have something in common: ${values}`);

			const on = (await host.virsh("list", "--all", "--name")).split("\n").filter(Boolean);
			assert.equal(on.length, want.children + 1, `machines on the host: ${on}`);
			const recorded = (await project.state()).deployment.resources ?? [];
			const disks = recorded.filter(({ type }) => type.endsWith("clones:Volume")).map(({ id }) => id!);
			const there = (await readdir(poolPath)).map((file) => join(poolPath, file));
			assert.deepEqual(there.sort(), [...new Set([...files, ...disks])].sort());

			const { code, stdout, stderr } = await project.commandLine(
				"identities",
				"list",
				"--stack",
				"organization/fork-faults/dev",
			);
			assert.equal(code, 0, stderr);
			const leased = stdout.split("\n").filter((line) => / leased /.test(line));
			assert.equal(leased.length, want.children, stdout);
			await project.preview(["--expect-no-changes"]);
		}
	});
}

async function untilAgentAnswers({ host }: Bench, name: string): Promise<void> {
	for (let tries = 0; ; tries++) {
		try {
			await host.virsh("qemu-agent-command", name, '{"execute":"guest-ping"}');
			return;
		} catch (error) {
			if (tries === 180) throw error;
			await sleep(500);
		}
	}
}
