/** Disks and NICs of a running machine, put in and taken out as steps of a template. */
import type { Context } from "../lifecycle";
import type { OwnChange } from "../morph/own-change";
import { hasStep, type MorphTemplate } from "../morph/template";
import type { DomainSpec } from "../xml/domain";
import { type Element, serialize } from "../xml/element";
import type { FoundDomain } from "../xml/read-domain";
import {
	disksToPutIn,
	disksToTakeOut,
	nicsToPutIn,
	nicsToTakeOut,
	putInDisks,
	putInNics,
	type Removable,
	takeOutDisks,
	takeOutNics,
	unplugDisk,
	unplugNic,
} from "./live";
import { lookLive, type Seen } from "./look";
import { patiently } from "./patience";

export type DeviceKind = "disk" | "nic";

/** Kinds of devices that a template gives a place. */
export function placedKinds(template: MorphTemplate | undefined): DeviceKind[] {
	return (["disk", "nic"] as const).filter((kind) => hasStep(template, kind));
}

/**
 * What differs, as steps. The definition on the host, which is written anew when all is done, says what was before: also to
 * who comes after a crash.
 */
export function deviceSteps(
	context: Context,
	seen: Pick<Seen, "uuid" | "config"> & { live: FoundDomain },
	wanted: DomainSpec,
	removable: Removable,
	kinds: ReadonlyArray<DeviceKind>,
): OwnChange[] {
	return kinds.flatMap((kind) => {
		const { out, put, names } = KINDS[kind];
		const differing = (list: (found: FoundDomain) => string[]) => [
			...new Set([...list(seen.config), ...list(seen.live)]),
		];
		const look = () => lookLive(context.host, seen.uuid);
		const leaving = (found: FoundDomain) => names(out.list(found, wanted, removable));
		const coming = (found: FoundDomain) => names(put.list(found, wanted));
		const change = (
			phase: OwnChange["phase"],
			list: (found: FoundDomain) => string[],
			verb: string,
			work: Pick<OwnChange, "act" | "undo">,
		): OwnChange[] => {
			const devices = differing(list);
			if (devices.length === 0) return [];
			const isDone = async () => list(await look()).length === 0;
			return [{ kind, phase, line: `${verb} ${devices.join(", ")}`, isDone, ...work }];
		};
		return [
			...change("hotUnplug", leaving, "take out", {
				act: async () => out.act(context, await look(), wanted, removable),
				undo: async () => {
					const live = await look();
					for (const device of out.lost(seen.config, live, wanted, removable)) {
						await patiently(() => context.host.domains.attachDevice(seen.uuid, serialize(device), "live"));
					}
				},
			}),
			...change("hotPlug", coming, "put in", {
				act: async () => put.act(context, await look(), wanted),
				undo: async () => put.undo(context, await look(), seen.config, wanted),
			}),
		];
	});
}

interface Device {
	target?: string | undefined;
	mac?: string | undefined;
}

interface Kind {
	names(devices: ReadonlyArray<Device>): string[];
	out: {
		list(found: FoundDomain, wanted: DomainSpec, removable: Removable): ReadonlyArray<Device>;
		act(context: Context, live: FoundDomain, wanted: DomainSpec, removable: Removable): Promise<void>;
		/** Devices of the definition that are to go and do not run any more. */
		lost(config: FoundDomain, live: FoundDomain, wanted: DomainSpec, removable: Removable): Element[];
	};
	put: {
		list(found: FoundDomain, wanted: DomainSpec): ReadonlyArray<Device>;
		act(context: Context, live: FoundDomain, wanted: DomainSpec): Promise<void>;
		/** Takes out again what the definition does not have. */
		undo(context: Context, live: FoundDomain, config: FoundDomain, wanted: DomainSpec): Promise<void>;
	};
}

const KINDS: Record<DeviceKind, Kind> = {
	disk: {
		names: (disks) => disks.map(({ target = "?" }) => `disk ${target}`),
		out: {
			list: (found, { disks }, removable) => disksToTakeOut(found, disks, removable.disks),
			act: (context, live, { disks }, removable) => takeOutDisks(context, live, disks, removable.disks),
			lost: (config, live, { disks }, removable) =>
				disksToTakeOut(config, disks, removable.disks)
					.filter(({ target }) => !live.disks.some((disk) => disk.target === target))
					.map(({ element }) => element),
		},
		put: {
			list: (found, { disks }) => disksToPutIn(found, disks),
			act: (context, live, { disks }) => putInDisks(context, live, disks),
			undo: async (context, live, config, { disks }) => {
				for (const { target, device } of disksToPutIn(config, disks)) {
					const now = live.disks.find((disk) => disk.target === target);
					const before = config.disks.find((disk) => disk.target === target);
					if (now && !before) await unplugDisk(context, live, now);
					else if (now && before && device === "cdrom") {
						const medium = serialize(before.element);
						await patiently(() => context.host.domains.updateDevice(live.uuid, medium, "live"));
					}
				}
			},
		},
	},
	nic: {
		names: (nics) => nics.map(({ mac = "?" }) => `NIC ${mac}`),
		out: {
			list: (found, { nics }, removable) => nicsToTakeOut(found, nics, removable.macs),
			act: (context, live, { nics }, removable) => takeOutNics(context, live, nics, removable.macs),
			lost: (config, live, { nics }, removable) =>
				nicsToTakeOut(config, nics, removable.macs)
					.filter(({ mac }) => !live.nics.some((nic) => nic.mac === mac))
					.map(({ element }) => element),
		},
		put: {
			list: (found, { nics }) => nicsToPutIn(found, nics),
			act: (context, live, { nics }) => putInNics(context, live, nics),
			undo: async (context, live, config, { nics }) => {
				for (const nic of nicsToPutIn(config, nics)) {
					const now = live.nics.find(({ mac }) => mac === nic.mac);
					const before = config.nics.find(({ mac }) => mac === nic.mac);
					if (now && !before) await unplugNic(context, live, now);
					else if (now && before?.source) await putInNics(context, live, [{ ...nic, source: before.source }]);
				}
			},
		},
	},
};
