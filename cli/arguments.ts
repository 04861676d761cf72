/** Arguments that the commands share. */
import { parseArgs } from "node:util";

export interface Arguments {
	command: string;
	/** What stands behind the command: names. */
	names: string[];
	/** `organization/project/stack` */
	stack: string;
	uri: string;
	/** URI of another host. */
	to: string | undefined;
	/** File with the exported state, or "-". */
	state: string | undefined;
	/** Name of a pool of identities. */
	pool: string | undefined;
	/** Owner id of a lease. */
	owner: string | undefined;
	/** MiB that are sent in a second. */
	bandwidth: string | undefined;
	/** Port that a page is served on. */
	port: string | undefined;
	/** Seconds to wait. */
	timeout: string | undefined;
	/** Folder of a Pulumi project. */
	project: string;
	/** Number of children. */
	count: string | undefined;
	/** What a reset comes to. */
	"on-reset": string | undefined;
	/** Whether what others have changed is brought about as well. */
	"with-pending": boolean;
	yes: boolean;
	help: boolean;
}

/** Commands of two words. */
const GROUPS = ["fork", "identities", "morph"];

/** @throws Error for arguments that are unknown, or a stack that is not said in full */
export function argumentsOf(argv: ReadonlyArray<string>): Arguments {
	const { values, positionals } = parseArgs({
		args: [...argv],
		allowPositionals: true,
		options: {
			stack: { type: "string", default: "" },
			uri: { type: "string", default: process.env.LIBVIRT_DEFAULT_URI || "qemu:///system" },
			to: { type: "string" },
			state: { type: "string" },
			pool: { type: "string" },
			owner: { type: "string" },
			bandwidth: { type: "string" },
			port: { type: "string" },
			timeout: { type: "string" },
			project: { type: "string", default: "." },
			count: { type: "string" },
			"on-reset": { type: "string" },
			"with-pending": { type: "boolean", default: false },
			yes: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	const words = GROUPS.includes(positionals[0] ?? "") ? 2 : 1;
	return {
		...values,
		to: values.to,
		state: values.state,
		pool: values.pool,
		owner: values.owner,
		bandwidth: values.bandwidth,
		port: values.port,
		timeout: values.timeout,
		count: values.count,
		"on-reset": values["on-reset"],
		command: positionals.slice(0, words).join(" "),
		names: positionals.slice(words),
	};
}

/** @throws Error */
export function checkStack(stack: string): void {
	if (/^[^/]+\/[^/]+\/[^/]+$/.test(stack)) return;
	throw new Error(`--stack: got ${JSON.stringify(stack)}; allowed is organization/project/stack`);
}

/** @throws Error */
export function bandwidthOf(bandwidth: string | undefined): number | undefined {
	if (bandwidth === undefined) return undefined;
	if (/^[1-9]\d{0,6}$/.test(bandwidth)) return Number(bandwidth);
	throw new Error(`--bandwidth: got ${JSON.stringify(bandwidth)}; allowed is a number of MiB/s from 1 to 9999999`);
}

/** @returns 0, for any that is free, where none is given @throws Error */
export function portOf(port: string | undefined): number {
	if (port === undefined) return 0;
	if (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535) return Number(port);
	throw new Error(`--port: got ${JSON.stringify(port)}; allowed is a number from 1 to 65535`);
}

/** @throws Error */
export function countOf(count: string | undefined): number | undefined {
	if (count === undefined) return undefined;
	if (/^\d{1,6}$/.test(count) && Number(count) <= 100_000) return Number(count);
	throw new Error(`--count: got ${JSON.stringify(count)}; allowed is a number of children from 0 to 100000`);
}

/** @throws Error */
export function onResetOf(onReset: string | undefined): "boot" | "refork" | undefined {
	if (onReset === undefined || onReset === "boot" || onReset === "refork") return onReset;
	throw new Error(`--on-reset: got ${JSON.stringify(onReset)}; allowed is boot or refork`);
}

/** @throws Error */
export function timeoutOf(timeout = "600"): number {
	if (/^[1-9]\d{0,6}$/.test(timeout)) return Number(timeout);
	throw new Error(`--timeout: got ${JSON.stringify(timeout)}; allowed is a number of seconds from 1 to 9999999`);
}
