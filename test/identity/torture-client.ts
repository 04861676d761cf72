/**
 * One of the processes that are killed: takes identities for its owners and gives them back, until it is told to stop.
 * Each line that it appends to its record says what it knows: `T` after it has got a lease, `R` before it gives one back.
 */
import { openSync, writeSync } from "node:fs";
import { Allocator } from "../../provider/identity/allocator";
import { noDirectory } from "../../provider/identity/directory/none";
import { NoneFreeError } from "../../provider/identity/store/errors";
import { Random } from "../faults/random";
import { openAt, type StoreAddress } from "./stores";

export interface ClientTask {
	address: StoreAddress;
	pool: string;
	key: string;
	owners: string[];
	record: string;
	seed: number;
}

let stopped = false;
process.on("SIGTERM", () => {
	stopped = true;
});

async function work({ address, pool, key, owners, record, seed }: ClientTask): Promise<void> {
	const random = new Random(seed);
	const file = openSync(record, "a");
	const say = (what: "T" | "R", owner: string, name: string, epoch: number) =>
		writeSync(file, `${what} ${process.hrtime.bigint()} ${owner} ${name} ${epoch}\n`);
	const store = await openAt(address);
	const allocator = await Allocator.open({
		store,
		directory: noDirectory,
		pool,
		owner: "torture",
		key: { key },
		patienceSeconds: 1,
	});
	const held = new Map<string, { name: string; epoch: number }>();
	while (!stopped) {
		const owner = random.pick(owners);
		const lease = held.get(owner);
		if (lease) {
			say("R", owner, lease.name, lease.epoch);
			held.delete(owner);
			await allocator.release(owner, lease.epoch);
			continue;
		}
		try {
			const { identity, secrets } = await allocator.allocate(owner);
			if (secrets.hostKeys.length === 0) throw new Error(`${identity.name} has no keys`);
			say("T", owner, identity.name, identity.epoch);
			held.set(owner, identity);
		} catch (error) {
			// There are more owners than identities.
			if (!(error instanceof NoneFreeError)) throw error;
		}
	}
	await store.close();
}

work(JSON.parse(process.argv[2]!)).catch((error) => {
	console.error(error);
	process.exit(1);
});
