/** What can go wrong while a machine moves: it runs on where it was, no tick is lost, and the next run brings it over. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { changes } from "../../provider/domain/changes";
import type { DomainInputs } from "../../provider/domain/schema";
import { connectHosts } from "../../tools/testhost";
import { type Full, Lab, wire } from "../host/domain-lab";
import { assertTicks, awaitAgent, MOVE_FAULTS, type MoveFault, movesInto, TICK, WRITE } from "../host/move-faults";
import type { Random } from "./random";

const run = promisify(execFile);

type Migration = NonNullable<DomainInputs["migration"]>;

/** Of a pool's file system. */
const POOL_MIB = 256;

const FULL_TARGET: MoveFault = {
	what: "the storage there is full",
	async strike({ to }) {
		const { machine } = to;
		const remount = (sizeKiB: string) =>
			machine.exec("mount", ["-o", `remount,size=${sizeKiB}k`, machine.poolDirectory]);
		const { stdout } = await machine.exec("df", ["--output=used", "-k", machine.poolDirectory]);
		await remount(String(Number(stdout.split("\n")[1]) + 1024));
	},
	says: /space/i,
	mend: ({ to: { machine } }) => machine.exec("mount", ["-o", `remount,size=${POOL_MIB}m`, machine.poolDirectory]),
};

export function describeMoves(random: Random): void {
	describeMovesThat("while they run", {}, random);
	describeMovesThat("standing still", { mode: "paused" }, random);
}

function describeMovesThat(how: string, given: Pick<Migration, "mode">, random: Random): void {
	describe(`machines that move ${how}, and what goes wrong meanwhile`, function () {
		this.timeout(300_000);
		const folders: string[] = [];
		let labs: [Lab, Lab];
		let state: Full;
		let inputs: DomainInputs;
		let bootId: string;
		/** Each goes on from where the one before has left it. */
		let broken = false;

		before(async () => {
			const started: Lab[] = [];
			for (const _ of [1, 2]) {
				const folder = await mkdtemp(join(tmpdir(), "clones-moves-"));
				folders.push(folder);
				await run("mount", ["-t", "tmpfs", "-o", `size=${POOL_MIB}m,mode=0755`, "tmpfs", folder]);
				started.push(await Lab.startMoving({ poolDirectory: folder }));
			}
			labs = started as [Lab, Lab];
			await connectHosts(labs[0].machine, labs[1].machine);
			inputs = await on(labs[0]);
			state = wire(await labs[0].create(inputs));
			bootId = await labs[0].sh(state.uuid, "cat /proc/sys/kernel/random/boot_id");
			// So that its disk has something to be sent.
			await labs[0].sh(state.uuid, "dd if=/dev/urandom of=/root/written bs=1M count=16 2>/dev/null; sync");
			await labs[0].sh(state.uuid, TICK);
		});
		after(async () => {
			for (const lab of labs ?? []) await lab.stop();
			for (const folder of folders) {
				await run("umount", [folder]);
				await rm(folder, { recursive: true });
			}
		});

		async function on(lab: Lab): Promise<DomainInputs> {
			const migration = { peerUri: `qemu+tcp://${lab.machine.linkAddress}/system`, ...given };
			return lab.inputs("goes", { type: "qemu", waitFor: { agent: true }, migration });
		}

		const goesOn = "a guest that writes faster than is sent goes";
		it(given.mode ? goesOn : `${goesOn}, slowed down until it does not any more`, async () => {
			const [from, to] = labs;
			const news = await on(to);
			const limits = { bandwidthMiBps: 24, maxPauseMs: 300, timeoutSeconds: 900, onNoConvergence: "throttle" as const };
			const writer = await from.sh(state.uuid, WRITE);
			state = wire(await to.update(state, { ...news, migration: { ...news.migration, ...limits } }));
			const said = to.logged.join("\n");
			const percents = [...said.matchAll(/slowed down by (\d+) %/g)].map(([, percent]) => Number(percent));
			assert.equal(percents.length > 1, given.mode === undefined, said);
			assert.deepEqual(
				percents,
				percents.toSorted((a, b) => a - b),
			);
			assert.match(said, /moved in \d+ ms, of which it stood still for \d+ ms/);
			await awaitAgent(to, state.uuid);
			await to.sh(state.uuid, `kill ${writer}; rm -r /run/w/*`);
			await assertTicks(to, state.uuid, bootId);
			labs = [to, from];
		});

		for (const fault of random.shuffled([...MOVE_FAULTS, FULL_TARGET])) {
			const moreMs = random.between(0, 1500);
			it(`${fault.what}, ${moreMs} ms after memory was begun with`, async () => {
				assert.ok(!broken, "one before has failed");
				broken = true;
				const [from, to] = labs;
				const news = await on(to);
				await movesInto(fault, { from, to, state, news, moreMs });
				const before = await assertTicks(from, state.uuid, bootId);
				state = wire(await to.update(state, news));
				assert.deepEqual(changes(state, news), []);
				assert.equal(await from.host.domains.find(state.uuid), undefined);
				assert.ok((await assertTicks(to, state.uuid, bootId)) > before);
				labs = [to, from];
				broken = false;
			});
		}
	});
}
