/** Which identities the inputs of a pool amount to. Pure. */
import { listed } from "../../allowed";
import { InputError } from "../../lifecycle";
import { shown } from "../../problems";
import { identitiesFromList, identitiesFromRanges } from "../identities";
import { type NewIdentity, nameKey } from "../identity";
import type { NameLimit } from "../names";
import type { IdentityPoolInputs } from "./schema";

type Spec = Pick<
	IdentityPoolInputs,
	| "count"
	| "names"
	| "macs"
	| "ipv4"
	| "ipv4Network"
	| "ipv4LeaveOut"
	| "ipv6"
	| "ipv6Network"
	| "ipv6LeaveOut"
	| "licenceIds"
	| "identities"
	| "directory"
>;

const OF_RANGES = ["count", "names", "macs", "ipv4", "ipv4LeaveOut", "ipv6", "ipv6LeaveOut", "licenceIds"] as const;

/** NetBIOS has no room for more. */
const COMPUTER_NAME: NameLimit = { characters: 15, of: "a computer name in Active Directory" };

/** @throws InputError that names the property that is wrong */
export function membersOf(spec: Spec): NewIdentity[] {
	const { identities, count, names, directory } = spec;
	const nameLimit = directory?.activeDirectory ? COMPUTER_NAME : undefined;
	const given = OF_RANGES.filter((property) => spec[property] !== undefined);
	if (identities) {
		if (given.length > 0) {
			throw new InputError(
				given[0]!,
				`is given besides identities; allowed is a list of identities, or ranges (${listed(given, "and")}), not both`,
			);
		}
		return identitiesFromList(identities, "identities", { nameLimit });
	}
	if (names === undefined) {
		throw new InputError(
			"names",
			'is missing; allowed is a pattern with a counter, such as "web-{001}", or a list of identities',
		);
	}
	if (count === undefined)
		throw new InputError("count", "is missing; allowed is how many identities names, macs and addresses are for");
	for (const family of ["ipv4", "ipv6"] as const) {
		const about = ([`${family}Network`, `${family}LeaveOut`] as const).find((property) => spec[property] !== undefined);
		if (about === undefined || spec[family] !== undefined) continue;
		throw new InputError(
			about,
			`got ${shown(spec[about])} without ${family}; allowed is that together with ${family}, the ranges of the machines`,
		);
	}
	return identitiesFromRanges({ ...spec, count, names }, { nameLimit });
}

export interface Difference {
	added: NewIdentity[];
	/** Names. */
	removed: string[];
	/** Those that keep their name and get another MAC address, other addresses, another machine-id or another licence id. */
	changed: NewIdentity[];
}

export function difference(olds: ReadonlyArray<NewIdentity>, news: ReadonlyArray<NewIdentity>): Difference {
	const before = new Map(olds.map((identity) => [nameKey(identity.name), identity]));
	const after = new Set(news.map(({ name }) => nameKey(name)));
	return {
		added: news.filter(({ name }) => !before.has(nameKey(name))),
		removed: olds.map(({ name }) => name).filter((name) => !after.has(nameKey(name))),
		changed: news.filter((identity) => {
			const former = before.get(nameKey(identity.name));
			return former !== undefined && !isSame(former, identity);
		}),
	};
}

/** `data` may change while a machine holds the identity; what it is known by may not. A machine-id may be a random one. */
function isSame(former: NewIdentity, { mac, ips = [], machineId = former.machineId, licenceId }: NewIdentity): boolean {
	const [before, after] = [former.ips ?? [], ips].map((list) => [...list].sort().join());
	return former.mac === mac && before === after && former.machineId === machineId && former.licenceId === licenceId;
}

/** "web-001, web-002 and 8 more". */
export function named(names: ReadonlyArray<string>): string {
	const [first, last] = [names[0], names.at(-1)];
	if (names.length <= 3) return names.join(", ");
	return `${first} to ${last} (${names.length})`;
}
