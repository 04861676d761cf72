/**
 * Who uses a volume: overlays on it in any active pool, and domains with a disk on it. One look at the host serves many
 * questions: it is believed for a few seconds, kept up to date with what this process does, and whoever it names is
 * looked at again before anything is refused because of them.
 */
import type { Host } from "../libvirt/api";
import { InUseError } from "../lifecycle";
import { type Seen, scanHost, usesDisk, volumeStillOn } from "./uses-scan";

export interface DomainUse {
	name: string;
	uuid: string;
	running: boolean;
	/** False for read-only disks and for files below an overlay. */
	writable: boolean;
}

export interface Uses {
	/** Paths of the volumes whose backing store it is. */
	overlays: string[];
	domains: DomainUse[];
}

export const ANYBODY: UseFilter = { overlays: true, domains: () => true };

/** A scan is believed for at least and at most this long, and else for ten times as long as it took. */
const BELIEVED_MS = { least: 2000, most: 6000 };

interface Index {
	thorough: boolean;
	seen: Promise<Seen>;
	startedAt: number;
	believedUntil: number;
	/** Changes made while the scan ran: applied to its result. */
	notes: Array<(seen: Seen) => void> | undefined;
}

const indexes = new WeakMap<Host, Index>();

/** Whose use of a volume matters. */
export interface UseFilter {
	/** Without overlays only domains that run are seen, which is a cheaper look. */
	overlays: boolean;
	domains(use: DomainUse): boolean;
}

/** Who uses the volume at this path. Each one named has just been looked at; those that do not matter are not. */
export async function usesOf(host: Host, path: string, by: UseFilter = ANYBODY): Promise<Uses> {
	const seen = await currentScan(host, by.overlays);
	const overlays: string[] = [];
	for (const overlay of by.overlays ? (seen.overlaysOf.get(path) ?? []) : []) {
		if (await volumeStillOn(host, overlay, path)) overlays.push(overlay);
		else seen.overlaysOf.get(path)?.delete(overlay);
	}
	const domains: DomainUse[] = [];
	const suspects = (seen.domainsOf.get(path) ?? []).filter((use) => by.domains(use));
	for (const suspect of suspects) {
		const use = await usesDisk(host, suspect.uuid, path);
		if (use && by.domains(use)) domains.push(use);
		if (use) Object.assign(suspect, use);
		else seen.domainsOf.set(path, seen.domainsOf.get(path)?.filter((known) => known !== suspect) ?? []);
	}
	return { overlays, domains };
}

/** Volumes that this process has made and on which it has laid nothing since. */
const bare = new WeakMap<Host, Set<string>>();

/** Whether nothing can lie on a volume, because it has just been made. */
export function isBare(host: Host, path: string): boolean {
	return bare.get(host)?.has(path) === true;
}

/**
 * Records a volume that this process has just made.
 * @param backing the volume that it lies on
 */
export function noteMade(host: Host, path: string, backing?: string): void {
	bare.set(host, (bare.get(host) ?? new Set()).add(path));
	if (backing === undefined) return;
	bare.get(host)?.delete(backing);
	note(host, (seen) => {
		const overlays = seen.overlaysOf.get(backing) ?? new Set<string>();
		seen.overlaysOf.set(backing, overlays.add(path));
	});
}

/**
 * Records that a domain has just been defined or started with disks on these paths, so that what was seen before is
 * not believed instead. Costs nothing.
 */
export function noteDomain(
	host: Host,
	domain: { name: string; uuid: string; running: boolean },
	disks: ReadonlyArray<{ path: string; writable: boolean }>,
): void {
	note(host, (seen) => {
		for (const { path, writable } of disks) {
			const others = (seen.domainsOf.get(path) ?? []).filter(({ uuid }) => uuid !== domain.uuid);
			seen.domainsOf.set(path, [...others, { ...domain, writable }]);
		}
	});
}

/** Forgets what is known about a host, so that the next question looks at it. */
export function forgetUses(host: Host): void {
	indexes.delete(host);
}

function note(host: Host, change: (seen: Seen) => void): void {
	const index = indexes.get(host);
	index?.notes?.push(change);
	index?.seen.then(change, () => {});
}

/** @param thorough whether overlays and domains that are off matter */
function currentScan(host: Host, thorough: boolean): Promise<Seen> {
	const known = indexes.get(host);
	if (known && Date.now() < known.believedUntil && (known.thorough || !thorough)) return known.seen;
	const index: Index = {
		thorough,
		seen: scanHost(host, thorough),
		startedAt: Date.now(),
		believedUntil: Number.POSITIVE_INFINITY,
		notes: [],
	};
	indexes.set(host, index);
	index.seen = index.seen.then(
		(seen) => {
			const now = Date.now();
			const believed = Math.min(Math.max((now - index.startedAt) * 10, BELIEVED_MS.least), BELIEVED_MS.most);
			index.believedUntil = now + believed;
			for (const change of index.notes ?? []) change(seen);
			index.notes = undefined;
			return seen;
		},
		(error) => {
			if (indexes.get(host) === index) indexes.delete(host);
			throw error;
		},
	);
	return index.seen;
}

/**
 * Refuses to go on when somebody uses the volume.
 *
 * @param what is about to be done: "deleted", "resized"
 * @param by whose use counts
 * @throws InUseError that names who uses it and says what to do
 */
export async function refuseWhileUsed(
	host: Host,
	path: string,
	what: string,
	by: UseFilter,
	advice = "Remove these first, or keep the volume.",
): Promise<void> {
	const { overlays, domains } = await usesOf(host, path, by);
	const users = [
		...overlays.map((overlay) => `volume ${overlay} (an overlay on it)`),
		...domains.map((use) => `domain ${use.name} (${use.running ? "running" : "shut off"})`),
	];
	if (users.length === 0) return;
	const shown = users.slice(0, 10).join(", ") + (users.length > 10 ? ` and ${users.length - 10} more` : "");
	throw new InUseError(
		`the volume ${path} cannot be ${what}: ${users.length === 1 ? "this uses it" : `these ${users.length} use it`}: ` +
			`${shown}. ${advice}`,
		{ domains: domains.map(({ uuid }) => uuid), volumes: overlays },
	);
}
