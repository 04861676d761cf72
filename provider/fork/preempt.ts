/**
 * Preemptible children: each is off for as long as a machine that is not preemptible needs the memory. What is needed is
 * compared with what the host has right now, whenever a machine is about to start; nobody looks in between.
 */
import { lookLive } from "../domain/look";
import { markPreempted } from "../domain/note";
import { unlessGone } from "../domain/patience";
import { turnOff } from "../domain/power";
import type { DomainInputs } from "../domain/schema";
import { type Host, LibvirtError } from "../libvirt";
import type { Context } from "../lifecycle";
import { QEMU_MIB } from "../morph/options";
import { parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";

/** For a guest that has a disk to come back to. */
const GRACE_SECONDS = 30;

/** How much memory a machine lacks that is about to start. */
export interface Shortage {
	neededMiB: number;
	availableMiB: number;
}

/** A preemptible machine that runs. */
export interface Preemptible {
	name: string;
	uuid: string;
	/** Number of its run: the higher, the later it was started. */
	liveId: number;
	graceSeconds: number;
}

type Starting = Pick<DomainInputs, "name" | "fork">;

/** By UUID, those that have given way in this run: what they made room for has not taken it yet, and they stay off. */
const gaveWayHere = new WeakMap<Host, Set<string>>();

/** Seconds that a guest gets to shut down when it gives way; undefined for one that does not. */
export function graceOf(fork: DomainInputs["fork"]): number | undefined {
	if (!fork?.preemptible) return undefined;
	// The disk of one that is forked at each power-on is forgotten all the same.
	return fork.powerOn === "refork" ? 0 : GRACE_SECONDS;
}

/** @returns undefined where there is room */
export async function shortageOf(host: Host, memoryMiB: number): Promise<Shortage | undefined> {
	const neededMiB = memoryMiB + QEMU_MIB;
	try {
		const { availableMiB } = await host.memory();
		return availableMiB < neededMiB ? { neededMiB, availableMiB } : undefined;
	} catch (error) {
		// Not every driver tells.
		if (error instanceof LibvirtError && error.errorName === "VIR_ERR_NO_SUPPORT") return undefined;
		throw error;
	}
}

/** Whether one that has given way, in this run or before, can go on. */
export async function hasRoomAgain(host: Host, uuid: string, memoryMiB: number): Promise<boolean> {
	return !gaveWayHere.get(host)?.has(uuid) && (await shortageOf(host, memoryMiB)) === undefined;
}

/** Those that can give way, in the order in which they do: the last started first. */
export async function preemptibleOn(host: Host): Promise<Preemptible[]> {
	const found: Preemptible[] = [];
	for (const { uuid, name, xml } of await host.domains.listWithXml({ active: true })) {
		// Of many definitions only the metadata are parsed.
		const metadata = /<metadata>[\s\S]*?<\/metadata>/.exec(xml)?.[0];
		const recorded = metadata && recordedIn(parse(`<domain>${metadata}</domain>`, `the metadata of ${name}`));
		if (!recorded || recorded.preemptible === undefined) continue;
		const live = await unlessGone(lookLive(host, uuid));
		// Who is nobody yet is being forked, or waits.
		if (live?.liveId === undefined || live.recorded?.nobody !== undefined) continue;
		found.push({ name, uuid, liveId: Number(live.liveId), graceSeconds: recorded.preemptible });
	}
	return found.sort((a, b) => b.liveId - a.liveId);
}

/**
 * Room for a machine that is about to start: others give way where it is not preemptible itself, until there is room or
 * none of them is left.
 * @param uuid of a machine that is there
 * @returns whether it is to start; one that is not preemptible always is
 */
export async function getRoom(
	context: Context,
	starting: Starting,
	memoryMiB: number,
	uuid?: string,
): Promise<boolean> {
	return inTurn(context.host, async () => {
		if (uuid !== undefined && gaveWayHere.get(context.host)?.has(uuid)) return false;
		let shortage = await shortageOf(context.host, memoryMiB);
		if (!shortage) return true;
		if (starting.fork?.preemptible) {
			context.log(`${starting.name} stays off until there is room: ${told(shortage)}`);
			return false;
		}
		for (const machine of await preemptibleOn(context.host)) {
			context.log(`${machine.name} gives way to ${starting.name}: ${told(shortage)}`);
			await giveWay(context, machine);
			shortage = await shortageOf(context.host, memoryMiB);
			if (!shortage) break;
		}
		return true;
	});
}

/** What a preview says of it. */
export async function roomLines(host: Host, starting: Starting, memoryMiB: number): Promise<string[]> {
	const shortage = await shortageOf(host, memoryMiB);
	if (!shortage) return [];
	if (starting.fork?.preemptible) return [`stays off until there is room: ${told(shortage)}`];
	const names = (await preemptibleOn(host)).map(({ name }) => name);
	if (names.length === 0) return [];
	return [`give way, the last started first, until there is room: ${names.join(", ")} (${told(shortage)})`];
}

function told({ neededMiB, availableMiB }: Shortage): string {
	return `the host has ${availableMiB} MiB of the ${neededMiB} MiB that it needs`;
}

/** Marked first: a run that is cut off in between must not leave a machine off of which nobody knows why. */
async function giveWay(context: Context, { uuid, graceSeconds }: Preemptible): Promise<void> {
	gaveWayHere.set(context.host, (gaveWayHere.get(context.host) ?? new Set()).add(uuid));
	await markPreempted(context.host, uuid);
	await turnOff(context, uuid, graceSeconds);
}

/** Hosts on which somebody is looking for room: two at once would have more give way than have to. */
const turns = new WeakMap<Host, Promise<unknown>>();

function inTurn<T>(host: Host, work: () => Promise<T>): Promise<T> {
	const turn = (turns.get(host) ?? Promise.resolve()).then(work);
	turns.set(
		host,
		turn.catch(() => {}),
	);
	return turn;
}
