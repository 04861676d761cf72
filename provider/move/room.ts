/**
 * Room for a machine that comes to a host. What it needs is taken bit by bit while it is sent, so that of two that come at
 * the same time each would see room for itself: each says what it needs before it looks, for as long as it is on its way.
 * It says so by a domain of libvirt's that never runs, which is gone with the connection that made it.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Shortage, shortageOf } from "../fork/preempt";
import { type Host, LibvirtError } from "../libvirt";
import { element, parse, serialize, text } from "../xml/element";
import { readMiB } from "../xml/units";
import { sightOf } from "./place";

/** One that is on its way to a host. */
export interface Coming {
	uuid: string;
	name: string;
	memoryMiB: number;
}

/** Of one that asks for room. */
export interface Asking extends Coming {
	/** Of its processor: "x86_64". */
	arch: string;
}

const PREFIX = "clones-room-";
/** Two that have asked at the same time withdraw, and ask again after times of their own. */
const TRIES = 4;
const LEAST_WAIT_MS = 300;
const MOST_WAIT_MS = 1000;

/**
 * Runs work for which the host has to have room for a machine.
 * @throws Error that names what is short, and who has taken it
 */
export async function withRoom<T>(host: Host, coming: Asking, work: () => Promise<T>): Promise<T> {
	const release = await takeRoom(host, coming);
	try {
		return await work();
	} finally {
		await release();
	}
}

/**
 * The same without work, for a look beforehand.
 * @throws Error as `withRoom`
 */
export async function refuseWithoutRoom(host: Host, coming: Coming): Promise<void> {
	const lack = await lackOf(host, coming);
	if (lack) throw new Error(complaint(host, coming, lack));
}

async function takeRoom(host: Host, coming: Asking): Promise<() => Promise<void>> {
	for (let tries = 1; ; tries++) {
		const release = await announce(host, coming);
		const lack = await lackOf(host, coming).catch(async (error) => {
			await release();
			throw error;
		});
		if (!lack) return release;
		await release();
		if (lack.others.length === 0 || tries === TRIES) throw new Error(complaint(host, coming, lack));
		await sleep(LEAST_WAIT_MS + Math.random() * (MOST_WAIT_MS - LEAST_WAIT_MS));
	}
}

interface Lack {
	/** With what the others need. */
	shortage: Shortage;
	others: Coming[];
}

async function lackOf(host: Host, { uuid, memoryMiB }: Coming): Promise<Lack | undefined> {
	const others = (await comingTo(host)).filter((other) => other.uuid !== uuid);
	const shortage = await shortageOf(host, memoryMiB + sumOf(others));
	return shortage && { shortage, others };
}

/** @returns what takes it back */
async function announce(host: Host, { arch, uuid, name, memoryMiB }: Asking): Promise<() => Promise<void>> {
	const xml = serialize(
		element(
			"domain",
			{ type: "qemu" },
			element("name", {}, `${PREFIX}${randomBytes(4).toString("hex")}`),
			element("description", {}, JSON.stringify({ uuid, name, memoryMiB } satisfies Coming)),
			element("memory", { unit: "MiB" }, 1),
			element("os", {}, element("type", { arch }, "hvm")),
			// Without it libvirt 9.0 gives QEMU an option that QEMU 9.0 does not know any more.
			...(arch === "x86_64" ? [element("features", {}, element("acpi"))] : []),
			element(
				"devices",
				{},
				element("controller", { type: "usb", model: "none" }),
				element("memballoon", { model: "none" }),
			),
		),
	);
	const said = await host.domains.createTransient(xml, { paused: true, autoDestroy: true });
	return () =>
		host.domains.destroy(said.uuid).catch((error: unknown) => {
			// It has gone with a connection that was lost, or goes with this one.
			if (!(error instanceof LibvirtError)) throw error;
		});
}

/** Those that have said so, and those that come without: whoever sent them was ended in the middle. */
export async function comingTo(host: Host): Promise<Coming[]> {
	const active = await host.domains.listWithXml({ active: true });
	const said = active.filter(({ name }) => name.startsWith(PREFIX)).map(({ name, xml }) => sayingOf(name, xml));
	const silent = active.filter(
		({ uuid, name, state }) =>
			state === "paused" && !name.startsWith(PREFIX) && !said.some((coming) => coming.uuid === uuid),
	);
	const all = await Promise.all(
		silent.map(async ({ uuid, name, xml }) => {
			if ((await sightOf(host, uuid)) !== "between") return [];
			return [{ uuid, name, memoryMiB: readMiB(parse(xml, `the definition of ${name}`), "memory") ?? 0 }];
		}),
	);
	return [...said, ...all.flat()];
}

function sayingOf(name: string, xml: string): Coming {
	return JSON.parse(text(parse(xml, `the definition of ${name}`), "description") ?? "") as Coming;
}

function sumOf(coming: ReadonlyArray<Coming>): number {
	return coming.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
}

/** Pure. */
export function complaint({ uri }: Pick<Host, "uri">, { name }: Coming, { shortage, others }: Lack): string {
	const needed = shortage.neededMiB - sumOf(others);
	const beside = others.map((other) => `${other.memoryMiB} MiB for ${other.name}`).join(", ");
	const taken = others.length === 0 ? "" : `, beside ${beside}, on the way there already`;
	return (
		`${name} was not moved: ${uri} has ${shortage.availableMiB} MiB of the ${needed} MiB that it needs${taken}. ` +
		`Free memory there, or choose another host`
	);
}
