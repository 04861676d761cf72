/** Waiting until a guest shows life: its agent answers, it has an address. On time-out the error says what was seen. */
import { open } from "node:fs/promises";
import { isIPv6 } from "node:net";
import type { AddressSource, Host, InterfaceAddresses } from "../libvirt";
import { isLocalUri } from "../local-uri";
import { acceleratorOf } from "./accelerator";
import { diskComplaint } from "./io-errors";
import { type FormerLease, unclaimed } from "./leases";
import { look, lookLive } from "./look";
import { poll } from "./patience";

export interface WaitInputs {
	uri: string;
	name: string;
	consoleLog?: string | undefined;
	waitFor?: { agent: boolean; address: "none" | "auto" | AddressSource; timeoutSeconds: number } | undefined;
}

/** Somebody waited in vain: the machine is there, but not what was asked for. */
export class WaitError extends Error {
	constructor(message: string) {
		super(message);
		this.name = "WaitError";
	}
}

/** Seconds that are waited where `waitFor` does not say. */
export const DEFAULT_WAIT_SECONDS = 120;

/** One time for all that is waited for. */
export function deadlineOf(inputs: WaitInputs): () => number {
	const seconds = inputs.waitFor?.timeoutSeconds ?? DEFAULT_WAIT_SECONDS;
	const end = performance.now() + seconds * 1000;
	return () => Math.max(0, (end - performance.now()) / 1000);
}

/**
 * @param macs of the machine's NICs, for the error
 * @throws WaitError when the time is over, or the machine has ended meanwhile
 */
export async function waitForAgent(host: Host, uuid: string, inputs: WaitInputs, macs: string[], left: () => number) {
	if (await untilAgent(host, uuid, left())) return;
	throw new WaitError(await inVain(host, uuid, inputs, macs, "its guest agent"));
}

/**
 * @param nics.macs of the machine's NICs: other interfaces (bridges, containers in the guest) do not count
 * @param nics.own the only addresses that count, where they have been set
 * @param former leases from before the start, which tell nothing of this run
 * @returns addresses by which the machine can be reached
 * @throws WaitError when the time is over, or the machine has ended meanwhile
 */
export async function waitForAddress(
	host: Host,
	uuid: string,
	inputs: WaitInputs,
	{ macs, own }: { macs: string[]; own?: string[] | undefined },
	former: FormerLease[],
	left: () => number,
): Promise<string[]> {
	const how = inputs.waitFor?.address ?? "auto";
	const sources: AddressSource[] = how === "auto" || how === "none" ? ["lease", "agent", "arp"] : [how];
	const counts = (address: string) => own === undefined || own.includes(address);
	const found = await poll(left(), async () =>
		(await isOff(host, uuid)) ? [] : firstAddresses(host, uuid, sources, macs, former, counts),
	);
	if (found?.length) return found;
	const what = how === "auto" ? "an address" : `an address (by ${how})`;
	throw new WaitError(await inVain(host, uuid, inputs, macs, what, await unclaimed(host, former)));
}

/** @returns whether the agent answered within the time */
export async function untilAgent(host: Host, uuid: string, timeoutSeconds: number): Promise<boolean> {
	const answered = await poll(timeoutSeconds, async () => {
		// An agent that is not connected is not asked: each question to a silent one takes its whole deadline.
		const live = await lookLive(host, uuid);
		if (live.liveId === undefined) return false;
		return live.agentConnected && (await pings(host, uuid)) ? true : undefined;
	});
	return answered === true;
}

async function pings(host: Host, uuid: string): Promise<boolean> {
	try {
		await host.domains.agent(uuid, "guest-ping", undefined, { deadlineSeconds: 6 });
		return true;
	} catch {
		return false;
	}
}

/** Whether the machine does not run any more. */
export async function isOff(host: Host, uuid: string): Promise<boolean> {
	const { state } = await host.domains.state(uuid);
	return state === "shutoff" || state === "crashed";
}

/** The addresses that the first source to have any tells; undefined when none has. */
async function firstAddresses(
	host: Host,
	uuid: string,
	sources: AddressSource[],
	macs: string[],
	former: FormerLease[],
	counts: (address: string) => boolean,
) {
	for (const source of sources) {
		const addresses = usableAddresses(await interfaces(host, uuid, source), macs).filter(counts);
		if (addresses.length === 0) continue;
		// The guest itself knows; the host remembers what an earlier run had.
		const stale = source === "agent" ? [] : await unclaimed(host, former);
		const now = addresses.filter((address) => !stale.includes(address));
		if (now.length > 0) return now;
	}
	return undefined;
}

