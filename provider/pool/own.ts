/** Whose a pool is. */
import type { Host, PoolInfo } from "../libvirt/api";
import { isOwnedBy, ownerUuid } from "../owner";
import type { PoolInputs } from "./schema";
import { changedPoolXml, describePool } from "./xml";

/** The persistent definition, in which the owner is recorded. */
export async function definitionOf(host: Host, { uuid }: PoolInfo): Promise<ReturnType<typeof describePool>> {
	return describePool(await host.pools.xml(uuid, { inactive: true }));
}

/** Whether an earlier create of ours made it. One that nobody is recorded in, of an earlier version, goes by its UUID. */
export function isOurs(inputs: PoolInputs, { uuid }: PoolInfo, { owner }: ReturnType<typeof describePool>): boolean {
	if (owner !== undefined) return isOwnedBy(owner, inputs);
	return madeBy(inputs).includes(uuid);
}

/** UUIDs of pools that the resource may have made. */
export function madeBy({ ownerId, previousOwnerIds = [] }: PoolInputs): string[] {
	return [ownerId, ...previousOwnerIds].map((id) => ownerUuid(id));
}

/** @throws Error when what is recorded is somebody else */
export function refuseForeign(
	{ name }: PoolInfo,
	{ owner }: ReturnType<typeof describePool>,
	owners: [PoolInputs, ...PoolInputs[]],
	what: string,
): void {
	if (owner === undefined || owners.some((inputs) => isOwnedBy(owner, inputs) || inputs.adopt)) return;
	throw new Error(
		`the storage pool "${name}" ${what}: it belongs to "${owner}" by now, not to "${owners[0].ownerId}". Remove the ` +
			"resource from this program's state (pulumi state delete), or list that owner in previousOwnerIds.",
	);
}

/** Takes effect in the persistent definition alone; the pool goes on as it is. */
export async function recordOwner(host: Host, { uuid, name }: PoolInfo, { ownerId }: PoolInputs): Promise<void> {
	const xml = await host.pools.xml(uuid, { inactive: true });
	if (describePool(xml).owner !== ownerId) await host.pools.define(changedPoolXml(xml, { name, ownerId }));
}

/** Our pool under another name: what a replacement that was interrupted left. */
export async function findOurs(host: Host, inputs: PoolInputs): Promise<PoolInfo | undefined> {
	for (const existing of await host.pools.list()) {
		if (isOurs(inputs, existing, await definitionOf(host, existing))) return existing;
	}
	return undefined;
}

/** The UUID of the owner, or another one of the same stack where a pool has it that was handed on. */
export async function freeUuid(host: Host, ownerId: string): Promise<string> {
	for (let generation = 0; ; generation++) {
		const uuid = ownerUuid(ownerId, generation);
		if (!(await host.pools.find(uuid))) return uuid;
	}
}
