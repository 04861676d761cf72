/** Disks, NICs and other devices of a running machine, put in and taken out as steps of a template. */
import type { Context } from "../lifecycle";
import type { OwnChange } from "../morph/own-change";
import { hasStep, type MorphTemplate } from "../morph/template";
import type { DiskSpec, FoundDisk, FoundNic, NicSpec } from "../xml/devices";
import { type Element, serialize } from "../xml/element";
import { type NamedDevice, namedDevices } from "../xml/named-devices";
import type { FoundDomain } from "../xml/read-domain";
import type { Wanted } from "./definition";
import {
	type DeviceKind,
	disksToPutIn,
	disksToTakeOut,
	nicsToPutIn,
	nicsToTakeOut,
	putInDisks,
	putInNics,
	type Removable,
	unplug,
	unplugDisk,
	unplugNic,
} from "./live";
import { lookLive, type Seen } from "./look";
import { patiently } from "./patience";

/** Kinds of devices that a template gives a place. */
export function placedKinds(template: MorphTemplate | undefined): DeviceKind[] {
	return (["disk", "nic", "device"] as const).filter((kind) => hasStep(template, kind));
}

interface Machine {
	seen: Pick<Seen, "uuid" | "config"> & { live: FoundDomain };
	wanted: Wanted;
	removable: Removable;
}

/**
 * What differs, as steps. The definition on the host, which is written anew when all is done, says what was before: also to
 * who comes after a crash.
 */
export function deviceSteps(context: Context, machine: Machine, kinds: ReadonlyArray<DeviceKind>): OwnChange[] {
	return kinds.flatMap((kind) => KINDS[kind](context, machine, kind));
}

/** How the devices of a kind, which are known by a key, are told from what is wanted, put in and taken out. */
interface Kind<Found extends { element: Element }, Spec> {
	name: string;
	key(device: Found | Spec): string | undefined;
	all(found: FoundDomain): Found[];
	leaving(found: FoundDomain, wanted: Wanted, removable: Removable): Found[];
	coming(found: FoundDomain, wanted: Wanted): Spec[];
	putIn(context: Context, live: FoundDomain, wanted: Spec[], seconds: number): Promise<void>;
	takeOut(context: Context, live: FoundDomain, device: Found, seconds: number): Promise<void>;
	/** One that has become another while it stayed is what it was again. */
	restore?(context: Context, live: FoundDomain, device: Spec, before: Found, seconds: number): Promise<void>;
}

type Steps = (context: Context, machine: Machine, kind: DeviceKind) => OwnChange[];

function stepsFor<Found extends { element: Element }, Spec>(how: Kind<Found, Spec>): Steps {
	return (context, { seen: { uuid, config, live }, wanted, removable }, kind) => {
		const look = () => lookLive(context.host, uuid);
		const leaving = (found: FoundDomain) => how.leaving(found, wanted, removable);
		const coming = (found: FoundDomain) => how.coming(found, wanted);
		const same = (found: FoundDomain, device: Found | Spec) =>
			how.all(found).find((item) => how.key(item) === how.key(device));
		const change = (
			phase: OwnChange["phase"],
			list: (found: FoundDomain) => Array<Found | Spec>,
			verb: string,
			work: Pick<OwnChange, "act" | "undo">,
		): OwnChange[] => {
			const names = [...list(config), ...list(live)].map((device) => `${how.name} ${how.key(device) ?? "?"}`);
			if (names.length === 0) return [];
			const isDone = async () => list(await look()).length === 0;
			return [{ kind, phase, line: `${verb} ${[...new Set(names)].join(", ")}`, isDone, ...work }];
		};
		return [
			...change("hotUnplug", leaving, "take out", {
				act: async (seconds) => {
					const now = await look();
					for (const device of leaving(now)) await how.takeOut(context, now, device, seconds);
				},
				undo: async () => {
					const now = await look();
					for (const device of leaving(config)) {
						if (!same(now, device)) await attach(context, uuid, device.element);
					}
				},
			}),
			...change("hotPlug", coming, "put in", {
				act: async (seconds) => {
					const now = await look();
					await how.putIn(context, now, coming(now), seconds);
				},
				undo: async (seconds) => {
					const now = await look();
					for (const device of coming(config)) {
						const [plugged, before] = [same(now, device), same(config, device)];
						if (plugged && !before) await how.takeOut(context, now, plugged, seconds);
						else if (plugged && before) await how.restore?.(context, now, device, before, seconds);
					}
				},
			}),
		];
	};
}

function attach({ host }: Context, uuid: string, device: Element): Promise<void> {
	return patiently(() => host.domains.attachDevice(uuid, serialize(device), "live"));
}

const KINDS: Record<DeviceKind, Steps> = {
	disk: stepsFor<FoundDisk, DiskSpec>({
		name: "disk",
		key: ({ target }) => target,
		all: ({ disks }) => disks,
		leaving: (found, { spec }, { disks }) => disksToTakeOut(found, spec.disks, disks),
		coming: (found, { spec }) => disksToPutIn(found, spec.disks),
		putIn: putInDisks,
		takeOut: unplugDisk,
		restore: async ({ host }, { uuid }, { device }, before) => {
			if (device !== "cdrom") return;
			await patiently(() => host.domains.updateDevice(uuid, serialize(before.element), "live"));
		},
	}),
	nic: stepsFor<FoundNic, NicSpec>({
		name: "NIC",
		key: ({ mac }) => mac,
		all: ({ nics }) => nics,
		leaving: (found, { spec }, { macs }) => nicsToTakeOut(found, spec.nics, macs),
		coming: (found, { spec }) => nicsToPutIn(found, spec.nics),
		putIn: putInNics,
		takeOut: unplugNic,
		restore: async (context, live, nic, { source }, seconds) => {
			if (source) await putInNics(context, live, [{ ...nic, source }], seconds);
		},
	}),
	device: stepsFor<NamedDevice, NamedDevice>({
		name: "device",
		key: ({ alias }) => alias,
		all: ({ root }) => namedDevices(root),
		leaving: (found, { root }, { named }) => {
			const wanted = namedDevices(root).map(({ alias }) => alias);
			return namedDevices(found.root).filter(({ alias }) => named.includes(alias) && !wanted.includes(alias));
		},
		coming: (found, { root }) => {
			const there = namedDevices(found.root).map(({ alias }) => alias);
			return namedDevices(root).filter(({ alias }) => !there.includes(alias));
		},
		putIn: async (context, { uuid }, devices) => {
			for (const { element } of devices) await attach(context, uuid, element);
		},
		takeOut: (context, live, { alias, element }, seconds) => {
			const isThere = (now: FoundDomain) => namedDevices(now.root).some((item) => item.alias === alias);
			return unplug(context, live, element, `device ${alias}`, isThere, seconds);
		},
	}),
};