/** What one source tells; nothing from one that cannot answer. */
export async function interfaces(host: Host, uuid: string, source: AddressSource): Promise<InterfaceAddresses[]> {
	if (source === "agent" && !(await lookLive(host, uuid)).agentConnected) return [];
	try {
		return await host.domains.interfaceAddresses(uuid, source, { deadlineSeconds: 10 });
	} catch {
		// A source that cannot answer (no agent, a NIC on no libvirt network) says nothing about the guest.
		return [];
	}
}

/** Addresses of the machine's own NICs by which it can be reached, IPv4 first. */
export function usableAddresses(found: ReadonlyArray<InterfaceAddresses>, macs: ReadonlyArray<string>): string[] {
	const all = found
		.filter(({ mac }) => mac !== undefined && macs.includes(mac.toLowerCase()))
		.flatMap(({ addresses }) => addresses.map(({ address }) => address))
		.filter((address) => !isLocalOnly(address));
	return [...new Set(all)].sort((a, b) => Number(isIPv6(a)) - Number(isIPv6(b)));
}

/** Loopback, link-local and unspecified addresses. */
function isLocalOnly(address: string): boolean {
	return /^(127\.|169\.254\.|0\.0\.0\.0$|::1?$|fe[89ab])/i.test(address);
}

/** What was waited for, and everything that may tell why it did not come. */
async function inVain(
	host: Host,
	uuid: string,
	inputs: WaitInputs,
	macs: string[],
	what: string,
	stale: string[] = [],
): Promise<string> {
	const { name, waitFor } = inputs;
	const seen = await look(host, uuid).catch(() => undefined);
	const off = seen?.active === false;
	const lines = [
		off
			? `${name} went off before it showed ${what}.`
			: `${name} did not show ${what} within ${waitFor?.timeoutSeconds ?? DEFAULT_WAIT_SECONDS} s (waitFor.timeoutSeconds).`,
	];
	const why = off ? await whyOff(host, seen).catch(() => "") : "";
	lines.push(`state: ${seen ? `${seen.state}${why}, accelerator ${acceleratorOf(seen.config.domainType)}` : "gone"}`);
	const complaint = seen?.state === "paused" ? await diskComplaint(host, uuid).catch(() => undefined) : undefined;
	if (complaint !== undefined) lines.push(complaint);
	if (seen?.config.agent === false) lines.push("guest agent: the machine has no channel for it");
	else lines.push(`guest agent: ${seen?.live?.agentConnected ? "connected" : "not connected"}`);
	if (seen?.active && macs.length > 0) {
		for (const source of ["lease", "arp"] as const) {
			const found = await interfaces(host, uuid, source);
			const text = ({ address }: { address: string }) =>
				stale.includes(address) ? `${address} (of an earlier run)` : address;
			const texts = found.map(({ mac, addresses }) => `${mac} ${addresses.map(text).join(" ")}`);
			lines.push(`${source}: ${texts.length > 0 ? texts.join(", ") : `none for ${macs.join(", ")}`}`);
		}
	}
	lines.push(...(await consoleTail(inputs)));
	const next = off
		? "starts it and waits again. Look at its console"
		: "waits again. Look at its console, or wait longer";
	lines.push(`The machine is left as it is; the next \`pulumi up\` ${next}.`);
	return lines.join("\n  ");
}

/** virDomainShutoffReason */
const BY_ITS_GUEST = 1;
const BY_SOMEBODY = 2;
const BY_A_CRASH = 3;

/** How a machine went off, to go after its state. */
async function whyOff(host: Host, { uuid, name }: { uuid: string; name: string }): Promise<string> {
	const { reason } = await host.domains.state(uuid);
	if (reason === BY_ITS_GUEST) return " (its guest shut down)";
	if (reason === BY_SOMEBODY) return " (somebody powered it off)";
	if (reason !== BY_A_CRASH) return "";
	return ` (QEMU itself ended; why is at the end of its log, most often /var/log/libvirt/qemu/${name}.log on the host)`;
}

async function consoleTail({ uri, consoleLog }: WaitInputs): Promise<string[]> {
	if (consoleLog === undefined) return ["console: not logged (consoleLog is not given)"];
	if (!isLocalUri(uri)) return [`console: see ${consoleLog} on the host`];
	try {
		const lines = (await tailOf(consoleLog, 4096)).split(/\r?\n/).map(printable);
		const last = lines.filter((line) => line.trim() !== "").slice(-5);
		return last.length === 0 ? [`console: ${consoleLog} is empty`] : ["console:", ...last.map((line) => `  ${line}`)];
	} catch (error) {
		return [`console: ${consoleLog} cannot be read (${error instanceof Error ? error.message : String(error)})`];
	}
}

async function tailOf(path: string, bytes: number): Promise<string> {
	const file = await open(path, "r");
	try {
		const { size } = await file.stat();
		const length = Math.min(size, bytes);
		const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
		return buffer.toString("utf8");
	} finally {
		await file.close();
	}
}

function printable(line: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal codes are what is to go
	return line.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");
}
