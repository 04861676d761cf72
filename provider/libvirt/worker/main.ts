/**
 * A worker process: opens one connection and runs one call at a time, each of which may block. The provider process
 * kills it when a call takes too long.
 */

import { type ToWorker, toPlain } from "../protocol";
import { close, withConnection } from "./connection";
import { domains } from "./domains";
import { currentCall, initialize } from "./ffi";
import { host } from "./host";
import { networks } from "./networks";
import type { Connection } from "./objects";
import { endWithParent, say } from "./parent";
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

async function call(message: Extract<ToWorker, { type: "call" }>): Promise<void> {
	transfer.aborted = false;
	currentCall.deadlineSeconds = message.deadlineSeconds;
	try {
		const method = methodOf(message.method);
		const value = await withConnection(message.uri, message.patient, (connection) =>
			method(connection, ...(message.args as never[])),
		);
		say({ type: "result", value });
	} catch (error) {
		say({ type: "failure", error: toPlain(error) });
	}
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
	if (message.type === "call") void call(message);
});
initialize();
say({ type: "ready" });
