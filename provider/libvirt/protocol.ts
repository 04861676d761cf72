/** What the process of the provider and its workers say to each other. Plain JSON. */
import { LibvirtError, type LibvirtErrorDetails } from "./errors";
import type { DomainEvent } from "./events";

/** One call, or the wish to end the one that runs. A worker has at most one call at a time. */
export type ToWorker =
	| {
			type: "call";
			uri: string;
			/** "domains.start" */
			method: string;
			args: unknown[];
			/** The host answered before: wait some seconds for it to come back when it is gone. */
			patient: boolean;
			/** For how long the caller waits without progress; work that can bound itself stays below it. */
			deadlineSeconds: number;
	  }
	| { type: "abort" }
	/** To the worker that waits for events: begin, end. */
	| { type: "watch"; uri: string }
	| { type: "close" };

export type FromWorker =
	| { type: "ready" }
	| { type: "progress"; bytes: number }
	| { type: "result"; value?: unknown }
	| { type: "failure"; error: PlainError }
	| { type: "event"; event: DomainEvent }
	/** The connection to the host is gone, and with it the events. */
	| { type: "disconnected"; reason: string };

/** An error on its way: with `libvirt` it becomes a LibvirtError again. */
export interface PlainError {
	name: string;
	message: string;
	libvirt?: LibvirtErrorDetails | undefined;
}

export function toPlain(error: unknown): PlainError {
	const given = error instanceof Error ? error : new Error(String(error));
	return {
		name: given.name,
		message: given.message,
		libvirt: given instanceof LibvirtError ? given.details() : undefined,
	};
}

export function fromPlain(error: PlainError): Error {
	if (error.libvirt !== undefined) return new LibvirtError(error.libvirt);
	const revived = new Error(error.message);
	revived.name = error.name;
	return revived;
}
