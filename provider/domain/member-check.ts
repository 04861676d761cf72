/** What a member of a set has to show whenever it was made or changed, before the next one's turn. */
import { connect } from "node:net";
import type { Host } from "../libvirt";
import { runOnHost } from "../morph/host-program";
import { type Failure, tailOf, untilHealthy, untilSuccess } from "./health";
import type { MemberCheck } from "./health-schema";
import { lookLive } from "./look";
import { interfaces, usableAddresses } from "./wait";

/** @throws WaitError with the machine and what the last attempt has shown */
export async function checkMember(host: Host, uuid: string, name: string, check: MemberCheck): Promise<void> {
	const { exec, hostExec, connect: to } = check;
	if (exec) return untilHealthy(host, uuid, name, { ...check, exec });
	return untilSuccess(host, uuid, name, check, async (left) =>
		hostExec ? onHost(host, uuid, hostExec, left()) : connection(host, uuid, to!, left()),
	);
}

async function onHost(host: Host, uuid: string, words: string[], seconds: number): Promise<Failure | undefined> {
	const ended = await runOnHost(host.uri, ["env", `MACHINE_UUID=${uuid}`, ...words], Math.max(MIN_SECONDS, seconds));
	if (!ended) return { what: `${words[0]} on the host has not ended` };
	if (ended.succeeded) return undefined;
	return { what: `${words[0]} on the host ended ${ended.how}; it said: ${tailOf(ended.said)}`, ended: true };
}

async function connection(
	host: Host,
	uuid: string,
	{ port, address }: NonNullable<MemberCheck["connect"]>,
	seconds: number,
): Promise<Failure | undefined> {
	const at = address ?? (await addressOf(host, uuid));
	if (at === undefined) return { what: "it has no address to connect to" };
	const error = await refusal(at, port, Math.max(MIN_SECONDS, Math.min(seconds, CONNECT_SECONDS)));
	return error === undefined ? undefined : { what: `${at} port ${port} cannot be connected to: ${error}` };
}

/** One attempt has its time even at the very end. */
const MIN_SECONDS = 1;
const CONNECT_SECONDS = 10;

function refusal(host: string, port: number, seconds: number): Promise<string | undefined> {
	return new Promise((resolve) => {
		const socket = connect({ host, port, timeout: seconds * 1000 });
		const end = (why?: string) => {
			socket.destroy();
			resolve(why);
		};
		socket.once("connect", () => end());
		socket.once("timeout", () => end(`no answer in ${Math.round(seconds)} s`));
		socket.once("error", (error) => end(error.message));
	});
}

/** Its agent knows best; a lease may be that of another host, where the machine was before. */
async function addressOf(host: Host, uuid: string): Promise<string | undefined> {
	const macs = (await lookLive(host, uuid)).nics.flatMap(({ mac }) => mac ?? []);
	for (const source of ["agent", "lease", "arp"] as const) {
		const [address] = usableAddresses(await interfaces(host, uuid, source), macs);
		if (address !== undefined) return address;
	}
	return undefined;
}
