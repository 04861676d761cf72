/** Rules across the arguments of a fork point. */
import type { Rule } from "../lifecycle";
import { shown } from "../problems";
import type { ForkPointInputs } from "./schema";

export const rules: ReadonlyArray<Rule<ForkPointInputs>> = [
	{
		property: "base",
		needs: ["base", "parent", "source"],
		check(inputs) {
			const given = (["base", "parent", "source"] as const).filter((name) => inputs[name] !== undefined);
			if (given.length === 1) return undefined;
			return `got ${given.length === 0 ? "neither base nor parent nor source" : given.join(" and ")}; give one: the image that it boots, the fork point that it goes on from, or the machine that it goes on from as a copy`;
		},
	},
	{
		property: "takeTrigger",
		needs: ["source", "takeTrigger"],
		check: ({ source, takeTrigger }) =>
			takeTrigger !== undefined && source === undefined
				? `got ${shown(takeTrigger)} without a source; it has a machine taken anew: leave it out`
				: undefined,
	},
	{
		property: "trigger",
		needs: ["source", "trigger"],
		check: ({ source, trigger }) =>
			source !== undefined && trigger === "guest"
				? 'got "guest" with a source, whose machine has no port to ask on; allowed is "provider"'
				: undefined,
	},
	{
		property: "domain",
		needs: ["parent", "source", "domain"],
		check: ({ parent, source, domain }) =>
			(parent ?? source) !== undefined && Object.keys(domain).length > 0
				? `got ${shown(domain)} with a ${parent === undefined ? "source" : "parent"}, whose hardware it has; leave domain out`
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
