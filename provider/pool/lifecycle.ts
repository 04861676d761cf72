/**
 * Storage pools of type `dir`. The owner is recorded as the product of the pool's source in the persistent definition;
 * the UUID, which is the id, is a function of the owner id that made it.
 */
import type { Host, PoolInfo } from "../libvirt/api";
import { type Change, type Context, InUseError, type Lifecycle } from "../lifecycle";
import { foundOwnLine, isNameTaken, stackTag } from "../owner";
import { wayOut } from "../taken";
import { Undo } from "../undo";
import { isUnknown } from "../unknown";
import { tagIn } from "../volume/name";
import { forgetPools } from "../volume/pools";
import { refuseSharedDirectory } from "./others";
import { definitionOf, findOurs, freeUuid, isOurs, recordOwner, refuseForeign } from "./own";
import { noteRename } from "./renamed";
import { type PoolFacts, type PoolInputs, poolSchema } from "./schema";
import { domainsOnPool } from "./users";
import { changedPoolXml, describePool, poolXml } from "./xml";

export const pool: Lifecycle<PoolInputs, PoolFacts> = {
	name: "StoragePool",
	schema: poolSchema,
	outputs: ["name", "path"],

	/** Pure. */
	changes(olds, news) {
		const changed = (property: keyof PoolInputs & string, effect: Change["effect"], note: string): Change[] =>
			olds[property] === news[property] ? [] : [{ property, effect, note }];
		return [
			...changed("name", "live", "the pool is stopped for a moment and defined under the new name; its volumes stay"),
			...changed(
				"path",
				"replace",
				"the pool is made anew in another directory, and with it this program's volumes in it: what was written to them is lost",
			),
			...changed("autostart", "live", news.autostart ? "it starts with the host" : "it starts no more with the host"),
			...changed("deleteDirectory", "live", "it counts when the pool is deleted; nothing is done now"),
		];
	},

	async plan(inputs, context) {
		const { host, makes = "new" } = context;
		if (makes !== false) await refuseSharedDirectory(host, inputs);
		const existing = makes === "new" ? await host.pools.find(inputs.name) : undefined;
		if (!existing) return [];
		const described = await definitionOf(host, existing);
		if (isOurs(inputs, existing, described)) return [foundOwnLine(`the storage pool "${inputs.name}"`)];
		if (inputs.adopt) return [`takes over the storage pool "${inputs.name}" with what is in it (adopt)`];
		return [`warning: ${existsAlready(context, inputs, described)}`];
	},

	async settle(olds, news, { host }) {
		if (olds.name === news.name || isUnknown(news.name)) return news;
		// A preview without a way to the host goes on.
		const find = (name: string) => host.pools.find(name).catch(() => undefined);
		const found = (await find(olds.name)) ?? (await find(news.name));
		if (found) noteRename(host, [olds.name, news.name], found.uuid);
		return news;
	},

	async create(inputs, context) {
		const { host } = context;
		const existing = (await host.pools.find(inputs.name)) ?? (await findOurs(host, inputs));
		const uuid = existing ? await takeOver(context, inputs, existing) : await makeFirst(context, inputs);
		forgetPools(host);
		return { id: uuid, state: { ...inputs, uuid } };
	},

	/**
	 * A pool that is not active is marked incomplete, so that the next update starts it; and one that is not even defined,
	 * so that it is defined again: what was in its directory is there, and its volumes stay what they are.
	 */
	async read(id, state, { host, log }) {
		const existing = await host.pools.find(id);
		if (!existing) {
			log(`the storage pool "${state.name}" is not defined any more: pulumi up defines it again, for ${state.path}`);
			return { ...state, incomplete: true };
		}
		const { path } = describePool(await host.pools.xml(id));
		const { incomplete: _before, ...rest } = state;
		return {
			...rest,
			name: existing.name,
			uuid: existing.uuid,
			path: path ?? state.path,
			autostart: await host.pools.getAutostart(id),
			...(existing.active ? {} : { incomplete: true }),
		};
	},

	async exists(id, { host }) {
		return (await host.pools.find(id)) !== undefined;
	},

	async update(id, olds, news, { host }) {
		const existing = await host.pools.find(id);
		if (!existing) await make(host, news, id);
		else {
			refuseForeign(existing, await definitionOf(host, existing), [olds, news], "was not changed");
			if (existing.name !== news.name) await rename(host, existing, news);
			else {
				await recordOwner(host, existing, news);
				await activate(host, existing, news);
			}
		}
		forgetPools(host);
		return { ...news, uuid: id };
	},

	/**
	 * Stops and undefines the pool. What is in its directory stays, whoever made it: volumes that are left are files
	 * again. Refused while a domain depends on the pool being active: any domain that names it in a disk, and running
	 * ones with a disk in its directory, as what was done to those disks would no longer be seen by libvirt. With
	 * `deleteDirectory` the directory is removed as well; refused, before anything is done, unless it is empty. While
	 * volumes of its own stack are left it waits for the guard, which finds them through the pool.
	 */
	async delete(id, state, { host, afterSweep }) {
		const existing = await host.pools.find(id);
		if (!existing) return;
		const { name } = existing;
		const described = await definitionOf(host, existing);
		refuseForeign(existing, described, [state], "was not deleted");
		const { path } = described;
		const users = await domainsOnPool(host, { name, path });
		if (users.length > 0) {
			const named = users.slice(0, 10).map((user) => `${user.name} (${user.running ? "running" : "shut off"})`);
			const shown = named.join(", ") + (users.length > 10 ? ` and ${users.length - 10} more` : "");
			throw new InUseError(
				`the storage pool "${name}" cannot be deleted: domains use it: ${shown}. Remove these first.`,
				{ domains: users.map((user) => user.name), volumes: [] },
			);
		}
		if (!afterSweep) await refuseBeforeSweep(host, existing, state.ownerId);
		if (state.deleteDirectory) await refuseUnlessEmpty(host, existing, path);
		if (existing.active) await host.pools.destroy(id);
		if (state.deleteDirectory) {
			await host.pools.delete(id).catch(async (error) => {
				if (existing.active) await host.pools.start(id);
				throw error;
			});
		}
		if (existing.persistent) await host.pools.undefine(id);
		forgetPools(host);
	},
};

