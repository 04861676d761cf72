/** Forked machines, and what fails is what they need: the guest's agent, identities, their directory and their store. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { withStore } from "../../provider/identity/access";
import type { IdentityStore } from "../../provider/identity/store/store";
import { Slapd } from "../../tools/directory/slapd";
import { PostgresServer } from "../../tools/postgres/server";
import { type Bench, leftOn, startBench } from "../e2e/hosts";
import { choosePoint, describePoint, type Point, strike } from "./fault";
import { ask, assertAllRecorded, assertForksSettled, machinesOn, type Wanted } from "./fork-settled";
import type { Random } from "./random";

const POOL = "workers";
const DIRECTORY = /\(directory ldaps:\/\/127\.0\.0\.1:\d+\)/;
const STRANGER = "organization/others/dev/vm";

/** Of four identities. Each test goes on from where the one before has come to. */
export function describeForkNeeds(random: Random): void {
	describe("forked machines, when what they need fails,", function () {
		this.timeout(900_000);
		let bench: Bench;
		let slapd: Slapd;
		let postgres: PostgresServer;
		let broken = false;

		before(async () => {
			[bench, slapd, postgres] = await Promise.all([
				startBench({ program: "test/faults/fixtures/forks" }),
				Slapd.start(),
				PostgresServer.start(),
			]);
		});
		after(async () => {
			await bench?.stop();
			await slapd?.stop();
			await postgres?.stop();
		});
		beforeEach(() => {
			assert.ok(!broken, "a step before has failed");
			broken = true;
		});
		afterEach(function () {
			broken = this.currentTest?.state !== "passed";
		});

		it("are not made where the agent stops to answer in the parent, of which nothing is left", async () => {
			const said = await fails(1, { agentStops: "in the parent" });
			assert.match(said, /guest agent, guest-exec(-status)?: .*not responding/);
			assert.deepEqual(await machinesOn(bench), []);
		});

		it("are not made where it stops in them, and are made by the next run as who they were to be", async () => {
			const said = await fails(1, { agentStops: "in the children" });
			assert.match(said, /guest agent, guest-exec(-status)?: .*not responding/);
			assert.doesNotMatch((await machinesOn(bench)).join(), /web-0/);
			const held = await inStore((store) => store.list(POOL, { states: ["leased"] }));
			await makes(1);
			assert.deepEqual(await inStore((store) => store.list(POOL, { states: ["leased"] })), held);
		});

		it("are made as far as there are identities, and the others once there are more", async () => {
			const stranger = await inStore(async (store) => {
				await store.allocate(POOL, `${STRANGER}-0`);
				return store.allocate(POOL, `${STRANGER}-1`);
			});
			const said = await fails(3);
			assert.match(
				said,
				/pool workers has no free identity for organization\/fork-faults\/dev\/web-\d: 4 leased\. Let the/,
			);
			await inStore((store) => store.release(POOL, `${STRANGER}-1`, stranger.epoch));
			await makes(3, { others: 1 });
			await inStore(async (store) => {
				const [held] = await store.list(POOL, { states: ["leased"], owner: `${STRANGER}-0` });
				await store.release(POOL, `${STRANGER}-0`, held!.epoch);
			});
		});

		const whileDown = choosePoint(random, 4, 300);
		it(`are made while their directory goes down, or by the next run: after ${describePoint(whileDown)}`, async () => {
			// What others have returned is made ready with it.
			await makes(2);
			const { code, output } = await struck(3, whileDown, () => slapd.kill());
			if (code !== 0) assert.match(output, DIRECTORY);
			await assertAllRecorded(bench);
			await slapd.startServer();
			await makes(3);
		});

		it("give their identities back without it, say so, and go on with new ones when it is there again", async () => {
			await slapd.kill();
			await ask(bench, wanted(1));
			const { stdout } = await bench.project.up();
			assert.match(stdout, /identity web-0\d has been returned, and is made ready by a later run: .*directory ldaps:/s);
			assert.match(await fails(4), DIRECTORY);
			await slapd.startServer();
			await makes(4);
		});

		for (const [name, children, steps, mostMs] of [
			["given back", 2, 6, 20],
			["taken", 4, 4, 100],
		] as const) {
			const point = choosePoint(random, steps, mostMs);
			const awayMs = random.between(100, 2000);
			it(`wait for their store, which is killed while identities are ${name}: after ${describePoint(point)}, for ${awayMs} ms`, async () => {
				const { code, output } = await struck(children, point, async () => {
					postgres.kill();
					await sleep(awayMs);
					await postgres.restart();
				});
				assert.equal(code, 0, output);
				await settled(children);
			});
		}

		it("say that their store is gone for good, make nothing, and go on when it is there again", async () => {
			await makes(2);
			const before = await machinesOn(bench);
			postgres.kill();
			const said = await fails(4);
			assert.match(
				said,
				/identity store postgres in \S+ cannot be reached for 30 s: .*See that the server runs, then run/s,
			);
			assert.deepEqual(await machinesOn(bench), before);
			await postgres.restart();
			await makes(4);
		});

		it("are gone with their identities and accounts", async () => {
			await bench.project.destroy();
			assert.deepEqual(await leftOn(bench), []);
			assert.deepEqual(await inStore((store) => store.pools()), []);
			assert.doesNotMatch(await slapd.search("(uid=web-*)", "uid"), /^uid:/m);
		});

		function wanted(children: number, more: Pick<Wanted, "agentStops"> = {}): Wanted {
			const { baseDn, ca, serverName, admin } = slapd;
			const ldap = { url: `ldaps://127.0.0.1:${slapd.ldaps.port}`, baseDn, ca, serverName, ...admin };
			const identities = { store: { postgres: postgres.connection }, directory: { ldap } };
			return { parent: 1, children, identities, ...more };
		}

		/** @returns what it says */
		async function fails(children: number, more: Pick<Wanted, "agentStops"> = {}): Promise<string> {
			await ask(bench, wanted(children, more));
			const { code, stdout, stderr } = await bench.project.run(["up", "--yes", "--skip-preview"]);
			assert.notEqual(code, 0, stdout);
			await assertAllRecorded(bench);
			assert.doesNotMatch(stdout + stderr, new RegExp(`PRIVATE KEY|${slapd.admin.password}`));
			return stdout + stderr;
		}

		async function makes(children: number, more: { others?: number } = {}): Promise<void> {
			await ask(bench, wanted(children));
			await bench.project.up();
			await settled(children, more);
		}

		async function struck(children: number, point: Point, happen: () => Promise<void>) {
			await ask(bench, wanted(children));
			return strike(bench, { command: "up", victim: happen, point });
		}

		function settled(children: number, more: { others?: number } = {}): Promise<void> {
			return assertForksSettled(bench, wanted(children), more);
		}

		function inStore<T>(work: (store: IdentityStore) => Promise<T>): Promise<T> {
			return withStore({ postgres: postgres.connection }, work);
		}
	});
}
