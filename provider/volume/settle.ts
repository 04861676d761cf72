/** References of a volume that only say in another way what is recorded. */
import type { Host } from "../libvirt/api";
import type { Context } from "../lifecycle";
import { uuidOfRenamed } from "../pool/renamed";
import { isUnknown } from "../unknown";
import { refuseLostBase } from "./changes";
import { movesOf } from "./moved";
import { isSameContent } from "./name";
import { findPool, findVolume } from "./pools";
import type { VolumeInputs } from "./schema";

/**
 * Keeps the recorded name, pool and base where the new ones are the same thing. What the host does not tell differs.
 * @throws InputError where a clone that stays would lose its base
 */
export async function settle(olds: VolumeInputs, news: VolumeInputs, { host }: Context): Promise<VolumeInputs> {
	const kept = { ...news };
	if (isSameContent(olds.name, news.name, news.ownerId)) kept.name = olds.name;
	const same = async (property: "pool" | "base" | "baseDomain", idOf: (reference: string) => Promise<unknown>) => {
		const [before, now] = [olds[property], news[property]];
		if (before === undefined || now === undefined || before === now || isUnknown(now)) return;
		const [one, other] = await Promise.all([before, now].map((reference) => idOf(reference).catch(() => undefined)));
		if (one !== undefined && one === other) kept[property] = before;
	};
	const poolOf = async (reference: string) => uuidOfRenamed(host, reference) ?? (await findPool(host, reference))?.uuid;
	await same("pool", async (reference) =>
		// A former name of a pool that has the volume means that pool.
		reference === olds.pool
			? ((await poolOf(reference)) ?? (await holderOf(host, news.pool, olds.name)))
			: poolOf(reference),
	);
	await same("base", (reference) => pathOf(host, kept.pool, reference));
	await same("baseDomain", async (reference) => (await host.domains.find(reference))?.uuid);
	const moves = await movesOf(olds, news);
	if (moves) return { ...kept, moves };
	// A base that is still to be made is seen by no later step of a preview.
	if (kept.onBaseChange === "keep") refuseLostBase(olds, kept);
	return kept;
}

/** UUID of the pool of that name, when it has a volume of the other name. */
async function holderOf(host: Host, pool: string, volume: string): Promise<string | undefined> {
	const found = await findPool(host, pool);
	return found?.active && (await host.volumes.findInPool(found.uuid, volume)) ? found.uuid : undefined;
}

async function pathOf(host: Host, pool: string, reference: string): Promise<string | undefined> {
	if (reference.includes("/")) return (await findVolume(host, reference))?.path;
	const found = isUnknown(pool) ? undefined : await findPool(host, pool);
	const inPool = found?.active ? await host.volumes.findInPool(found.uuid, reference) : undefined;
	return (inPool ?? (await host.volumes.find(reference)))?.path;
}
