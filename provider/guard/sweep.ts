/**
 * Removes what carries a stack's mark on a host. Meant for what an interrupted run left; so it never takes what could
 * hold somebody's data unless that belongs to a machine that it removes.
 */
import { connect, type Host } from "../libvirt";
import { isAnotherHost } from "../move/moves";
import { stackOf, stackTag } from "../owner";
import { describePool } from "../pool/xml";
import { idOf, isHeldBy, type Mark, markIn } from "../volume/holders";
import { isLocal } from "../volume/local";
import { contentIn, isOfResource, isSeedName, tagIn } from "../volume/name";
import { sweepPartials } from "../volume/partials";
import { directoryOf, findPool, findVolume } from "../volume/pools";
import { isUntouched } from "../volume/qcow2";
import { describeVolume, type VolumeDescription } from "../volume/xml";
import { attribute, child, children, type Element, parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { isKnown, knownByName } from "./known";
import { unlessStopped } from "./unless-stopped";

export interface SweepScope {
	/** `organization/project/stack` */
	stack: string;
	/** Only domains and networks that this guard watched over; all of the stack's when absent. */
	guard?: string | undefined;
	/** Logical names of volumes that are to be retained, whatever is or is not in them. */
	retained?: ReadonlyArray<string> | undefined;
	/** Only tell what would be done. */
	dryRun?: boolean | undefined;
}

export interface Swept {
	/** What was removed, as in "domain web-0". */
	removed: string[];
	/** What carries the mark and was left, with the reason. */
	kept: string[];
}

/** @throws LibvirtError when the host refuses a step; what was removed before stays removed, and a second sweep goes on */
export async function sweep(host: Host, scope: SweepScope): Promise<Swept> {
	const swept: Swept = { removed: [], kept: [] };
	const act = async (what: string, work: () => Promise<unknown>) => {
		if (!scope.dryRun) await work();
		swept.removed.push(what);
	};
	const { gone, used } = await sweepDomains(host, scope, act, swept);
	await sweepNetworks(host, scope, act, swept);
	await sweepPools(host, scope, act, swept, gone, used);
	return swept;
}

const DATA = "it may hold data; remove it by hand if it does not";
const IMAGE = "an image that no state knows: pulumi-libvirt-clones gc removes it if it is as it was uploaded";

type Act = (what: string, work: () => Promise<unknown>) => Promise<void>;

/** Returns the files of the removed domains and of those that stay. */
async function sweepDomains(host: Host, scope: SweepScope, act: Act, swept: Swept) {
	const gone = new Set<string>();
	const used = new Set<string>();
	for (const { name, uuid, state, persistent, xml } of await host.domains.listWithXml()) {
		const root = parse(xml);
		const mine = isInScope(root, uuid, scope);
		for (const path of filesOf(root)) (mine === "sweep" ? gone : used).add(path);
		if (mine === "retained") swept.kept.push(`domain ${name}: it is marked to be retained`);
		if (mine !== "sweep") continue;
		await act(`domain ${name}`, async () => {
			if (state !== "shutoff") await host.domains.destroy(uuid);
			if (persistent) await host.domains.undefine(uuid);
		});
	}
	return { gone, used };
}

async function sweepNetworks(host: Host, scope: SweepScope, act: Act, swept: Swept): Promise<void> {
	for (const { name, uuid, active, xml } of await host.networks.listWithXml()) {
		const mine = isInScope(parse(xml), uuid, scope);
		if (mine === "retained") swept.kept.push(`network ${name}: it is marked to be retained`);
		if (mine !== "sweep") continue;
		await act(`network ${name}`, async () => {
			if (active) await host.networks.destroy(uuid);
			await host.networks.undefine(uuid);
		});
	}
}

async function sweepPools(
	host: Host,
	scope: SweepScope,
	act: Act,
	swept: Swept,
	gone: ReadonlySet<string>,
	used: ReadonlySet<string>,
): Promise<void> {
	const tag = stackTag(`${scope.stack}/`);
	const pools = (await host.pools.list()).filter(({ active }) => active);
	const volumes: Volume[] = [];
	for (const { uuid } of pools) {
		volumes.push(...((await unlessStopped(host, uuid, () => volumesOf(host, uuid, scope))) ?? []));
	}
	const marked: Volume[] = [];
	for (const volume of volumes) {
		if (tagIn(volume.name) === tag && !(await isKnownVolume(host, volume))) marked.push(volume);
	}
	const elsewhere = await heldElsewhere(host, volumes);
	const reasons = reasonsToStay(marked, volumes, { scope, gone, used, elsewhere });
	for (const { path, reason } of reasons) if (reason !== undefined) swept.kept.push(`volume ${path}: ${reason}`);
	// An overlay goes before its base, so that none is ever without.
	const doomed = reasons.filter(({ reason }) => reason === undefined).map(({ path }) => path);
	for (const path of overlaysFirst(doomed, volumes)) await act(`volume ${path}`, () => host.volumes.delete(path));
	for (const mark of marksWithoutFile(tag, doomed, volumes)) {
		await act(`volume ${mark}`, () => host.volumes.delete(mark));
		doomed.push(mark);
	}
	for (const { uuid, name } of pools) {
		if (isKnown(uuid)) continue;
		const xml = await unlessStopped(host, uuid, () => host.pools.xml(uuid, { inactive: true }));
		if (xml === undefined) continue;
		const { owner } = describePool(xml);
		// One of a former version records no owner, and goes by its UUID.
		if (owner === undefined ? !uuid.startsWith(`${tag}-`) : stackOf(owner) !== scope.stack) continue;
		const left = (await host.pools.listVolumes(uuid)).filter(
			({ path }) => !scope.dryRun || !doomed.includes(path),
		).length;
		if (left > 0) swept.kept.push(`pool ${name}: it holds ${left} volume(s)`);
		else {
			await act(`pool ${name}`, async () => {
				await host.pools.destroy(uuid);
				await host.pools.undefine(uuid);
			});
		}
	}
}

/** Whether the engine knows it, by whichever path: hosts that share storage may see it at different ones. */
async function isKnownVolume(host: Host, { name, path, xml }: Volume): Promise<boolean> {
	const volume = describeVolume(xml);
	if (volume.key !== path && isKnown(volume.key)) return true;
	for (const known of knownByName(name)) {
		const isHere = known.uri === host.uri || (await isAnotherHost(known.uri, host.uri)) === false;
		if (isHere ? known.path === path : await maySame(volume, known)) return true;
	}
	return false;
}

/** Unless they can be told apart: what is swept has been written once, by whoever made it. */
async function maySame(one: VolumeDescription, { uri, path }: { uri: string; path: string }): Promise<boolean> {
	try {
		const there = connect(uri);
		const found = await findVolume(there, path);
		if (!found) return false;
		const other = describeVolume(await there.volumes.xml(found.key));
		return other.fileBytes === one.fileBytes && other.stamp?.modifiedNs === one.stamp?.modifiedNs;
	} catch {
		return true;
	}
}

interface Volume {
	name: string;
	path: string;
	xml: string;
	backing: string | undefined;
}

async function volumesOf(host: Host, poolUuid: string, { dryRun }: SweepScope): Promise<Volume[]> {
	const pool = await findPool(host, poolUuid);
	if (!dryRun && pool?.directory && (await isLocal(host, pool))) await sweepPartials(pool.directory);
	await host.pools.refresh(poolUuid);
	const volumes = await host.pools.listVolumes(poolUuid);
	return volumes.map(({ name, path, xml }) => ({ name, path, xml, backing: describeVolume(xml).backing?.path }));
}

/** Why each of the volumes stays; no reason for what goes. A base goes only together with all of its overlays. */
function reasonsToStay(
	marked: ReadonlyArray<Volume>,
	all: ReadonlyArray<Volume>,
	{ scope, gone, used, elsewhere }: { scope: SweepScope } & Record<"gone" | "used" | "elsewhere", ReadonlySet<string>>,
): Array<{ path: string; reason: string | undefined }> {
	const own = new Map(
		marked.map(({ name, path, xml }) => {
			if (used.has(path)) return [path, "a domain uses it"];
			if (elsewhere.has(path)) return [path, "another host may have it by now"];
			if (scope.retained?.some((logicalName) => isOfResource(name, logicalName)))
				return [path, "it is marked to be retained"];
			const isDisposable = gone.has(path) || isSeedName(name) || isFresh(xml);
			return [path, isDisposable ? undefined : contentIn(name) === undefined ? DATA : IMAGE];
		}),
	);
	const staysFor = (path: string): boolean =>
		all.some((overlay) => overlay.backing === path && (!own.has(overlay.path) || reasonOf(overlay.path) !== undefined));
	const reasonOf = (path: string): string | undefined =>
		own.get(path) ?? (staysFor(path) ? "other volumes are overlays of it" : undefined);
	return marked.map(({ path }) => ({ path, reason: reasonOf(path) }));
}

/** Paths of files on storage that hosts share, which have a mark and no machine that came here. */
async function heldElsewhere(host: Host, all: ReadonlyArray<Volume>): Promise<Set<string>> {
	const marks = new Map<string, Mark[]>();
	for (const { name, path } of all) {
		const mark = markIn(name);
		if (!mark) continue;
		const file = `${directoryOf(path)}/${mark.volume}`;
		marks.set(file, [...(marks.get(file) ?? []), mark]);
	}
	if (marks.size === 0) return new Set();
	const own = await idOf(host);
	return new Set([...marks].flatMap(([file, found]) => (isHeldBy(found, own) ? [] : [file])));
}

/** Paths of what is left of volumes of the stack that are gone. */
function marksWithoutFile(tag: string, doomed: ReadonlyArray<string>, all: ReadonlyArray<Volume>): string[] {
	const left = new Set(all.flatMap(({ path }) => (doomed.includes(path) ? [] : [path])));
	return all.flatMap(({ name, path }) => {
		const mark = markIn(name);
		const isOurs = mark !== undefined && tagIn(mark.volume) === tag;
		return isOurs && !left.has(`${directoryOf(path)}/${mark.volume}`) ? [path] : [];
	});
}

function overlaysFirst(paths: ReadonlyArray<string>, all: ReadonlyArray<Volume>): string[] {
	const backingOf = new Map(all.map(({ path, backing }) => [path, backing]));
	const depth = (path: string): number => {
		const backing = backingOf.get(path);
		return backing === undefined ? 0 : 1 + depth(backing);
	};
	return [...paths].sort((a, b) => depth(b) - depth(a));
}

function isInScope(root: Element, uuid: string, { stack, guard }: SweepScope): "sweep" | "retained" | "foreign" {
	if (isKnown(uuid)) return "foreign";
	const recorded = recordedIn(root);
	if (!recorded || stackOf(recorded.owner) !== stack) return "foreign";
	if (guard !== undefined && recorded.guard !== guard) return "foreign";
	return recorded.retain ? "retained" : "sweep";
}

function filesOf(root: Element): string[] {
	const disks = children(child(root, "devices"), "disk").flatMap(
		(disk) => attribute(disk, "source", "file") ?? attribute(disk, "source", "dev") ?? [],
	);
	const fork = recordedIn(root)?.fork;
	return fork ? [...disks, fork.memory, fork.state] : disks;
}

/** A qcow2 image that is as long as its own tables. Raw ones and those of no file do not tell. */
function isFresh(xml: string): boolean {
	const volume = describeVolume(xml);
	return volume.format === "qcow2" && isUntouched(volume);
}
