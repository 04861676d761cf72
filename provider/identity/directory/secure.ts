/**
 * Encrypted connections to directories. They are made here and not by the LDAP client: it would connect again by itself
 * where a connection is lost, after StartTLS unencrypted.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { authorities } from "./authorities";
import { DirectoryError, reason, resultCode } from "./errors";
import type { Library } from "./library";
import type { ServerSettings } from "./schema";
import { connectionProblem } from "./tls-problems";

const START_TLS = "1.3.6.1.4.1.1466.20037";

/** @throws DirectoryError that says what is wrong with the address, the certificate or its name */
export async function connectSecurely(library: Library, settings: ServerSettings): Promise<TLSSocket> {
	const ca = await authorities(settings);
	const { hostname, port, protocol } = new URL(settings.url);
	const host = hostname.replace(/^\[(.*)\]$/, "$1");
	const encrypted = protocol === "ldaps:";
	const tcp = connectTcp({ host, port: Number(port) || (encrypted ? 636 : 389) });
	try {
		await within(settings, tcp, new Promise((resolve) => tcp.once("connect", resolve)));
		if (!encrypted) await startTls(library, settings, tcp);
		const servername = settings.serverName === undefined ? {} : { servername: settings.serverName };
		const tls = connectTls({ socket: tcp, host, ca, ...servername });
		await within(settings, tls, new Promise((resolve) => tls.once("secureConnect", resolve)));
		return tls;
	} catch (error) {
		tcp.destroy();
		throw connectionProblem(error, settings);
	}
}

async function startTls(library: Library, settings: ServerSettings, tcp: Socket): Promise<void> {
	const timeout = settings.timeoutSeconds * 1000;
	const client = new library.Client({ url: settings.url, timeout, createConnection: () => tcp });
	try {
		await client.exop(START_TLS);
	} catch (error) {
		if (resultCode(error) === undefined) throw error;
		throw new DirectoryError(
			settings.url,
			"startTls",
			`got true, but the directory does not offer StartTLS (${reason(error)}): use ldaps://`,
			{ cause: error },
		);
	}
	// What comes from now on is for TLS alone.
	tcp.removeAllListeners("data");
}

/** Waits for a step of a connection, its failure or the end of patience. */
async function within<T>({ timeoutSeconds }: ServerSettings, socket: Socket, step: Promise<T>): Promise<T> {
	let fail: (error: Error) => void = () => {};
	const failed = new Promise<never>((_resolve, reject) => {
		fail = reject;
	});
	const ended = () => fail(Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }));
	const timer = setTimeout(
		() => fail(Object.assign(new Error(`no answer for ${timeoutSeconds} s`), { code: "ETIMEDOUT" })),
		timeoutSeconds * 1000,
	);
	socket.once("error", fail).once("close", ended);
	try {
		return await Promise.race([step, failed]);
	} finally {
		clearTimeout(timer);
		socket.off("close", ended);
		// An error without a listener would end the process: this one stays until the next has been added.
		socket.on("error", () => {}).off("error", fail);
	}
}
