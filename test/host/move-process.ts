/** Applies inputs to a machine, in a process that a test kills in the middle. */
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { connect } from "../../provider/libvirt";
import type { Full } from "./domain-lab";

process.once("message", async ({ state, inputs }: { state: Full; inputs: DomainInputs }) => {
	const context = { host: connect(inputs.uri), log: () => {} };
	await domain.update(state.uuid, state, inputs, context);
	process.exit(0);
});
