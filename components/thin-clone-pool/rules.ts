import type { Rule } from "../../provider/lifecycle";
import { hasUnknown, isUnknown } from "../../provider/unknown";
import { namesRules, poolRule, rollingRule } from "../shared-rules";
import type { ThinClonePoolInputs } from "./schema";

type Customize = NonNullable<ThinClonePoolInputs["customize"]>;

/** Rules across the arguments of a ThinClonePool. */
export const thinClonePoolRules: ReadonlyArray<Rule<ThinClonePoolInputs>> = [
	...namesRules("instances", "clones"),
	rollingRule("onBaseChange"),
	{
		property: "instances",
		needs: [],
		check({ instances, network, domain }) {
			if (network !== undefined || Array.isArray(instances) || isUnknown(instances) || isUnknown(domain))
				return undefined;
			if (isUnknown(domain?.nics) || (domain?.nics ?? []).length > 0) return undefined;
			const [name, own] = Object.entries(instances ?? {}).find(([, { mac }]) => mac !== undefined) ?? [];
			return name === undefined
				? undefined
				: `got the mac ${own!.mac} for ${name}, which has no NIC that could have it; give network or domain.nics as well`;
		},
	},
	poolRule("base", "the clones' volumes"),
	{
		property: "customize",
		needs: [],
		check: ({ customize }) =>
			customize === undefined || hasUnknown(customize) ? undefined : agentComplaint(customize),
	},
	{
		property: "rolling.healthCheck",
		needs: [],
		check: ({ rolling, domain }) =>
			rolling?.healthCheck !== undefined && domain?.agent === false
				? "is done by the guest agent, and domain.agent is false; leave agent out, or make it true"
				: undefined,
	},
	{
		property: "domain.agent",
		needs: [],
		check: ({ customize, domain }) =>
			customize !== undefined && customize.channel === "guest-agent" && domain?.agent === false
				? "got false, and customize.channel is guest-agent; allowed is true, or the channel cloud-init"
				: undefined,
	},
];

/** Rules across the customisation of one clone: the pool's with its own over it. */
export const customizeRules: ReadonlyArray<Rule<Customize>> = [
	{ property: "channel", needs: ["channel"], check: agentComplaint },
];

function agentComplaint(customize: Customize): string | undefined {
	const { channel = "cloud-init" } = customize;
	if (channel === "cloud-init") return undefined;
	const given = (["userData", "networkConfig"] as const).filter((key) => customize[key] !== undefined);
	if (given.length === 0) return undefined;
	return `got ${given.join(" and ")} with the channel ${channel}; allowed with it are hostname and files, or use cloud-init`;
}
