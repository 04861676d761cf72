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
import { endHeard, PORT_FILE, type Told } from "./ask";
import type { ForkedFacts, ForkedInputs } from "./forked";
import { credentialsOf } from "./membership";
import type { Pluggable } from "./plug";
import { ImpostorError } from "./quarantine";
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
const TOO_OLD = "its fork point was made by an earlier version of this package; make it anew";
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

/** What a child is by its own account; `credentials` is the hash of the file that the account is proven by. */
export type Account = Pick<ForkedFacts, "hostname" | "machineId" | "hostKeys" | "random" | "clockOffsetSeconds"> & {
	credentials: string;
};

/**
 * Makes a child somebody, in one call.
 * @param tells whether its scripts tell of their end on the port
 * @throws Error when a step fails in it
 */
export async function become(
	host: Host,
	uuid: string,
	identity: Identity,
	seconds: number,
	tells: boolean,
): Promise<Account> {
	const { paths, input } = identityText(identity);
	const by = coreBecomes(["become"], paths);
	return accountOf(await script(host, uuid, "become", [], seconds, { by, input: `${seed()}${input}`, tells }));
}

/** Removes what is to be put, and gives its place to the program behind. */
function coreBecomes(how: string[], paths: string[]): string[] {
	return [`${FOLDER}/core`, ...how, (Date.now() / 1000).toFixed(3), ...paths, "--"];
}

function seed(): string {
	return `${randomBytes(64).toString("base64")}\n`;
}

function accountOf(said: Said): Account {
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
 * Makes a child somebody, and then NIC, licence, commands and services, in this order; in one call where it can tell who it
 * is before the call has ended.
 * @param known compares its account, and plugs its NIC in then
 * @returns what `known` does, addresses with their prefixes, and what the licence came to
 * @throws ImpostorError when it has another address than its identity; nothing has run in it then
 * @throws Error when a step fails, and what `known` throws
 */
export async function becomeConnected<Known>(
	host: Host,
	uuid: string,
	inputs: ForkedInputs,
	{ mac, bringUp }: Pick<Pluggable, "mac" | "bringUp">,
	left: () => number,
	tells: boolean,
	known: (account: Account) => Promise<Known>,
): Promise<{ known: Known; connected: Pick<ForkedFacts, "addresses" | "licence"> }> {
	const { ips, licence, commands, restart } = inputs;
	const own = mac === undefined ? undefined : networkOf(inputs);
	const isNow = own !== undefined || inputs.addressLater === true;
	const wanted = (own?.addresses ?? ips).map(compared);
	const args = () => [
		// The guest gives up first, and says what it has waited for.
		String(Math.max(1, Math.floor(left() - 5))),
		mac ?? "none",
		inputs.addressLater ? "none" : wanted.length === 0 ? "any" : wanted.join(","),
		...restart,
	];
	const work = `${licence ? licenceText(licence) : ""}${commandsText(commands)}`;
	const linked = isNow ? undefined : bringUp;
	let found: { known: Known } | undefined;
	const somebody = async (account: Account) => {
		found = { known: await known(account) };
		if (isNow) await bringUp?.();
		if (own) await guestExec(host, uuid, "/bin/sh", ["-c", networkScript(own, mac!, { lasting: false })], left());
	};
	let said: Said;
	if (tells && mac !== undefined) {
		const { paths, input } = identityText(inputs);
		said = await script(host, uuid, "become", args(), left(), {
			by: coreBecomes(["become-on", PORT_FILE], paths),
			input: `${seed()}${input}work ${quoted(work)}\n`,
			tells,
			somebody: (text) => somebody(accountOf(linesOf(text))),
			linked,
			stage: () => (found ? "connect" : "become"),
		});
	} else {
		await somebody(await become(host, uuid, inputs, left(), tells));
		const input = work === "" ? undefined : work;
		said = await script(host, uuid, "connect", args(), left(), { input, tells, linked });
	}
	if (!found) throw new ImpostorError("the child has not said who it is");
	const addresses = said.filter(([name]) => name === "address").map(([, value]) => value);
	if (mac !== undefined) verifyAddress(addresses, own?.addresses ?? ips, own && "which it was to set by itself");
	const done = Number(said.find(([name]) => name === "commands")?.[1] ?? 0);
	if (done !== commands.length) {
		throw new Error(`${done} of ${commands.length} commands have run in the guest: ${TOO_OLD}`);
	}
	const outcome = said.find(([name]) => name === "licence")?.[1] ?? "";
	const renewed = licence && { licence: { id: licence.id, outcome: outcome.slice(0, LONGEST_OUTCOME) } };
	return { known: found.known, connected: { addresses, ...renewed } };
}

/** What its NIC is to be set to; undefined where a DHCP server says it. */
function networkOf({ network, address, gateway }: ForkedInputs): GuestNetwork | undefined {
	if (network || address === undefined) return network;
	return { addresses: [address], gateways: gateway === undefined ? [] : [gateway], nameservers: [] };
}

function licenceText({ id, command, timeoutSeconds }: NonNullable<ForkedInputs["licence"]>): string {
	return `licence ${commandsText([[id, "timeout", String(timeoutSeconds), ...command]])}`;
}

/** The identity as `become` runs it, and which files it puts. */
export function identityText(identity: Identity): { paths: string[]; input: string } {
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
		["named", hostname],
		...(machineId === undefined ? [] : [["numbered", machineId]]),
		...all.map(({ mode, path, content, encoding }) =>
			isBytes(content, encoding)
				? ["put64", mode.padStart(4, "0"), path, bytes(content, encoding)]
				: ["put", mode.padStart(4, "0"), path, content],
		),
		...(credentials ? [["show", credentials.path]] : []),
	];
	const input = commands.map(([name, ...values]) => `${[name, ...values.map(quoted)].join(" ")}\n`).join("");
	return { paths: all.map(({ path }) => path), input };
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

interface How extends Told {
	/** A program and its arguments, which runs the script. */
	by?: string[];
	input?: string | undefined;
	tells?: boolean;
	/** Where it is, for complaints: its name, unless it goes on as another script. */
	stage?: () => string;
}

/** Lines, as key and value. */
type Said = Array<[string, string]>;

/** @returns what it said */
async function script(
	host: Host,
	uuid: string,
	name: string,
	args: string[],
	seconds: number,
	{ by = [], input, tells = false, stage = () => name, ...told }: How = {},
): Promise<Said> {
	const how = tells ? { ...LISTENING, worthAsking: endHeard(host, uuid, told) } : PAUSES;
	const [program, ...rest] = [...by, `${FOLDER}/${name}`, ...args];
	const ended = await runInGuest(host, uuid, program!, rest, seconds, { input, ...how });
	if (!ended) throw new Error(`${stage()} in the guest has not ended within ${Math.round(seconds)} s`);
	if (ended.said.startsWith("core: allowed are")) throw new Error(`${stage()} is not known in the guest: ${TOO_OLD}`);
	if (!ended.succeeded)
		throw new Error(`${stage()} in the guest ended ${ended.how}; it said: ${ended.said || "nothing"}`);
	return linesOf(ended.stdout);
}

function linesOf(text: string): Said {
	return text
		.split("\n")
		.filter((line) => line.includes(" "))
		.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()]);
}
