/**
 * Applies inputs to a machine, in a process that is killed (SIGKILL) before or after one of the calls that change something
 * on its hosts; or, given none, lives to tell how many such moments there are, or why it was refused.
 */
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { connect } from "../../provider/libvirt";
import type { Full } from "./domain-lab";

export interface Task {
	state: Full;
	inputs: DomainInputs;
	/** 1 and up: before the first call, after it, before the second, ... */
	diesAt?: number;
}

const CHANGING = [
	...(["setVcpus", "setMemory", "updateDevice", "attachDevice", "detachDevice", "setMetadata", "define"] as const),
	...(["migrate", "save", "restore", "resume", "undefine", "start", "blockResize"] as const),
];

process.once("message", async ({ state, inputs, diesAt }: Task) => {
	let moments = 0;
	const live = () => {
		if (++moments === diesAt) process.kill(process.pid, "SIGKILL");
	};
	for (const uri of new Set([state.uri, inputs.uri])) {
		const { domains } = connect(uri);
		for (const name of CHANGING) {
			const call = domains[name].bind(domains) as (...given: unknown[]) => Promise<unknown>;
			const dying = async (...given: unknown[]) => {
				live();
				const result = await call(...given);
				live();
				return result;
			};
			Object.assign(domains, { [name]: dying });
		}
	}
	const refused = await domain.update(state.uuid, state, inputs, { host: connect(inputs.uri), log: () => {} }).then(
		() => undefined,
		(error: Error) => error.message,
	);
	process.send!({ moments, refused });
	process.exit(refused === undefined ? 0 : 1);
});
