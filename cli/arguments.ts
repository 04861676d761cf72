/** Arguments that the commands share. */
import { parseArgs } from "node:util";

export interface Arguments {
	command: string;
	/** `organization/project/stack` */
	stack: string;
	uri: string;
	/** File with the exported state, or "-". */
	state: string | undefined;
	yes: boolean;
	help: boolean;
}

/** @throws Error for arguments that are unknown, or a stack that is not said in full */
export function argumentsOf(argv: ReadonlyArray<string>): Arguments {
	const { values, positionals } = parseArgs({
		args: [...argv],
		allowPositionals: true,
		options: {
			stack: { type: "string", default: "" },
			uri: { type: "string", default: process.env.LIBVIRT_DEFAULT_URI || "qemu:///system" },
			state: { type: "string" },
			yes: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	return { ...values, state: values.state, command: positionals.join(" ") };
}

/** @throws Error */
export function checkStack(stack: string): void {
	if (/^[^/]+\/[^/]+\/[^/]+$/.test(stack)) return;
	throw new Error(`--stack: got ${JSON.stringify(stack)}; allowed is organization/project/stack`);
}
