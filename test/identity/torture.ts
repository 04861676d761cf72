/** Many processes at one pool, killed all the way; and what they recorded, held against what the store says. */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Allocator } from "../../provider/identity/allocator";
import { noDirectory } from "../../provider/identity/directory/none";
import { identitiesFromRanges } from "../../provider/identity/identities";
import type { IdentityStore } from "../../provider/identity/store/store";
import type { Random } from "../faults/random";
import { PLACES, type StorePlace } from "./stores";
import type { ClientTask } from "./torture-client";

const PROCESSES = 8;
const OWNERS_OF_EACH = 4;
/** Fewer than owners, so that they are in each other's way. */
const IDENTITIES = 28;
const POOL = "torture";

interface Event {
	what: "T" | "R";
	/** Nanoseconds by the machine's clock, which all processes share. */
	at: bigint;
	owner: string;
	name: string;
	epoch: number;
}

export interface Torture {
	/** So many leases have to be taken, and as many given back. */
	leases: number;
	/** How many leases are given back between two kills of a client; of the server. */
	clientAfter: [least: number, most: number];
	serverAfter: [least: number, most: number];
}

/** Defines a test for each store. */
export function describeTorture(torture: Torture, random: Random): void {
	for (const [kind, start] of Object.entries(PLACES)) {
		it(`${kind}: ${torture.leases} leases by ${PROCESSES} processes`, async function () {
			this.timeout(900_000);
			const place = await start();
			const folder = await mkdtemp(join(tmpdir(), "clones-torture-"));
			const stand = { place, folder, key: randomBytes(32).toString("base64"), random };
			try {
				await fill(stand);
				const kills = await rage(stand, torture);
				const events = await readEvents(folder);
				assertNeverDoubled(events);
				await assertNothingLost(stand, events);
				assert.ok(
					kills.clients >= torture.leases / (2 * torture.clientAfter[1]),
					`${kills.clients} clients were killed`,
				);
				if (place.server) assert.ok(kills.servers >= 1, "the server was not killed");
			} finally {
				await place.remove();
				await rm(folder, { recursive: true, force: true });
			}
		});
	}
}

interface Stand {
	place: StorePlace;
	folder: string;
	key: string;
	random: Random;
}

async function withAllocator(
	{ place, key }: Stand,
	work: (allocator: Allocator, store: IdentityStore) => Promise<void>,
) {
	const store = await place.open();
	try {
		await work(
			await Allocator.open({ store, directory: noDirectory, pool: POOL, owner: "torture", key: { key } }),
			store,
		);
	} finally {
		await store.close();
	}
}

async function fill(stand: Stand): Promise<void> {
	const identities = identitiesFromRanges({ count: IDENTITIES, names: "t-{01}", ipv4: ["10.0.0.1/24"] });
	await withAllocator(stand, (allocator) => allocator.ensure(identities));
}

/** Starts the processes, and kills them and the server, until enough leases were given back. */
async function rage(stand: Stand, { leases, clientAfter, serverAfter }: Torture) {
	const { place, random } = stand;
	const kills = { clients: 0, servers: 0 };
	const clients = Array.from({ length: PROCESSES }, (_, slot) => startClient(stand, slot));
	let [nextClient, nextServer] = [random.between(...clientAfter), random.between(...serverAfter)];
	try {
		for (let given = 0; given < leases; given = await givenBack(stand, clients)) {
			for (; given >= nextClient; nextClient += random.between(...clientAfter)) {
				const slot = random.between(0, PROCESSES - 1);
				await kill(clients[slot]!);
				clients[slot] = startClient(stand, slot);
				kills.clients++;
			}
			if (place.server && given >= nextServer) {
				place.server.kill();
				await place.server.restart();
				nextServer = given + random.between(...serverAfter);
				kills.servers++;
			}
		}
	} finally {
		// What they hold stays held: the last ones are killed as well.
		await Promise.all(clients.map(kill));
	}
	return kills;
}

