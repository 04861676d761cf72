import { MEMBER_CHECKS } from "../../provider/domain/health-schema";
import type { Rule } from "../../provider/lifecycle";
import { hostCommand, NEEDED } from "../../provider/morph/host-program";
import { shown } from "../../provider/problems";
import { hasUnknown, isUnknown } from "../../provider/unknown";
import { namesRules } from "../shared-rules";
import type { MorphMigrationInputs } from "./schema";

const PLAIN = "allowed is a plain value, as it says which resources there are: take it from the configuration";

/** Rules across the arguments of a MorphMigration; what each machine comes to is checked by a Domain's own. */
export const morphMigrationRules: ReadonlyArray<Rule<MorphMigrationInputs>> = [
	...namesRules("members", "machines"),
	...(["members", "hosts"] as const).map(
		(property): Rule<MorphMigrationInputs> => ({
			property,
			needs: [],
			check(inputs) {
				const [later] = Object.entries(groupsIn<unknown>(inputs[property])).find(([, own]) => isUnknown(own)) ?? [];
				return later === undefined ? undefined : `got an output for ${later}; ${PLAIN}`;
			},
		}),
	),
	{
		property: "hosts",
		needs: [],
		check({ hosts }) {
			const uris = Object.values(groupsIn(hosts)).flatMap((host) => (isUnknown(host) ? [] : (host.uri ?? "")));
			const twice = uris.find((uri, index) => !isUnknown(uri) && uris.indexOf(uri) !== index);
			if (twice === undefined) return undefined;
			const what = twice === "" ? "several hosts without uri" : `${twice} twice`;
			return `got ${what}; allowed is each host once: give each its own uri`;
		},
	},
	{
		property: "hosts",
		needs: [],
		check({ hosts }) {
			// A resource is unknown at this point and knows its pool; a path does not.
			const lacks = ([, host]: [string, Host]) => !isUnknown(host) && host.pool === undefined && !isUnknown(host.base);
			const [name] = Object.entries(groupsIn(hosts)).find(lacks) ?? [];
			return name === undefined
				? undefined
				: `got no pool for ${name}, whose base is not a volume resource; give the pool that the machines' disks are made in`;
		},
	},
	{
		property: "host",
		needs: ["host"],
		check({ host, hosts }) {
			const names = Object.keys(groupsIn(hosts));
			if (host === undefined && names.length > 1) {
				return `is required with several hosts; allowed are ${names.join(", ")}`;
			}
			return notAmong(host, names);
		},
	},
	{
		property: "members",
		needs: [],
		check({ members, hosts }) {
			for (const [name, own] of Object.entries(groupsIn(members))) {
				const complaint = isUnknown(own) ? undefined : notAmong(own.host, Object.keys(groupsIn(hosts)));
				if (complaint !== undefined) return `host of ${name}: ${complaint}`;
			}
			return undefined;
		},
	},
	{
		property: "instanceType",
		needs: [],
		check({ instanceType, count = 0, members }) {
			if (instanceType !== undefined) return undefined;
			const own = Object.entries(groupsIn(members));
			const [without] = own.find(([, member]) => !isUnknown(member) && member.instanceType === undefined) ?? [];
			const named = Array.isArray(members) ? members[0] : without;
			if (count === 0 && named === undefined) return undefined;
			return `is required for ${count > 0 ? "machines that are counted" : named}; give instanceType, or one for each member`;
		},
	},
	{
		property: "members",
		needs: [],
		check({ members, hosts, host, domain }) {
			if (isUnknown(domain) || hasUnknown(domain?.nics) || (domain?.nics ?? []).length > 0) return undefined;
			for (const [name, own] of Object.entries(groupsIn(members))) {
				if (isUnknown(own) || own.mac === undefined) continue;
				const [only] = Object.keys(groupsIn(hosts));
				const place = groupsIn(hosts)[own.host ?? host ?? only ?? ""];
				if (place && !isUnknown(place) && place.network === undefined) {
					return `got the mac ${own.mac} for ${name}, which has no NIC that could have it; give network of its host, or domain.nics`;
				}
			}
			return undefined;
		},
	},
	{
		property: "healthCheck",
		needs: [],
		check({ healthCheck }) {
			if (healthCheck === undefined || isUnknown(healthCheck)) return undefined;
			const given = MEMBER_CHECKS.filter((way) => healthCheck[way] !== undefined);
			if (given.length === 1) return undefined;
			return `got ${given.length === 0 ? "none of them" : given.join(" and ")}; allowed is exactly one of ${MEMBER_CHECKS.join(", ")}`;
		},
	},
	{
		property: "healthCheck",
		needs: ["healthCheck"],
		check: ({ healthCheck, domain }) =>
			healthCheck?.exec !== undefined && !isUnknown(domain) && domain?.agent === false
				? "got exec, which the guest agent runs, and domain.agent is false; leave agent out, or use connect"
				: undefined,
	},
	{
		property: "healthCheck",
		needs: ["healthCheck"],
		check({ healthCheck, hosts }) {
			if (healthCheck?.hostExec === undefined) return undefined;
			const uris = Object.values(groupsIn(hosts)).flatMap((host) => (isUnknown(host) ? [] : (host.uri ?? [])));
			const far = uris.find((uri) => !isUnknown(uri) && hostCommand(uri, [""]) === undefined);
			return far === undefined ? undefined : `got hostExec, and a host is ${far}: ${NEEDED}`;
		},
	},
];

type Host = MorphMigrationInputs["hosts"][string];

/** The named ones; none for a list of names, or for what is only known later. */
function groupsIn<T>(groups: string[] | Record<string, T> | undefined): Record<string, T> {
	return groups === undefined || isUnknown(groups) || Array.isArray(groups) ? {} : groups;
}

function notAmong(host: string | undefined, names: ReadonlyArray<string>): string | undefined {
	if (host === undefined || isUnknown(host) || names.includes(host)) return undefined;
	return `got ${shown(host)}; allowed are ${names.join(", ")} (the names in hosts)`;
}
