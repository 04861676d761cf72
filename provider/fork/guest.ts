/** What is done inside a guest before and after a fork, by the scripts in `guest/fork`. */

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { guestExec, runInGuest, setUpGuest } from "../domain/agent";
import { type GuestNetwork, networkScript } from "../domain/guest-network";
import { poll } from "../domain/patience";
import { compared } from "../identity/addresses";
import type { Host } from "../libvirt";
import { quoted } from "../shell";
import { endHeard } from "./ask";
import type { ForkedFacts, ForkedInputs } from "./forked";
import { credentialsOf } from "./membership";
import type { Plugged } from "./plug";
import { keyHash, verifyAddress } from "./verify";

/** Where the scripts are in the guest: on its disk, since /run may forbid programs. */
export const FOLDER = "/usr/local/lib/pulumi-libvirt-clones";
/** Where they are in this package. */
const SOURCE = join(__dirname, "..", "..", "..", "guest");
/** A child is waited for: asked often. */
const PAUSES = { firstMs: 20, slowestMs: 150 };
/** One that is listened to, which costs it nothing. */
const LISTENING = { firstMs: 8, slowestMs: 100, growth: 1.02 };
/** Of what a licence came to: more is for the log of its server. */
const LONGEST_OUTCOME = 200;
const PROGRAMS = ["before-fork", "become", "connect", "ending", "fork-now", "identified", "services"].map(
	(name) => `fork/${name}`,
);
const UNITS = ["fork/clones-identified.target", "fork/clones-identity.service"];

/** Puts the scripts on the disk of a parent, from which all children have them. */
export async function installScripts(host: Host, uuid: string): Promise<void> {
	const read = (name: string) => readFile(join(SOURCE, name), "utf8");
	const files = await Promise.all([
		...[...PROGRAMS, "info-get", ...UNITS].map(async (name) => ({
			path: `${FOLDER}/${basename(name)}`,
			content: await read(name),
			mode: UNITS.includes(name) ? "0644" : "0755",
			encoding: "text" as const,
		})),
		{
			path: `${FOLDER}/core`,
			content: (await read("fork/core.base64")).replace(/\s/g, ""),
			mode: "0755",
			encoding: "base64" as const,
		},
	]);
	await setUpGuest(host, uuid, { files });
}

/** The last that the parent does. @throws Error with what the guest said */
export async function beforeFork(host: Host, uuid: string, services: string[], seconds: number): Promise<void> {
	await script(host, uuid, "before-fork", services, seconds);
}

type Identity = Pick<ForkedInputs, "hostname" | "machineId" | "hostKeys" | "files" | "lease">;

/**
 * Makes a child somebody, in one call.
 * @param tells whether its scripts tell of their end on the port
 * @returns what it has now, by its own account; `credentials` is the hash of the file that its account is proven by
 * @throws Error when a step fails in it
 */
export async function become(
	host: Host,
	uuid: string,
	identity: Identity,
	seconds: number,
	tells: boolean,
): Promise<
	Pick<ForkedFacts, "hostname" | "machineId" | "hostKeys" | "random" | "clockOffsetSeconds"> & { credentials: string }
> {
	const said = await script(host, uuid, "become", [], seconds, {
		input: identityText(identity, Date.now() / 1000),
		tells,
	});
	const one = (key: string) => said.find(([name]) => name === key)?.[1] ?? "";
	const [random = ""] = one("random").split(" ");
	const [credentials = ""] = one("shown").split(" ");
	return {
		hostname: one("hostname"),
		machineId: one("machineId"),
		hostKeys: said.filter(([name]) => name === "hostKey").map(([, publicKey]) => keyHash(publicKey)),
		random,
		credentials,
		clockOffsetSeconds: Math.round((timeOf(one("time"), one("uptime")) - Date.now() / 1000) * 1000) / 1000,
	};
}

/** Seconds since 1970 at the end: what the clock was before, and what has passed since by the uptime. */
function timeOf(time: string, uptime: string): number {
	const [clock = 0, began = 0] = time.split(" ").map(Number.parseFloat);
	return clock + (Number.parseFloat(uptime) || began) - began;
}

/**
 * NIC, licence, commands and services, in this order.
 * @returns addresses with their prefixes, and what the licence came to
 * @throws ImpostorError when it has another address than its identity; nothing has run in it then
 */
