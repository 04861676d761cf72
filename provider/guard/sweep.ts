/**
 * Removes what carries a stack's mark on a host. Meant for what an interrupted run left; so it never takes what could
 * hold somebody's data unless that belongs to a machine that it removes.
 */
import type { Host } from "../libvirt";
import { stackOf, stackTag } from "../owner";
import { contentIn, isSeedName, tagIn } from "../volume/name";
import { freshQcow2Length } from "../volume/qcow2";
import { describeVolume } from "../volume/xml";
import { attribute, child, children, type Element, parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { isKnown } from "./known";

export interface SweepScope {
	/** `organization/project/stack` */
	stack: string;
	/** Only domains and networks that this guard watched over; all of the stack's when absent. */
	guard?: string | undefined;
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

/** Returns the disk paths of the removed domains and of those that stay. */
async function sweepDomains(host: Host, scope: SweepScope, act: Act, swept: Swept) {
	const gone = new Set<string>();
	const used = new Set<string>();
	for (const { name, uuid, state, persistent, xml } of await host.domains.listWithXml()) {
		const root = parse(xml);
		const mine = isInScope(root, uuid, scope);
		for (const path of diskPaths(root)) (mine === "sweep" ? gone : used).add(path);
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
	for (const pool of await host.pools.list()) {
		if (!pool.active) continue;
		await host.pools.refresh(pool.uuid);
		const volumes = await host.pools.listVolumes(pool.uuid);
		const bases = new Set(
			volumes.flatMap(({ path, xml }) => (gone.has(path) ? [] : (describeVolume(xml).backing?.path ?? []))),
		);
		for (const { name, path, xml } of volumes) {
			if (tagIn(name) !== tag || isKnown(path)) continue;
			if (used.has(path)) swept.kept.push(`volume ${path}: a domain uses it`);
			else if (bases.has(path)) swept.kept.push(`volume ${path}: other volumes are overlays of it`);
			else if (gone.has(path) || isSeedName(name) || isFreshOverlay(xml)) {
				await act(`volume ${path}`, () => host.volumes.delete(path));
			} else swept.kept.push(`volume ${path}: ${contentIn(name) === undefined ? DATA : IMAGE}`);
		}
		if (!pool.uuid.startsWith(`${tag}-`) || isKnown(pool.uuid)) continue;
		const left = (await host.pools.listVolumes(pool.uuid)).length;
		if (left > 0) swept.kept.push(`pool ${pool.name}: it holds ${left} volume(s)`);
		else {
			await act(`pool ${pool.name}`, async () => {
				await host.pools.destroy(pool.uuid);
				await host.pools.undefine(pool.uuid);
			});
		}
	}
}

function isInScope(root: Element, uuid: string, { stack, guard }: SweepScope): "sweep" | "retained" | "foreign" {
	if (isKnown(uuid)) return "foreign";
	const recorded = recordedIn(root);
	if (!recorded || stackOf(recorded.owner) !== stack) return "foreign";
	if (guard !== undefined && recorded.guard !== guard) return "foreign";
	return recorded.retain ? "retained" : "sweep";
}

function diskPaths(root: Element): string[] {
	return children(child(root, "devices"), "disk").flatMap(
		(disk) => attribute(disk, "source", "file") ?? attribute(disk, "source", "dev") ?? [],
	);
}

/** An overlay that is as long as its own tables: nothing was ever written to it. */
function isFreshOverlay(xml: string): boolean {
	const { backing, format, capacityBytes, fileBytes } = describeVolume(xml);
	return backing !== undefined && format === "qcow2" && fileBytes === freshQcow2Length(capacityBytes);
}
