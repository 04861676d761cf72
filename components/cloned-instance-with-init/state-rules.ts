import type { Rule } from "../../provider/lifecycle";
import { isUnknown } from "../../provider/unknown";
import type { ClonedInstanceWithInitInputs } from "./schema";
import { NIC_SCRIPTS, OWN_SETTINGS, STOPPED_HARDWARE } from "./with-state";

type Check = (inputs: ClonedInstanceWithInitInputs) => string | undefined;

/** Rules about clones that go on in the memory of a machine. */
export const stateRules: ReadonlyArray<Rule<ClonedInstanceWithInitInputs>> = [
	{
		property: "source",
		needs: [],
		check({ source, withState }) {
			if (isUnknown(source) || typeof source !== "object") return undefined;
			if ("forkPoint" in source && withState !== true) {
				return "got a fork point without withState: true; allowed is it with that: clones go on from there, and do not boot";
			}
			return undefined;
		},
	},
	withState("whenSourceBusy", ({ whenSourceBusy }) =>
		whenSourceBusy
			? "is given with withState; allowed is it without: a machine whose state is taken runs, and goes on"
			: undefined,
	),
	withState("elevatedCredentials", ({ elevatedCredentials }) =>
		elevatedCredentials
			? "is given with withState; allowed is it without: a machine's state is taken with one's own access"
			: undefined,
	),
	withState("hosts", ({ hosts }) =>
		hosts ? "is given with withState; allowed is one host: memory is shared where it is" : undefined,
	),
	withState("injectInto", ({ injectInto }) =>
		injectInto !== undefined && injectInto !== "image"
			? `got "${injectInto}" with withState; allowed is "image": the scripts are put into the machine that is stopped`
			: undefined,
	),
	withState("timeoutSeconds", ({ timeoutSeconds: seconds }) =>
		!isUnknown(seconds) && seconds !== undefined && (seconds < 1 || seconds > 3600)
			? `got ${seconds} with withState; allowed is 1 to 3600: a clone gets its NIC only after its scripts of the stage early`
			: undefined,
	),
	withState("domain", ({ domain, source }) => {
		const isBooted = typeof source !== "object";
		const allowed: readonly string[] = isBooted ? [...STOPPED_HARDWARE, ...OWN_SETTINGS] : OWN_SETTINGS;
		// Where nothing is said of it, the type is "auto".
		const { type, ...others } = domain ?? {};
		const keys = Object.keys(type === "auto" ? others : (domain ?? {}));
		const other = keys.find((key) => !allowed.includes(key));
		if (other === undefined) return undefined;
		const why = isBooted
			? "it has no part in a machine that does not boot"
			: "the clones have the hardware of what they go on from";
		return `got ${other} with withState, and ${why}; allowed are ${allowed.join(", ")}`;
	}),
	withState("identifier", ({ identifier }) => tpmIn(identifier)),
	...(["init", "customize", "cleanup"] as const).map((list) =>
		withState(list, (inputs) => {
			for (const [index, script] of (isUnknown(inputs[list]) ? [] : (inputs[list] ?? [])).entries()) {
				if (isUnknown(script)) continue;
				const { library, stage, identifier } = script;
				const complaint = tpmIn(identifier);
				if (complaint !== undefined) return `identifier of [${index}]: ${complaint}`;
				if (library === undefined || !NIC_SCRIPTS.has(library) || (!isUnknown(stage) && stage && stage !== "early"))
					continue;
				return `got ${library} ([${index}]) in the stage early with withState, where a clone has no NIC yet; allowed is it with stage: "network"`;
			}
			return undefined;
		}),
	),
];

function withState(property: string, check: Check): Rule<ClonedInstanceWithInitInputs> {
	return { property, needs: [], check: (inputs) => (inputs.withState === true ? check(inputs) : undefined) };
}

function tpmIn(identifier: unknown): string | undefined {
	return [identifier].flat().includes("tpm")
		? 'got "tpm" with withState; allowed are the other identifiers: what a TPM holds cannot be shared'
		: undefined;
}
