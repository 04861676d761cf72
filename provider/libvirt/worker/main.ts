/**
 * A worker process: opens one connection and runs one call at a time, each of which may block. The provider process
 * kills it when a call takes too long.
 */

import { LibvirtError } from "../errors";
import type { FromWorker, PlainError, ToWorker } from "../protocol";
import { close, withConnection } from "./connection";
import { domains } from "./domains";
import { currentCall, initialize } from "./ffi";
import { host } from "./host";
import { koffi } from "./koffi";
import { networks } from "./networks";
import type { Connection } from "./objects";
import { pools } from "./pools";
import { transfer } from "./streams";
import { trial } from "./trial";
import { volumes } from "./volumes";

type Method = (connection: Connection, ...args: never[]) => unknown;

const groups: Record<string, Record<string, Method>> = { domains, networks, pools, volumes, host, ...trial() };

function methodOf(name: string): Method {
	const [group = "", method = ""] = name.split(".");
	const found = groups[group]?.[method];
	if (found === undefined) throw new Error(`the worker knows no ${name}`);
	return found;
}

function say(message: FromWorker): void {
	if (process.connected) process.send?.(message);
}

function plain(error: unknown): PlainError {
	const given = error instanceof Error ? error : new Error(String(error));
	return {
		name: given.name,
		message: given.message,
		stack: given.stack,
		libvirt: given instanceof LibvirtError ? given.details() : undefined,
	};
}

async function call(message: ToWorker & { type: "call" }): Promise<void> {
	transfer.aborted = false;
	currentCall.deadlineSeconds = message.deadlineSeconds;
	try {
		const method = methodOf(message.method);
		const value = await withConnection(message.uri, message.patient, (connection) =>
			method(connection, ...(message.args as never[])),
		);
		say({ type: "result", value });
	} catch (error) {
		say({ type: "failure", error: plain(error) });
	}
}

/**
 * The kernel ends the worker with its parent, also while it is blocked in a call (elsewhere than on Linux it ends after
 * that call). 1 is PR_SET_PDEATHSIG.
 */
function endWithParent(): void {
	if (process.platform !== "linux") return;
	const parent = process.ppid;
	koffi.load(null).func("int prctl(int option, ulong signal, ulong, ulong, ulong)")(1, 9, 0, 0, 0);
	if (process.ppid !== parent || !process.connected) process.exit();
}

endWithParent();
transfer.progress = (bytes) => say({ type: "progress", bytes });
process.on("disconnect", () => {
	transfer.aborted = true;
	close();
	process.exit();
});
process.on("message", (message: ToWorker) => {
	if (message.type === "abort") transfer.aborted = true;
	else void call(message);
});
initialize();
say({ type: "ready" });