/** Somebody else's run may be making one of that name at the same time. */
async function makeFirst(context: Context, inputs: PoolInputs): Promise<string> {
	return make(context.host, inputs).catch(async (error: unknown) => {
		const taken = isNameTaken(error) ? await context.host.pools.find(inputs.name) : undefined;
		if (!taken) throw error;
		return takeOver(context, inputs, taken);
	});
}

async function make(host: Host, inputs: PoolInputs, former?: string): Promise<string> {
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
async function activate(host: Host, { uuid, active }: PoolInfo, inputs: PoolInputs): Promise<void> {
	if (!active) {
		// An existing directory is left as it is.
		await host.pools.build(uuid);
		await host.pools.start(uuid);
	}
	await host.pools.setAutostart(uuid, inputs.autostart);
}

function existsAlready(
	context: Context,
	{ name }: PoolInputs,
	{ type, path, owner }: ReturnType<typeof describePool>,
): string {
	return (
		`the storage pool "${name}" exists already on ${context.host.uri} (type ${type}, ${path ?? "no directory"}) and ` +
		`${owner === undefined ? "was not made by this resource" : `belongs to "${owner}"`}. ${wayOut(context, "pool")}`
	);
}

async function takeOver(context: Context, inputs: PoolInputs, existing: PoolInfo): Promise<string> {
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

/** libvirt cannot rename a pool, but takes its UUID under another name once the former definition is gone. */
async function rename(host: Host, existing: PoolInfo, inputs: PoolInputs): Promise<void> {
	const { name, uuid } = existing;
	if (await host.pools.find(inputs.name)) {
		throw new Error(
			`the storage pool "${name}" cannot be renamed to "${inputs.name}": there is another pool of that name on ` +
				`${host.uri}. Choose another name, or remove that one.`,
		);
	}
	const users = (await domainsOnPool(host, { name, path: undefined })).map((user) => user.name);
	if (users.length > 0) {
		throw new Error(
			`the storage pool "${name}" cannot be renamed to "${inputs.name}": domains name it in their disks: ` +
				`${users.slice(0, 10).join(", ")}. Keep the name, or let these domains name their volumes by path.`,
		);
	}
	const former = await host.pools.xml(uuid, { inactive: true });
	if (existing.active) await host.pools.destroy(uuid);
	await host.pools.undefine(uuid);
	try {
		const { active } = await host.pools.define(changedPoolXml(former, inputs));
		await activate(host, { ...existing, active }, inputs);
	} catch (error) {
		await host.pools.define(former);
		if (existing.active) await host.pools.start(uuid);
		throw error;
	}
}

async function refuseBeforeSweep(host: Host, { uuid, name, active }: PoolInfo, ownerId: string): Promise<void> {
	// A pool whose directory is gone (it was removed, or is not mounted) has nothing that could be swept.
	const refreshed = active && (await host.pools.refresh(uuid).then(() => true, isDirectoryGone));
	if (!refreshed) return;
	const ours = (await host.pools.listVolumes(uuid)).filter((volume) => tagIn(volume.name) === stackTag(ownerId));
	if (ours.length === 0) return;
	throw new InUseError(`the storage pool "${name}" holds ${ours.length} volume(s) of its stack.`, {
		domains: [],
		volumes: ours.map(({ path }) => path),
	});
}

/** For a refresh's `catch`: false when the pool's directory is gone; throws any other error. */
function isDirectoryGone(error: Error): false {
	if (/cannot open directory .*No such file or directory/.test(error.message)) return false;
	throw error;
}

async function refuseUnlessEmpty(
	host: Host,
	{ uuid, name, active }: PoolInfo,
	path: string | undefined,
): Promise<void> {
	if (!active) return;
	await host.pools.refresh(uuid);
	const volumes = await host.pools.listVolumes(uuid);
	if (volumes.length === 0) return;
	const names = volumes.slice(0, 5).map((volume) => volume.name);
	throw new Error(
		`the directory ${path} of the storage pool "${name}" cannot be removed: ${volumes.length} file(s) are in it: ` +
			`${names.join(", ")}${volumes.length > 5 ? ", ..." : ""}. Remove these first, or set deleteDirectory: false.`,
	);
}
