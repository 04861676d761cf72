/** The worker's connection to its host: opened when first needed, and again when the host's daemon was restarted. */
import { LibvirtError, redact } from "../errors";
import { currentCall, libvirt, noQuestions } from "./ffi";
import { openAdvice } from "./open-advice";
import type { Handle } from "./signatures";

/** How long a daemon that is being restarted is waited for. */
const RETURN_SECONDS = 10;

let open: { uri: string; handle: Handle<"connection"> } | undefined;

/** @param patient wait some seconds for a daemon that does not answer */
function connection(uri: string, patient: boolean): Handle<"connection"> {
	if (open?.uri === uri) return open.handle;
	close();
	currentCall.shownUri = redact(uri);
	const giveUp = Date.now() + RETURN_SECONDS * 1000;
	for (;;) {
		try {
			open = { uri, handle: libvirt.virConnectOpenAuth(uri, noQuestions(), 0) };
			return open.handle;
		} catch (error) {
			if (!(error instanceof LibvirtError)) throw error;
			if (!patient || !isDaemonAway(error) || Date.now() > giveUp) throw explained(error, uri);
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
		}
	}
}

export function close(): void {
	const closing = open;
	open = undefined;
	try {
		if (closing !== undefined) libvirt.virConnectClose(closing.handle);
	} catch {
		// It is broken: that is why it is closed.
	}
}

/**
 * Runs one call. When it shows that the connection was lost, the connection is opened anew and the call repeated, once,
 * provided that this cannot do anything twice: nothing was sent yet, or all that was sent may be sent again.
 */
export async function withConnection<T>(
	uri: string,
	patient: boolean,
	run: (handle: Handle<"connection">) => T | Promise<T>,
): Promise<T> {
	currentCall.acted = false;
	try {
		return await run(connection(uri, patient));
	} catch (error) {
		if (!(error instanceof LibvirtError) || open === undefined || !isConnectionLost(error)) throw error;
		close();
		if (currentCall.acted && !wasNotSent(error)) throw interrupted(error);
	}
	return await run(connection(uri, true));
}

const RPC_ERRORS = ["VIR_ERR_RPC", "VIR_ERR_INVALID_CONN", "VIR_ERR_SYSTEM_ERROR", "VIR_ERR_INTERNAL_ERROR"];
const LOST =
	/broken pipe|end of file while reading|connection reset|client socket is closed|connection closed|cannot (?:write|read|recv) data|invalid connection|keepalive timeout|not connected/i;

/** Whether the error says that the connection to the daemon is gone. */
export function isConnectionLost(error: LibvirtError): boolean {
	if (error.libvirtCode === 6) return true;
	const fromRpc = error.errorDomain === "VIR_FROM_RPC" || error.errorDomain === "VIR_FROM_REMOTE";
	return (fromRpc || RPC_ERRORS.includes(error.errorName)) && LOST.test(error.reason);
}

/** A message that could not be written completely, or not at all, was not acted upon. */
function wasNotSent(error: LibvirtError): boolean {
	return /broken pipe|client socket is closed|cannot write data/i.test(error.reason);
}

function isDaemonAway(error: LibvirtError): boolean {
	return /failed to connect socket|unable to connect to server|connection refused|connection reset|end of file/i.test(
		error.reason,
	);
}

function interrupted(error: LibvirtError): LibvirtError {
	return new LibvirtError({
		...error.details(),
		advice: "The connection was lost during the call: look at the host whether it took effect before repeating it.",
	});
}

function explained(error: LibvirtError, uri: string): LibvirtError {
	return new LibvirtError({
		...error.details(),
		reason: `cannot connect to ${redact(uri)}: ${redact(error.reason)}`,
		advice: openAdvice(error.reason, uri),
	});
}