async function givenBack({ folder }: Stand, clients: ReadonlyArray<ChildProcess>): Promise<number> {
	await sleep(20);
	const failed = clients.some(({ exitCode }) => exitCode !== null);
	assert.ok(!failed, "a client has ended by itself: see what it said");
	return (await readEvents(folder)).filter(({ what }) => what === "R").length;
}

function startClient({ place, folder, key, random }: Stand, slot: number): ChildProcess {
	const task: ClientTask = {
		address: place.address,
		pool: POOL,
		key,
		owners: ownersOf(slot),
		record: join(folder, String(slot)),
		seed: random.between(0, 1_000_000),
	};
	return fork(join(__dirname, "torture-client.js"), [JSON.stringify(task)], { stdio: "inherit" });
}

async function kill(client: ChildProcess): Promise<void> {
	if (client.exitCode !== null || client.signalCode !== null) return;
	const ended = once(client, "exit");
	client.kill("SIGKILL");
	await ended;
}

function ownersOf(slot: number): string[] {
	return Array.from({ length: OWNERS_OF_EACH }, (_, index) => `owner-${slot}-${index}`);
}

/** In the order of time. A line that was cut off says nothing. */
async function readEvents(folder: string): Promise<Event[]> {
	const slots = Array.from({ length: PROCESSES }, (_, slot) =>
		readFile(join(folder, String(slot)), "utf8").catch(() => ""),
	);
	const events = (await Promise.all(slots)).flatMap((text) =>
		[...text.matchAll(/^([TR]) (\d+) (\S+) (\S+) (\d+)\n/gm)].map(
			([, what, at, owner, name, epoch]): Event => ({
				what: what as Event["what"],
				at: BigInt(at!),
				owner: owner!,
				name: name!,
				epoch: Number(epoch),
			}),
		),
	);
	return events.sort((a, b) => (a.at < b.at ? -1 : 1));
}

/** Between a `T` and the owner's next `R` of the same identity, nobody else has it; an epoch is one owner's for ever. */
function assertNeverDoubled(events: ReadonlyArray<Event>): void {
	const holders = new Map<string, Event>();
	const owners = new Map<string, string>();
	for (const event of events) {
		const { what, owner, name, epoch } = event;
		const lease = `${name} in epoch ${epoch}`;
		assert.equal(owners.get(lease) ?? owner, owner, `${lease} was given to two owners`);
		owners.set(lease, owner);
		const holder = holders.get(name);
		if (what === "R") holders.delete(name);
		else if (holder) {
			const same = holder.owner === owner && holder.epoch === epoch;
			assert.ok(same, `${name} was given to ${owner} (${epoch}) while ${holder.owner} held it (${holder.epoch})`);
		}
		if (what === "T") holders.set(name, event);
	}
}

/** Leases that were acknowledged are there; when all are given back, every identity is free, once. */
async function assertNothingLost(stand: Stand, events: ReadonlyArray<Event>): Promise<void> {
	await withAllocator(stand, async (allocator, store) => {
		await store.checkIntegrity();
		const before = await store.list(POOL);
		const last = new Map(events.map((event) => [event.owner, event]));
		for (const { what, owner, name, epoch } of last.values()) {
			if (what !== "T") continue;
			const lease = before.find((identity) => identity.state === "leased" && identity.owner === owner);
			assert.deepEqual([lease?.name, lease?.epoch], [name, epoch], `the lease of ${owner} was lost`);
		}
		for (let slot = 0; slot < PROCESSES; slot++) {
			for (const owner of ownersOf(slot)) await allocator.releaseHeld(owner);
		}
		await allocator.resume();
		const { free, ...others } = await store.count(POOL);
		assert.equal(free, IDENTITIES, JSON.stringify(others));
		const names = new Set<string>();
		for (let number = 0; number < IDENTITIES; number++) {
			names.add((await allocator.allocate(`after-${number}`)).identity.name);
		}
		assert.equal(names.size, IDENTITIES);
		await store.checkIntegrity();
	});
}
