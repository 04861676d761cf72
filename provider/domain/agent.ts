/** What is done inside a guest through its agent. */

import type { Host } from "../libvirt";
import { LibvirtError } from "../libvirt/errors";
import { networkScript } from "./guest-network";
import { poll } from "./patience";
import type { DomainInputs } from "./schema";

type GuestSetup = NonNullable<DomainInputs["guestSetup"]>;

/** Bytes of a file in one message; the agent reads messages of up to some megabytes. */
const CHUNK_BYTES = 48 * 1024;
const EXEC_SECONDS = 60;

/**
 * Makes every file with its mode before anything is in it, so that nobody else can read what is not for them, and sets
 * the host name. Arguments: the host name ("" for none), then mode and path of each file.
 */
const PREPARE = `set -eu
hostname=$1
shift
while [ $# -gt 1 ]; do
	mkdir -p "$(dirname "$2")"
	(umask 077 && : > "$2")
	chmod "$1" "$2"
	shift 2
done
if [ -n "$hostname" ]; then
	printf '%s\\n' "$hostname" > /etc/hostname
	hostname "$hostname"
fi
`;

/**
 * Sets the host name, writes the files, and gives the NIC its addresses at last. Safe to run again.
 *
 * @param mac of the NIC that `network` is for
 * @throws Error that says which step the guest refused, and what it said
 */
export async function setUpGuest(
	host: Host,
	uuid: string,
	{ hostname, files, network }: GuestSetup,
	mac?: string,
): Promise<void> {
	if (hostname !== undefined || files.length > 0) {
		const args = files.flatMap(({ mode, path }) => [mode, path]);
		await guestExec(host, uuid, "/bin/sh", ["-c", PREPARE, "sh", hostname ?? "", ...args]);
	}
	for (const { path, content, encoding } of files) {
		await writeGuestFile(host, uuid, path, Buffer.from(content, encoding === "base64" ? "base64" : "utf8"));
	}
	if (!network || mac === undefined) return;
	await guestExec(host, uuid, "/bin/sh", ["-c", networkScript(network, mac, { lasting: true })]);
}

/** Replaces the content of a file; its mode stays. */
export async function writeGuestFile(host: Host, uuid: string, path: string, bytes: Buffer): Promise<void> {
	const handle = await ask<number>(host, uuid, "guest-file-open", { path, mode: "w" });
	try {
		for (let start = 0; start < bytes.length; ) {
			const chunk = bytes.subarray(start, start + CHUNK_BYTES);
			const { count } = await ask<{ count: number }>(host, uuid, "guest-file-write", {
				handle,
				"buf-b64": chunk.toString("base64"),
			});
			if (count <= 0) throw new Error(`the guest wrote nothing more of ${path} after ${start} bytes`);
			start += count;
		}
	} finally {
		await ask(host, uuid, "guest-file-close", { handle });
	}
}

/** Runs a program in the guest and waits for its end. @throws Error with its exit code and output when it failed */
export async function guestExec(
	host: Host,
	uuid: string,
	path: string,
	args: string[],
	seconds = EXEC_SECONDS,
): Promise<string> {
	const ended = await runInGuest(host, uuid, path, args, seconds);
	if (!ended) throw new Error(`${path} in the guest has not ended after ${Math.round(seconds)} s`);
	if (ended.succeeded) return ended.stdout;
	throw new Error(`${path} in the guest ended ${ended.how}; it said: ${ended.said || "nothing"}`);
}

/** How a program in a guest ended. */
export interface GuestResult {
	/** Whether its exit code was 0. */
	succeeded: boolean;
	/** "with exit code 1", "by signal 9" */
	how: string;
	stdout: string;
	/** All that it printed, without white space around. */
	said: string;
}

/**
 * @param options.input what it gets on its standard input: no process list shows that
 * @param options.worthAsking what may tell beside the agent that it has ended; it is asked before the agent is
 * @param options.firstMs how long to wait at first before it is asked again whether it has ended, and `slowestMs` at most
 * @returns undefined when it has not ended within the time; it may go on then
 * @throws Error when the agent does not run it
 */
export async function runInGuest(
	host: Host,
	uuid: string,
	path: string,
	args: ReadonlyArray<string>,
	timeoutSeconds: number,
	{
		input,
		worthAsking,
		...pauses
	}: {
		input?: string | undefined;
		worthAsking?: () => Promise<boolean>;
		firstMs?: number;
		slowestMs?: number;
		growth?: number;
	} = {},
): Promise<GuestResult | undefined> {
	const { pid } = await ask<{ pid: number }>(host, uuid, "guest-exec", {
		path,
		arg: args,
		"capture-output": true,
		...(input !== undefined && { "input-data": Buffer.from(input, "utf8").toString("base64") }),
	});
	const whetherEnded = async () => {
		if (worthAsking && !(await worthAsking())) return undefined;
		const status = await ask<ExecStatus>(host, uuid, "guest-exec-status", { pid });
		return status.exited ? status : undefined;
	};
	const ended = await poll(timeoutSeconds, whetherEnded, pauses);
	if (!ended) return undefined;
	const text = (data: string | undefined) => Buffer.from(data ?? "", "base64").toString("utf8");
	const stdout = text(ended["out-data"]);
	return {
		succeeded: ended.exitcode === 0,
		how: ended.exitcode === undefined ? `by signal ${ended.signal}` : `with exit code ${ended.exitcode}`,
		stdout,
		said: `${stdout}${text(ended["err-data"])}`.trim(),
	};
}

interface ExecStatus {
	exited: boolean;
	exitcode?: number;
	signal?: number;
	"out-data"?: string;
	"err-data"?: string;
}

/** How often an agent is asked that has not answered libvirt in time; each takes 5 s. */
const ASKED = 6;

async function ask<T>(host: Host, uuid: string, command: string, args: object, asked = 1): Promise<T> {
	try {
		return await host.domains.agent<T>(uuid, command, args, { deadlineSeconds: 30 });
	} catch (error) {
		if (!(error instanceof LibvirtError)) throw error;
		// On a busy host: the agent has not said that it is there, and has not been sent anything.
		if (asked < ASKED && /not available for now/.test(error.reason)) return ask(host, uuid, command, args, asked + 1);
		const advice = /disabled|not allowed|blacklist|blocked/i.test(error.reason)
			? `. The guest agent's configuration forbids ${command}: allow it in the image`
			: "";
		throw new Error(`guest agent, ${command}: ${error.reason}${advice}`, { cause: error });
	}
}

/** How long a guest may take to notice a vCPU that was plugged in. */
const NOTICE_SECONDS = 10;

/**
 * Puts vCPUs to use that the guest has been given but left aside.
 * @param count how many there are now
 * @returns whether all of them are in use
 */
export async function onlineVcpus(host: Host, uuid: string, count: number): Promise<boolean> {
	interface Vcpu {
		"logical-id": number;
		online: boolean;
	}
	try {
		const done = await poll(NOTICE_SECONDS, async () => {
			const vcpus = await host.domains.agent<Vcpu[]>(uuid, "guest-get-vcpus");
			const offline = vcpus.filter((vcpu) => !vcpu.online);
			if (offline.length === 0) return vcpus.length >= count ? true : undefined;
			const wanted = offline.map((vcpu) => ({ "logical-id": vcpu["logical-id"], online: true }));
			await host.domains.agent(uuid, "guest-set-vcpus", { vcpus: wanted });
			return undefined;
		});
		return done === true;
	} catch (error) {
		if (error instanceof LibvirtError) return false;
		throw error;
	}
}
