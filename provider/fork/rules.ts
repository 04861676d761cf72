/** Rules across the arguments of a fork point. */
import type { Rule } from "../lifecycle";
import { shown } from "../problems";
import type { ForkPointInputs } from "./schema";

export const rules: ReadonlyArray<Rule<ForkPointInputs>> = [
	{
		property: "base",
		needs: ["base", "parent"],
		check: ({ base, parent }) =>
			(base === undefined) === (parent === undefined)
				? `got ${base === undefined ? "neither base nor parent" : "both base and parent"}; give the image that it boots, or the fork point that it goes on from`
				: undefined,
	},
	{
		property: "domain",
		needs: ["parent", "domain"],
		check: ({ parent, domain }) =>
			parent !== undefined && Object.keys(domain).length > 0
				? `got ${shown(domain)} with a parent, whose hardware it has; leave domain out`
				: undefined,
	},
	{
		property: "domain",
		needs: ["domain"],
		check: ({ domain }) =>
			domain.spareRootPorts !== undefined && /^pc(-i440fx|$)/.test(domain.machine ?? "")
				? `got spareRootPorts ${domain.spareRootPorts} with machine "${domain.machine}", which has no PCI Express ports; leave it out, or take a q35 machine`
				: undefined,
	},
];
