/** What the process of the provider and its workers say to each other. Plain JSON. */
import type { LibvirtErrorDetails } from "./errors";

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
	| { type: "abort" };

export type FromWorker =
	| { type: "ready" }
	| { type: "progress"; bytes: number }
	| { type: "result"; value?: unknown }
	| { type: "failure"; error: PlainError };

/** An error on its way: with `libvirt` it becomes a LibvirtError again. */
export interface PlainError {
	name: string;
	message: string;
	stack?: string | undefined;
	libvirt?: LibvirtErrorDetails | undefined;
}
