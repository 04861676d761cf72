/** Which identities the machines of their owners have lost to quarantine. */
import { existsSync } from "node:fs";
import { type Access, withStore } from "../access";

/** Of each owner that holds none any more. */
type Lost = ReadonlyMap<string, string>;

/** One look for all leases of a pool that are looked at together, whether it succeeds or not. */
const LOOK_MS = 5_000;
const looks = new Map<string, { at: number; lost: Promise<Lost> }>();

/** @returns name of the identity; undefined where there is none, or nobody can tell now */
export async function lostBy(owner: string, { pool, store }: Access): Promise<string | undefined> {
	const key = JSON.stringify([pool, store]);
	let look = looks.get(key);
	if (!look || performance.now() - look.at > LOOK_MS) {
		look = { at: performance.now(), lost: lostIn(pool, store).catch(() => new Map()) };
		looks.set(key, look);
	}
	return (await look.lost).get(owner);
}

async function lostIn(pool: string, settings: Access["store"]): Promise<Lost> {
	if (isNotThere(settings)) return new Map();
	return withStore(settings, async (store) => {
		const quarantined = await store.list(pool, { states: ["quarantined"] });
		if (quarantined.length === 0) return new Map();
		const held = new Set((await store.list(pool, { states: ["leased"] })).map(({ owner }) => owner));
		return new Map(
			quarantined
				.toSorted((a, b) => a.epoch - b.epoch)
				.flatMap(({ name, owner }) => (owner === undefined || held.has(owner) ? [] : [[owner, name] as const])),
		);
	});
}

/** Opening it would make it: a look changes nothing. */
export function isNotThere({ sqlite }: Access["store"]): boolean {
	return sqlite !== undefined && !existsSync(sqlite.path);
}