export async function connectGuest(
	host: Host,
	uuid: string,
	{ mac, bringUp }: Plugged,
	inputs: ForkedInputs,
	seconds: number,
	tells: boolean,
): Promise<Pick<ForkedFacts, "addresses" | "licence">> {
	const { ips, licence, commands, restart } = inputs;
	const own = mac === undefined ? undefined : networkOf(inputs);
	const isNow = own !== undefined || inputs.addressLater === true;
	if (isNow) await bringUp?.();
	if (own) await guestExec(host, uuid, "/bin/sh", ["-c", networkScript(own, mac!, { lasting: false })], seconds);
	const wanted = (own?.addresses ?? ips).map(compared);
	// The guest gives up first, and says what it has waited for.
	const args = [
		String(Math.max(1, Math.floor(seconds - 5))),
		mac ?? "none",
		inputs.addressLater ? "none" : wanted.length === 0 ? "any" : wanted.join(","),
	];
	const lines = `${licence ? licenceText(licence) : ""}${commands.length > 0 ? commandsText(commands) : ""}`;
	const input = lines === "" ? undefined : lines;
	const said = await script(host, uuid, "connect", [...args, ...restart], seconds, {
		input,
		tells,
		linked: isNow ? undefined : bringUp,
	});
	const addresses = said.filter(([name]) => name === "address").map(([, value]) => value);
	if (mac !== undefined) verifyAddress(addresses, own?.addresses ?? ips, own && "which it was to set by itself");
	const done = Number(said.find(([name]) => name === "commands")?.[1] ?? 0);
	if (done !== commands.length) {
		throw new Error(
			`${done} of ${commands.length} commands have run in the guest: its fork point was made by an earlier version of this package; make it anew`,
		);
	}
	const outcome = said.find(([name]) => name === "licence")?.[1] ?? "";
	return {
		addresses,
		...(licence && { licence: { id: licence.id, outcome: outcome.slice(0, LONGEST_OUTCOME) } }),
	};
}

/** What its NIC is to be set to; undefined where a DHCP server says it. */
function networkOf({ network, address, gateway }: ForkedInputs): GuestNetwork | undefined {
	if (network || address === undefined) return network;
	return { addresses: [address], gateways: gateway === undefined ? [] : [gateway], nameservers: [] };
}

function licenceText({ id, command, timeoutSeconds }: NonNullable<ForkedInputs["licence"]>): string {
	return `licence ${commandsText([[id, "timeout", String(timeoutSeconds), ...command]])}`;
}

/** The identity as `become` runs it. */
export function identityText(identity: Identity, now: number): string {
	const { hostname, machineId, hostKeys, files } = identity;
	const credentials = credentialsOf(identity);
	const all = [
		...hostKeys.flatMap(({ type, privateKey, publicKey }) => {
			const path = `/etc/ssh/ssh_host_${type}_key`;
			return [
				{ path, mode: "0600", content: privateKey, encoding: "text" },
				{ path: `${path}.pub`, mode: "0644", content: publicKey, encoding: "text" },
			];
		}),
		...files,
	];
	// What a shell cannot hold is written in another way.
	const isBytes = (content: string, encoding: string) => encoding === "base64" || content.includes("\0");
	const bytes = (content: string, encoding: string) =>
		encoding === "base64" ? content : Buffer.from(content, "utf8").toString("base64");
	const commands = [
		["seed", randomBytes(64).toString("base64")],
		["at", now.toFixed(3), ...all.map(({ path }) => path)],
		["named", hostname],
		...(machineId === undefined ? [] : [["numbered", machineId]]),
		...all.map(({ mode, path, content, encoding }) =>
			isBytes(content, encoding)
				? ["put64", mode.padStart(4, "0"), path, bytes(content, encoding)]
				: ["put", mode.padStart(4, "0"), path, content],
		),
		...(credentials ? [["show", credentials.path]] : []),
	];
	return commands.map(([name, ...values]) => `${[name, ...values.map(quoted)].join(" ")}\n`).join("");
}

/** Commands as `connect` reads them. */
export function commandsText(commands: ReadonlyArray<ReadonlyArray<string>>): string {
	const word = (text: string) => `-${Buffer.from(text, "utf8").toString("base64")}`;
	return commands.map((words) => `${words.map(word).join(" ")}\n`).join("");
}

/** Waits until the agent of a child answers, which it does as soon as the guest runs. */
export async function untilAgentAnswers(host: Host, uuid: string, seconds: number): Promise<boolean> {
	// Unlike guest-ping it is not logged in the guest, which would be the most of its work.
	const answer = () =>
		host.domains.agent(uuid, "guest-sync", { id: 1 }, { deadlineSeconds: 6 }).then(
			() => true,
			() => undefined,
		);
	return (await poll(seconds, answer, { firstMs: 10, slowestMs: 500 })) === true;
}

/** @returns what it said, line by line as key and value */
async function script(
	host: Host,
	uuid: string,
	name: string,
	args: string[],
	seconds: number,
	{ input, tells = false, linked }: { input?: string | undefined; tells?: boolean; linked?: Plugged["bringUp"] } = {},
): Promise<Array<[string, string]>> {
	const how = tells ? { ...LISTENING, worthAsking: endHeard(host, uuid, linked) } : PAUSES;
	const ended = await runInGuest(host, uuid, `${FOLDER}/${name}`, args, seconds, { input, ...how });
	if (!ended) throw new Error(`${name} in the guest has not ended within ${Math.round(seconds)} s`);
	if (!ended.succeeded) throw new Error(`${name} in the guest ended ${ended.how}; it said: ${ended.said || "nothing"}`);
	return ended.stdout
		.split("\n")
		.filter((line) => line.includes(" "))
		.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()]);
}
