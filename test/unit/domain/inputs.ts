import { withDefaults } from "../../../provider/domain/defaults";
import { type DomainFacts, type DomainInputs, domainSchema } from "../../../provider/domain/schema";
import type { CommonInputs, State } from "../../../provider/lifecycle";

export type Given = Partial<Record<keyof DomainInputs, unknown>>;

export const common: CommonInputs = { uri: "qemu:///system", ownerId: "org/project/stack/m" };

/** Inputs as `check` makes them of what a program gives. */
export function inputsOf(given: Given = {}): DomainInputs {
	return withDefaults(domainSchema.parse({ ...common, name: "m", ...given }));
}

/** The state of a machine that was made with these inputs. */
export function stateOf(inputs: DomainInputs, facts: Partial<DomainFacts> = {}): State<DomainInputs, DomainFacts> {
	return {
		...inputs,
		uuid: "11111111-1111-4111-8111-111111111111",
		macs: (inputs.nics ?? []).map((nic, index) => nic.mac ?? `52:00:00:00:00:0${index}`),
		addresses: [],
		accelerator: "qemu",
		timings: { defineMs: 1 },
		...facts,
	};
}
