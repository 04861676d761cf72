/** Making a pool, or taking over one that is there. */
import type { Host, PoolInfo } from "../libvirt/api";
import type { Context } from "../lifecycle";
import { isNameTaken } from "../owner";
import { wayOut } from "../taken";
import { Undo } from "../undo";
import { definitionOf, freeUuid, isOurs, recordOwner } from "./own";
import type { PoolInputs } from "./schema";
import { type describePool, poolXml } from "./xml";

/** Somebody else's run may be making one of that name at the same time. */
export async function makeFirst(context: Context, inputs: PoolInputs): Promise<string> {
	return make(context.host, inputs).catch(async (error: unknown) => {
		const taken = isNameTaken(error) ? await context.host.pools.find(inputs.name) : undefined;
		if (!taken) throw error;
		return takeOver(context, inputs, taken);
	});
}

export async function make(host: Host, inputs: PoolInputs, former?: string): Promise<string> {
	return Undo.around(async (undo) => {
		const uuid = former ?? (await freeUuid(host, inputs.ownerId));
		const defined = await host.pools.define(poolXml({ ...inputs, uuid })).catch((error: Error) => {
			throw /conflict/i.test(error.message)
				? new Error(
						`the storage pool "${inputs.name}" cannot be made: another pool has the directory ${inputs.path} already ` +
							`(${error.message}). Use that pool by its name, set name to its name and adopt: true, or choose another path.`,
						{ cause: error },
					)
				: error;
		});
		undo.add(`undefine the pool ${inputs.name}`, () => host.pools.undefine(uuid));
		await activate(host, defined, inputs);
		return uuid;
	});
}

/** Makes the directory, starts the pool and sets its autostart, as far as that is not done. */
export async function activate(host: Host, { uuid, active }: PoolInfo, inputs: PoolInputs): Promise<void> {
	if (!active) {
		// An existing directory is left as it is.
		await host.pools.build(uuid);
		await host.pools.start(uuid);
	}
	await host.pools.setAutostart(uuid, inputs.autostart);
}

export function existsAlready(
	context: Context,
	{ name }: PoolInputs,
	{ type, path, owner }: ReturnType<typeof describePool>,
): string {
	return (
		`the storage pool "${name}" exists already on ${context.host.uri} (type ${type}, ${path ?? "no directory"}) and ` +
		`${owner === undefined ? "was not made by this resource" : `belongs to "${owner}"`}. ${wayOut(context, "pool")}`
	);
}

export async function takeOver(context: Context, inputs: PoolInputs, existing: PoolInfo): Promise<string> {
	const { host, log } = context;
	const described = await definitionOf(host, existing);
	const { type, path } = described;
	const ours = isOurs(inputs, existing, described);
	if (!ours && !inputs.adopt) throw new Error(existsAlready(context, inputs, described));
	if (ours && (existing.name !== inputs.name || path !== inputs.path)) return redefine(host, inputs, existing);
	if (type !== "dir" || path !== inputs.path) {
		throw new Error(
			`the storage pool "${inputs.name}" cannot be taken over: it is of type ${type} for ${path ?? "no directory"}, ` +
				`asked for is type dir for ${inputs.path}. Set path to its directory, or name the pool where a pool is asked for.`,
		);
	}
	await recordOwner(host, existing, inputs);
	await activate(host, existing, inputs);
	if (!ours) log(`took over the storage pool "${inputs.name}"`);
	return existing.uuid;
}

/** Ours, of an earlier generation: its files stay where they are. */
async function redefine(host: Host, inputs: PoolInputs, existing: PoolInfo): Promise<string> {
	if (existing.active) await host.pools.destroy(existing.uuid);
	if (existing.persistent) await host.pools.undefine(existing.uuid);
	return make(host, inputs, existing.uuid);
}
