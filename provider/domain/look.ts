/** A look at a domain: its state, its definition, and what runs. */
import type { DomainInfo, DomainState, Host } from "../libvirt";
import { parse } from "../xml/element";
import type { Recorded } from "../xml/metadata";
import { type FoundDomain, readDomain } from "../xml/read-domain";
import { isGone } from "./patience";

export interface Seen {
	uuid: string;
	name: string;
	state: DomainState;
	/** Whether there is a running (or paused) machine. */
	active: boolean;
	persistent: boolean;
	autostart: boolean;
	/** The persistent definition. */
	config: FoundDomain;
	/** The machine that runs; undefined when it is off. */
	live: FoundDomain | undefined;
}

/** @returns undefined when there is no such domain */
export async function look(host: Host, uuid: string): Promise<Seen | undefined> {
	const info = await host.domains.find(uuid);
	if (!info) return undefined;
	try {
		return await lookAt(host, info);
	} catch (error) {
		if (isGone(error)) return undefined;
		throw error;
	}
}

async function lookAt(host: Host, info: DomainInfo): Promise<Seen> {
	const active = info.state !== "shutoff" && info.state !== "unknown";
	const [config, live, autostart] = await Promise.all([
		xmlOf(host, info, true),
		active ? xmlOf(host, info, false) : undefined,
		info.persistent ? host.domains.getAutostart(info.uuid) : false,
	]);
	return {
		uuid: info.uuid,
		name: info.name,
		state: info.state,
		// A machine that ended between the two questions has no number any more.
		active: live?.liveId !== undefined,
		persistent: info.persistent,
		autostart,
		config,
		live: live?.liveId === undefined ? undefined : live,
	};
}

async function xmlOf(host: Host, info: DomainInfo, inactive: boolean): Promise<FoundDomain> {
	const xml = await host.domains.xml(info.uuid, inactive ? { inactive, secure: true } : {});
	return readDomain(parse(xml, `the definition of ${info.name}`));
}

/** The same machine, for those to whom what runs of it is nothing: QEMU that nobody is in yet. */
export function asOff(seen: Seen): Seen {
	return { ...seen, state: "shutoff", active: false, live: undefined };
}

/** What runs now, alone: cheaper than a whole look, for polling. */
export async function lookLive(host: Host, uuid: string): Promise<FoundDomain> {
	return readDomain(parse(await host.domains.xml(uuid), `the definition of ${uuid}`));
}

/** Changes that wait for the next start; none are left once the machine is another run of it. */
export function pendingOf({ config, live }: Pick<Seen, "config" | "live">): Recorded["pending"] {
	const pending = config.recorded?.pending;
	return live && pending?.liveId === live.liveId ? pending : undefined;
}

/** Whether the guest executes instructions, as `running: true` asks for. A guest that sleeps by its own choice counts. */
export function isRunning(seen: Pick<Seen, "active" | "state">): boolean {
	return seen.active && seen.state !== "paused" && seen.state !== "crashed";
}
