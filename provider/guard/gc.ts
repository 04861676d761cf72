/**
 * Finds the gold images of a stack that its state does not know any more and nobody needs: what a change of the image
 * under `onBaseChange: keep` leaves behind. Only uploads are taken, and only those that hold exactly what was uploaded:
 * their content is the program's, and nobody's data is in them.
 */
import { basename, join } from "node:path";
import type { Host } from "../libvirt";
import { guardTag, stackOf, stackTag } from "../owner";
import { withTemporaryFolder } from "../temporary";
import { fileSha256 } from "../volume/file-hash";
import { isLocal } from "../volume/local";
import { contentIn, tagIn } from "../volume/name";
import { findPool } from "../volume/pools";
import { remove } from "../volume/remove";
import { usesOf } from "../volume/uses";
import { describeVolume } from "../volume/xml";
import type { Swept } from "./sweep";
import { unlessStopped } from "./unless-stopped";

/** What of a stack's state matters here. */
export interface KnownState {
	/** Owner ids and hosts of its guards. */
	guards: Array<{ ownerId: string; uri: string }>;
	/** Ids and paths of all resources, also of those that are still to be deleted. */
	ids: ReadonlySet<string>;
	/** Whether it has resources of this package. */
	isEmpty: boolean;
	/** Operations of a run that was cut off. */
	pending: number;
	/** When it was written; undefined where it does not tell. */
	writtenAt: Date | undefined;
}

/** @throws Error for a text that is no export of a stack */
export function readState(text: string): KnownState {
	interface Resource {
		type?: string;
		id?: string;
		inputs?: { ownerId?: unknown; uri?: unknown };
		outputs?: { path?: unknown; key?: unknown };
	}
	let deployment: { manifest?: { time?: string }; resources?: Resource[]; pending_operations?: unknown[] } | undefined;
	try {
		deployment = (JSON.parse(text) as { deployment?: typeof deployment }).deployment;
	} catch {
		deployment = undefined;
	}
	if (deployment === undefined || deployment === null || typeof deployment !== "object") {
		throw new Error("the state is not what `pulumi stack export` writes: there is no deployment in it");
	}
	const resources = deployment.resources ?? [];
	const ours = resources.filter(({ type }) => type?.startsWith("pulumi-nodejs:dynamic/clones:"));
	const texts = (values: unknown[]) => values.filter((value) => typeof value === "string");
	return {
		guards: ours.flatMap(({ type, inputs }) => {
			const { ownerId, uri } = inputs ?? {};
			const isGuard = type?.endsWith(":Guard") && typeof ownerId === "string" && typeof uri === "string";
			return isGuard ? [{ ownerId, uri }] : [];
		}),
		ids: new Set(resources.flatMap(({ id, outputs }) => texts([id, outputs?.path, outputs?.key]))),
		isEmpty: ours.length === 0,
		pending: deployment.pending_operations?.length ?? 0,
		writtenAt: deployment.manifest?.time === undefined ? undefined : new Date(deployment.manifest.time),
	};
}

/**
 * @param identified whether it is certain that the state is the stack's, so that an empty one says something
 * @throws Error when the state says nothing about this stack on this host
 */
export function refuseState(state: KnownState, stack: string, uri: string, identified: boolean): void {
	if (state.pending > 0) {
		throw new Error(
			`the state has ${state.pending} pending operation(s) of a run that was cut off: what that run made is not in it. ` +
				"Run pulumi up, then pulumi refresh --clear-pending-creates, and try again.",
		);
	}
	if (state.isEmpty && identified) return;
	const other = state.guards.find(({ ownerId }) => stackOf(ownerId) !== stack);
	if (other) throw new Error(`the state is of the stack ${stackOf(other.ownerId)}, not of ${stack}`);
	if (state.guards.some((guard) => guardTag(guard.uri) === guardTag(uri))) return;
	const hosts = state.guards.map((guard) => guard.uri).join(", ");
	throw new Error(
		`the state of ${stack} has no guard for ${uri}, so it says nothing about what is there; ` +
			(hosts === "" ? "it has none at all" : `it has guards for: ${hosts}. Give one of these as --uri`),
	);
}

/** @throws LibvirtError when the host refuses a step; what was removed before stays removed */
export async function collect(
	host: Host,
	{ stack, state, dryRun }: { stack: string; state: KnownState; dryRun: boolean },
): Promise<Swept> {
	const found: Swept = { removed: [], kept: [] };
	const tag = stackTag(`${stack}/`);
	const known = new Set([...state.ids].map((id) => basename(id)));
	const pools = await host.pools.list();
	const unseen = pools.filter(({ active }) => !active).map(({ name }) => name);
	for (const info of pools.filter(({ active }) => active)) {
		const volumes = await unlessStopped(host, info.uuid, async () => {
			await host.pools.refresh(info.uuid);
			return host.pools.listVolumes(info.uuid);
		});
		if (volumes === undefined) unseen.push(info.name);
		for (const { name, path, xml } of volumes ?? []) {
			const content = contentIn(name);
			if (tagIn(name) !== tag || content === undefined || state.ids.has(path)) continue;
			const why = known.has(name) ? SAME_NAME : await reasonToKeep(host, { path, content, xml }, unseen, state);
			if (why !== undefined) {
				found.kept.push(`volume ${path}: ${why}`);
				continue;
			}
			const pool = await findPool(host, info.uuid);
			if (!dryRun && pool) await remove(host, pool, path);
			found.removed.push(`volume ${path}`);
		}
	}
	return found;
}

/** Its overlays may name it by that path, which this host does not know. */
const SAME_NAME = "the state has one of that name at another path: storage that hosts share may be seen at both";

async function reasonToKeep(
	host: Host,
	{ path, content, xml }: { path: string; content: string; xml: string },
	unseen: ReadonlyArray<string>,
	{ writtenAt }: KnownState,
): Promise<string | undefined> {
	const volume = describeVolume(xml);
	if (volume.backing) return `it is itself an overlay on ${volume.backing.path}`;
	const { overlays, domains } = await usesOf(host, path);
	const users = [...overlays.map((own) => `volume ${own}`), ...domains.map(({ name }) => `domain ${name}`)];
	if (users.length > 0) return `used by ${users.slice(0, 5).join(", ")}${users.length > 5 ? ", ..." : ""}`;
	// What lies in a pool that nobody can look into may be an overlay on it.
	if (unseen.length > 0) return `the pool ${unseen.join(", ")} is not active, and what is in it may need the image`;
	const changedMs = volume.stamp === undefined ? undefined : Number(volume.stamp.modifiedNs / 1_000_000n);
	if (writtenAt && changedMs !== undefined && changedMs > writtenAt.getTime()) {
		return `it is newer than the state (${writtenAt.toISOString()}); export the state again`;
	}
	const sha256 = await hashOf(host, path);
	return sha256.startsWith(content)
		? undefined
		: `it does not hold what was uploaded (${content}...): grown, written to, or data; remove it by hand if nobody needs it`;
}

async function hashOf(host: Host, path: string): Promise<string> {
	const pool = await host.pools.findByVolume(path);
	const place = pool && (await findPool(host, pool.uuid));
	if (place && (await isLocal(host, place, path))) return fileSha256(path);
	return withTemporaryFolder("image", async (folder) => {
		return (await host.volumes.download(path, join(folder, "volume"))).sha256;
	});
}
