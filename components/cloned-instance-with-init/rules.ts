import type { Rule } from "../../provider/lifecycle";
import { hasUnknown, isUnknown } from "../../provider/unknown";
import { namesRules, poolRule } from "../shared-rules";
import { hostRules } from "./host-rules";
import type { ClonedInstanceWithInitInputs } from "./schema";
import { stateRules } from "./state-rules";
import { windowsRules } from "./windows-rules";

const poolOfVolume = poolRule("source", "the image and the clones' disks");

/** Rules across the arguments of a ClonedInstanceWithInit; those of its scripts are in `script-rules.ts`. */
export const clonedInstanceWithInitRules: ReadonlyArray<Rule<ClonedInstanceWithInitInputs>> = [
	...namesRules("instances", "clones"),
	{
		...poolOfVolume,
		// A fork point that is a resource knows its pool, too.
		check: (inputs) => (isUnknown(forkPointOf(inputs.source)) ? undefined : poolOfVolume.check(inputs)),
	},
	...hostRules,
	...stateRules,
	...windowsRules,
	{
		property: "instanceIds",
		needs: ["instanceIds"],
		check: ({ instanceIds: { from = 0, to } = { from: 0 } }) =>
			to !== undefined && to < from
				? `got ${from} to ${to}; allowed is a range whose end is not before its start`
				: undefined,
	},
	{
		property: "whenSourceBusy",
		needs: [],
		check: ({ whenSourceBusy, source }) =>
			whenSourceBusy !== undefined && !isUnknown(source) && typeof source === "string"
				? "is given, and source is a volume; allowed is it with a source domain"
				: undefined,
	},
	{
		property: "whenSourceBusy.action",
		needs: [],
		check: ({ whenSourceBusy }) =>
			!isUnknown(whenSourceBusy) && isUnknown(whenSourceBusy?.action)
				? "got an output; allowed is a plain value, as it says which resources there are"
				: undefined,
	},
	{
		property: "whenSourceBusy.action",
		needs: [],
		check: ({ whenSourceBusy, injectInto = "image" }) =>
			!isUnknown(whenSourceBusy) && whenSourceBusy?.action === "powerOn" && injectInto !== "source"
				? `got "powerOn" with injectInto "${injectInto}", for which a source that is off stays off; allowed is it with injectInto: "source"`
				: undefined,
	},
	...(["afterClone", "elevatedCredentials"] as const).map(
		(property): Rule<ClonedInstanceWithInitInputs> => ({
			property,
			needs: [],
			check: (inputs) =>
				inputs[property] !== undefined && !isDomain(inputs.source)
					? "is given, and source is a volume; allowed is it with a source domain"
					: undefined,
		}),
	),
	{
		property: "elevatedCredentials",
		needs: [],
		check: ({ elevatedCredentials }) =>
			elevatedCredentials && Object.keys(elevatedCredentials).length === 0
				? "got neither uri nor authFile; give at least one of them"
				: undefined,
	},
	{
		property: "injectInto",
		needs: ["injectInto", "onScriptChange"],
		check({ injectInto, hosts, onScriptChange = "keep" }) {
			if (injectInto !== "source") return undefined;
			if (hosts !== undefined) return 'got "source" with hosts; allowed is "image", which is brought to each of them';
			if (onScriptChange === "keep") return undefined;
			return `got "source" with onScriptChange "${onScriptChange}"; allowed is "keep": a source on which clones stand gets no other scripts`;
		},
	},
	{
		property: "injectInto",
		needs: ["injectInto", "onScriptChange", "afterwards"],
		check({ injectInto, onScriptChange, afterwards }) {
			if (injectInto !== "seed") return undefined;
			if (onScriptChange === "replace") {
				return 'got "seed" with onScriptChange "replace"; allowed are "keep", "rerun" and "parametersOnly", or "image"';
			}
			if (afterwards !== "remove") return undefined;
			return 'got "seed" with afterwards "remove"; allowed are "keep" and "disable", or "image": on the seed the scripts stay';
		},
	},
	{
		property: "relations.server",
		needs: ["relations", "count", "instances"],
		check({ relations, count = 0, instances }) {
			if (!relations) return undefined;
			const { server = "0" } = relations;
			const named = Array.isArray(instances) ? instances : Object.keys(instances ?? {});
			if (named.includes(server) || (/^(0|[1-9]\d*)$/.test(server) && Number(server) < count)) return undefined;
			const all = [...(count > 0 ? [`0 to ${count - 1}`] : []), ...named];
			return `got ${JSON.stringify(server)}, which is none of the clones; allowed are ${all.join(", ")}`;
		},
	},
	{
		property: "relations.clientsWait",
		needs: ["relations", "timeoutSeconds"],
		check: ({ relations, timeoutSeconds }) =>
			relations?.clientsWait === true && timeoutSeconds === 0
				? "got true with timeoutSeconds 0, where nothing is waited for; allowed is false, or a time-out"
				: undefined,
	},
	{
		property: "domain.agent",
		needs: ["domain", "timeoutSeconds"],
		check: ({ domain, timeoutSeconds }) =>
			domain?.agent === false && timeoutSeconds !== 0
				? "got false, and the guest agent tells what has become of the scripts; allowed is true, or timeoutSeconds: 0"
				: undefined,
	},
	{
		property: "identifier",
		needs: ["identifier"],
		check: (inputs) => firstComplaint([inputs.identifier ?? []].flat(), inputs),
	},
	...(["init", "customize", "cleanup"] as const).map(
		(list): Rule<ClonedInstanceWithInitInputs> => ({
			property: list,
			needs: [],
			check(inputs) {
				for (const [index, script] of (isUnknown(inputs[list]) ? [] : (inputs[list] ?? [])).entries()) {
					if (isUnknown(script) || hasUnknown(script.identifier)) continue;
					const complaint = firstComplaint([script.identifier ?? []].flat(), inputs);
					if (complaint !== undefined) return `identifier of [${index}]: ${complaint}`;
				}
				return undefined;
			},
		}),
	),
];

function forkPointOf(source: unknown): unknown {
	return typeof source === "object" && source !== null && "forkPoint" in source ? source.forkPoint : undefined;
}

function isDomain(source: unknown): boolean {
	return typeof source === "object" && source !== null && "domain" in source;
}

/** What the clones do not have of the hardware that they are to be known by. */
function firstComplaint(
	identifiers: ReadonlyArray<string>,
	{ domain, network }: Pick<ClonedInstanceWithInitInputs, "domain" | "network">,
): string | undefined {
	if (isUnknown(domain) || hasUnknown(domain?.nics)) return undefined;
	const nics = (domain?.nics?.length ?? 0) + (network === undefined ? 0 : 1);
	for (const text of identifiers) {
		const [kind, argument = "0"] = text.split(" ");
		if (kind === "mac" && Number(argument) >= nics) {
			const have = nics === 0 ? "no NIC" : nics === 1 ? "one NIC" : `${nics} NICs`;
			return `got ${JSON.stringify(text)}, and the clones have ${have}; allowed is one of theirs (0 is the first): give network or domain.nics, or identify them by uuid`;
		}
		if (kind === "disk-serial" && argument !== "0") {
			return `got ${JSON.stringify(text)}; allowed is disk-serial 0: the clones' own disk is their first and only one`;
		}
	}
	return undefined;
}
