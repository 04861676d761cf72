import assert from "node:assert/strict";
import type { NewIdentity } from "../../provider/identity/identity";
import type { IdentityStore } from "../../provider/identity/store/store";
import { PLACES, type StorePlace } from "./stores";

const owner = (number: number) => `organization/project/stack/web-${number}`;

/** web-1 ... with addresses of their own. */
function webs(count: number, pool = 0): NewIdentity[] {
	return Array.from({ length: count }, (_, index) => ({
		name: `p${pool}-web-${index + 1}`,
		mac: `52:54:00:00:0${pool}:${(index + 1).toString(16).padStart(2, "0")}`,
		ips: [`10.0.${pool}.${index + 1}`, `fd00::${pool}:${index + 1}`],
	}));
}

for (const [kind, start] of Object.entries(PLACES)) {
	describe(`an identity store: ${kind}`, () => {
		let place: StorePlace;
		let store: IdentityStore;
		let number = 0;
		let pool: string;
		let prefix: string;

		before(async () => {
			place = await start();
			store = await place.open();
		});
		after(async () => {
			await store?.close();
			await place?.remove();
		});
		// Pools of one realm would be in each other's way.
		beforeEach(async () => {
			pool = `pool-${++number}`;
			prefix = "p0-web-";
			await store.ensurePool(pool, { realm: pool });
		});

		/** Makes a pool's identities free. */
		async function filled(count: number): Promise<void> {
			await store.add(pool, webs(count));
			for (const { name, epoch } of await store.claim(pool, { worker: "w", seconds: 60, limit: 1000 })) {
				await store.settle(pool, name, epoch, Buffer.from(`secret of ${name}`));
			}
		}

		async function rejects(work: Promise<unknown>, name: string, message: RegExp): Promise<void> {
			await assert.rejects(work, (error: Error) => {
				assert.equal(error.name, name, error.stack);
				assert.match(error.message, message);
				return true;
			});
		}

		describe("pools", () => {
			it("keep what was recorded when they were made", async () => {
				const settings = { salt: "abc" };
				const made = await store.ensurePool("kept", { settings });
				assert.deepEqual(made, { name: "kept", realm: "", drained: false, settings });
				assert.deepEqual(await store.ensurePool("kept", { settings: { salt: "other" } }), made);
				assert.ok((await store.pools()).some(({ name }) => name === "kept"));
				await rejects(store.ensurePool("kept", { realm: "lab" }), "StoreError", /is of realm ""; got "lab"/);
			});

			it("begin again with other settings, unless machines hold identities of them", async () => {
				await filled(2);
				const taken = await store.allocate(pool, owner(1));
				await rejects(store.remake(pool, { salt: "new" }), "LeasedError", /cannot be made anew in pool .*p0-web-1/);
				assert.equal((await store.list(pool, { states: ["free"] })).length, 1, "nothing has changed");
				await store.release(pool, owner(1), taken.epoch);
				const [claimed] = await store.claim(pool, { worker: "w", seconds: 60, limit: 1 });

				await store.remake(pool, { salt: "new" });
				const found = (await store.pools()).find(({ name }) => name === pool);
				assert.deepEqual(found!.settings, { salt: "new" });
				for (const { state, secrets } of await store.list(pool))
					assert.deepEqual([state, secrets], ["creating", undefined]);
				await rejects(store.settle(pool, claimed!.name, claimed!.epoch), "StaleEpochError", /./);
			});

			it("are removed when they are empty", async () => {
				await filled(1);
				await rejects(store.removePool(pool), "StoreError", /has 1 identities; only an empty pool/);
				await store.retire(pool, [`${prefix}1`]);
				const [retired] = await store.claim(pool, { worker: "w", seconds: 60, limit: 9 });
				await store.forget(pool, retired!.name, retired!.epoch);
				await store.removePool(pool);
				await store.removePool(pool);
				await rejects(store.allocate(pool, owner(1)), "NoSuchPoolError", /there is no pool pool-\d+ in this store/);
			});
		});

		describe("identities", () => {
			it("come back as they were added, and survive a restart of the program", async () => {
				const machineId = "0123456789abcdef0123456789abcdef";
				await store.add(pool, [{ ...webs(1)[0]!, name: "Web-A", machineId, licenceId: "L-1", data: { rack: "7" } }]);
				const again = await place.open();
				const [found] = await again.list(pool);
				await again.close();
				assert.deepEqual(
					[found?.name, found?.mac, found?.ips, found?.machineId, found?.licenceId, found?.data, found?.state],
					["Web-A", "52:54:00:00:00:01", ["10.0.0.1", "fd00::0:1"], machineId, "L-1", { rack: "7" }, "creating"],
				);
				assert.ok(Math.abs(found!.createdAt.getTime() - Date.now()) < 60_000);
			});

			it("are added once, and only their data changes", async () => {
				await filled(2);
				await store.add(pool, [{ ...webs(1)[0]!, data: { licence: "L-2" } }, ...webs(3).slice(1)]);
				assert.deepEqual(
					(await store.list(pool)).map(({ state, data }) => [state, data.licence]),
					[
						["free", "L-2"],
						["free", undefined],
						["creating", undefined],
					],
				);
				await rejects(
					store.add(pool, [{ ...webs(1)[0]!, mac: "52:54:00:00:00:ff" }]),
					"StoreError",
					/has the MAC address 52:54:00:00:00:01, not 52:54:00:00:00:ff: what an identity is does not change/,
				);
			});

			it("have name, MAC, IP, machine-id and licence id to themselves; all or none are added", async () => {
				const machineId = "0123456789abcdef0123456789abcdef";
				await store.add(pool, [{ ...webs(1)[0]!, machineId, licenceId: "L-1" }]);
				const causes: Array<[NewIdentity, RegExp]> = [
					[
						{ name: "b", mac: "52:54:00:00:00:01" },
						/MAC address 52:54:00:00:00:01 belongs to p0-web-1 of pool pool-\d+ already/,
					],
					[{ name: "b", ips: ["10.0.0.99", "fd00::0:1"] }, /IP address fd00::0:1 belongs to p0-web-1/],
					[{ name: "b", machineId }, /machine-id 0123\w+ belongs to p0-web-1/],
					[{ name: "b", licenceId: "L-1" }, /licence id L-1 belongs to p0-web-1/],
					[{ name: "A", ips: [] }, /the name a belongs to a of pool/],
					[{ name: "b", ips: ["10.0.0.98"] }, /IP address 10.0.0.98 belongs to a of pool/],
				];
				for (const [identity, message] of causes) {
					const others = [{ name: "a", ips: ["10.0.0.98"] }];
					await rejects(store.add(pool, [...others, identity]), "TakenError", message);
				}
				assert.equal((await store.list(pool)).length, 1);
			});

			it("are not in the way of those in another realm", async () => {
				await filled(1);
				await store.ensurePool(`${pool}-b`, { realm: pool });
				await rejects(store.add(`${pool}-b`, webs(1)), "TakenError", /the name p0-web-1 belongs to/);
				await store.ensurePool(`${pool}-c`, { realm: `${pool}-c` });
				await store.add(`${pool}-c`, webs(1));
			});

			it("are removed while nobody holds them, and their addresses can be given again", async () => {
				await filled(3);
				await store.allocate(pool, owner(1), { prefer: [`${prefix}2`] });
				await rejects(
					store.retire(pool, [`${prefix}2`, `${prefix}3`]),
					"LeasedError",
					/cannot be removed from pool pool-\d+ while machines hold them: p0-web-2 \(organization\/project\/stack\/web-1\)/,
				);
				assert.equal((await store.count(pool)).removing, 0);
				await store.retire(pool, [`${prefix}3`, "no such"]);
				await store.retire(pool, [`${prefix}3`]);
				const [retired] = await store.claim(pool, { worker: "w", seconds: 60, limit: 9 });
				assert.deepEqual([retired?.name, retired?.state], [`${prefix}3`, "removing"]);
				await rejects(store.add(pool, webs(3)), "StoreError", /p0-web-3 of pool pool-\d+ is being removed: run again/);
				await rejects(store.forget(pool, retired!.name, retired!.epoch - 1), "StaleEpochError", /is outdated/);
				await store.forget(pool, retired!.name, retired!.epoch);
				await store.forget(pool, retired!.name, retired!.epoch);
				await store.add(pool, [{ name: "new", ips: ["10.0.0.3"] }]);
				assert.equal((await store.list(pool)).at(-1)?.name, "new");
			});
		});

		describe("leases", () => {
			it("take the lowest free one, or a preferred one", async () => {
				await filled(4);
				const names = [];
				for (const prefer of [[], [`${prefix}3`], [`${prefix}3`, `${prefix}4`.toUpperCase()], ["no such"]]) {
					names.push((await store.allocate(pool, owner(names.length), { prefer })).name);
				}
				assert.deepEqual(
					names,
					[1, 3, 4, 2].map((each) => `${prefix}${each}`),
				);
			});

			it("give an owner what it holds already, whatever it asks for", async () => {
				await filled(2);
				const first = await store.allocate(pool, owner(1));
				assert.equal(first.secrets?.toString(), "secret of p0-web-1");
				assert.deepEqual(await store.allocate(pool, owner(1), { prefer: [`${prefix}2`] }), first);
			});

			it("give one owner one identity, however often it asks at the same moment", async () => {
				await filled(8);
				const others = await Promise.all([1, 2, 3].map(() => place.open()));
				const asked = [store, ...others].flatMap((each) => [1, 2, 3].map(() => each.allocate(pool, owner(1))));
				const names = new Set((await Promise.all(asked)).map(({ name }) => name));
				await Promise.all(others.map((each) => each.close()));
				assert.equal(names.size, 1);
				assert.equal((await store.count(pool)).leased, 1);
			});

			it("say what there is when none is free", async () => {
				await filled(3);
				const [lease] = [await store.allocate(pool, owner(1)), await store.allocate(pool, owner(2))];
				await store.release(pool, owner(1), lease!.epoch);
				await store.quarantine(pool, `${prefix}3`, "licence expired");
				await rejects(
					store.allocate(pool, owner(3)),
					"NoneFreeError",
					/^pool pool-\d+ has no free identity for \S+web-3: 1 leased, 1 returning, 1 quarantined\. Let the pool grow/,
				);
			});

			it("are given back once, by nobody whose time is over", async () => {
				await filled(1);
				const lease = await store.allocate(pool, owner(1));
				const released = await store.release(pool, owner(1), lease.epoch);
				assert.deepEqual([released?.name, released?.state], [lease.name, "returning"]);
				assert.deepEqual(await store.release(pool, owner(1), lease.epoch), released);
				const [claimed] = await store.claim(pool, { worker: "w", seconds: 60, limit: 1 });
				await store.settle(pool, lease.name, claimed!.epoch);
				assert.equal(await store.release(pool, owner(1), lease.epoch), undefined);

				const next = await store.allocate(pool, owner(1));
				assert.ok(next.epoch > lease.epoch);
				await rejects(
					store.release(pool, owner(1), lease.epoch),
					"StaleEpochError",
					/epoch \d+ of identity p0-web-1 is outdated: it is leased in epoch/,
				);
				assert.equal((await store.list(pool))[0]?.state, "leased");
			});

			it("end with draining for those that hold none", async () => {
				await filled(2);
				const lease = await store.allocate(pool, owner(1));
				await store.drain(pool, true);
				assert.equal((await store.allocate(pool, owner(1))).name, lease.name);
				await rejects(store.allocate(pool, owner(2)), "PoolDrainedError", /is drained and gives \S+web-2 no identity/);
				await store.drain(pool, false);
				await store.allocate(pool, owner(2));
			});
		});

		describe("half-done ones", () => {
			it("are one worker's at a time, until its claim runs out or it is known to have ended", async () => {
				await store.add(pool, webs(3));
				const claim = (worker: string, more = {}) => store.claim(pool, { worker, seconds: 60, limit: 2, ...more });
				const names = async (claimed: ReturnType<typeof claim>) => (await claimed).map(({ name }) => name);
				assert.deepEqual(await names(claim("a")), [`${prefix}1`, `${prefix}2`]);
				assert.deepEqual(await names(claim("a")), [`${prefix}1`, `${prefix}2`]);
				assert.deepEqual(await names(claim("b")), [`${prefix}3`]);
				assert.deepEqual(await names(claim("c")), []);
				assert.deepEqual(await names(claim("c", { gone: ["b"] })), [`${prefix}3`]);
				await store.renew(pool, "a", -1);
				assert.deepEqual(await names(claim("d")), [`${prefix}1`, `${prefix}2`]);
			});

			it("are settled by the one that has the claim", async () => {
				await store.add(pool, webs(1));
				const [first] = await store.claim(pool, { worker: "a", seconds: 60, limit: 1 });
				const [second] = await store.claim(pool, { worker: "b", seconds: 60, limit: 1, gone: ["a"] });
				await rejects(store.settle(pool, first!.name, first!.epoch), "StaleEpochError", /it is creating in epoch/);
				await rejects(store.quarantine(pool, first!.name, "?", first!.epoch), "StaleEpochError", /is outdated/);
				await rejects(store.quarantine(pool, first!.name, "?"), "StaleEpochError", /is outdated/);
				const settled = await store.settle(pool, second!.name, second!.epoch, Buffer.from("s"));
				assert.equal(settled.state, "free");
				assert.deepEqual(await store.settle(pool, second!.name, second!.epoch, Buffer.from("s")), settled);
				await rejects(store.settle(pool, "no such", 1), "NoSuchIdentityError", /has no identity no such/);
			});

			it("can be left to the next", async () => {
				await store.add(pool, webs(1));
				const [first] = await store.claim(pool, { worker: "a", seconds: 60, limit: 1 });
				await store.unclaim(pool, first!.name, first!.epoch);
				assert.equal((await store.claim(pool, { worker: "b", seconds: 60, limit: 1 })).length, 1);
				await store.unclaim(pool, first!.name, first!.epoch);
				assert.equal((await store.claim(pool, { worker: "c", seconds: 60, limit: 1 })).length, 0);
			});
		});

		describe("quarantine", () => {
			it("keeps one from being used until it is released, and then it is reset first", async () => {
				await filled(1);
				const kept = await store.quarantine(pool, `${prefix}1`, "reset failed");
				assert.deepEqual([kept.state, kept.reason], ["quarantined", "reset failed"]);
				await rejects(store.allocate(pool, owner(1)), "NoneFreeError", /1 quarantined/);
				assert.equal((await store.unquarantine(pool, `${prefix}1`)).state, "returning");
				assert.equal((await store.unquarantine(pool, `${prefix}1`)).reason, undefined);
				await store.allocate(pool, owner(1)).catch(() => {});
				assert.equal((await store.count(pool)).returning, 1);
			});

			it("is refused for one that a machine holds", async () => {
				await filled(1);
				await store.allocate(pool, owner(1));
				await rejects(
					store.quarantine(pool, `${prefix}1`, "?"),
					"LeasedError",
					/put into quarantine while machines hold them: p0-web-1/,
				);
			});

			it("takes one from the machine that holds it, when its very lease is named", async () => {
				await filled(2);
				const { name, epoch } = await store.allocate(pool, owner(1));
				await rejects(store.quarantine(pool, name, "?", epoch - 1), "StaleEpochError", /is leased in epoch/);
				for (const _twice of [1, 2]) await store.quarantine(pool, name, "not who it was to be", epoch);
				const [kept] = await store.list(pool, { states: ["quarantined"], owner: owner(1) });
				assert.deepEqual([kept!.name, kept!.reason], [name, "not who it was to be"]);
				assert.equal(await store.release(pool, owner(1), epoch), undefined);
				assert.equal((await store.allocate(pool, owner(1))).name, `${prefix}2`);
				assert.equal((await store.count(pool)).quarantined, 1);
			});
		});

		it("lists by state and owner", async () => {
			await filled(3);
			await store.allocate(pool, owner(1));
			const names = async (filter: Parameters<IdentityStore["list"]>[1]) =>
				(await store.list(pool, filter)).map(({ name }) => name);
			assert.deepEqual(await names({ owner: owner(1) }), [`${prefix}1`]);
			assert.deepEqual(await names({ states: ["free", "creating"] }), [`${prefix}2`, `${prefix}3`]);
			assert.deepEqual(await names({ states: ["free"], owner: owner(1) }), []);
		});

		it("finds itself intact, and is made by many at once", async () => {
			await store.checkIntegrity();
			const others = await Promise.all([1, 2, 3, 4].map(() => place.open()));
			await Promise.all(others.map((each) => each.close()));
		});
	});
}
