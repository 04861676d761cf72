/** What differs between a pool and what is asked for, and what that means. */
import type { Change, State } from "../../lifecycle";
import { difference, membersOf, named } from "./members";
import type { IdentityPoolFacts, IdentityPoolInputs } from "./schema";

type Full = State<IdentityPoolInputs, IdentityPoolFacts>;

/** Pure. */
export function changes(olds: Full | IdentityPoolInputs, news: IdentityPoolInputs): Change[] {
	const found: Change[] = [];
	const differs = (property: keyof IdentityPoolInputs) =>
		JSON.stringify(olds[property]) !== JSON.stringify(news[property]);
	const anew = "the pool is made anew; refused while machines hold identities of it";
	for (const property of ["name", "realm", "encryptionKey"] as const) {
		if (differs(property)) found.push({ property, effect: "replace", note: anew });
	}
	if (placeOf(olds) !== placeOf(news)) found.push({ property: "store", effect: "replace", note: anew });
	else if (differs("store")) found.push({ property: "store", effect: "live", note: "it is reached in another way" });
	if (accountsOf(olds) !== accountsOf(news)) found.push({ property: "directory", effect: "replace", note: anew });
	else if (differs("directory")) {
		found.push({ property: "directory", effect: "live", note: "it is reached in another way" });
	}
	if (differs("domain")) {
		found.push({ property: "domain", effect: "live", note: "counts for accounts that are made or reset from now on" });
	}
	found.push(...memberChanges(olds, news));
	for (const property of ["addressing", "nameservers", "ipv4Network", "ipv6Network"] as const) {
		if (!differs(property) || (olds.addressing !== "static" && news.addressing !== "static")) continue;
		found.push({ property, effect: "live", note: "machines are told with their next start" });
	}
	if (olds.draining !== news.draining) {
		const note = news.draining ? "no identity is given out any more" : "identities are given out again";
		found.push({ property: "draining", effect: "live", note });
	}
	if (differs("quarantined")) {
		const [before, after] = [new Set(olds.quarantined), new Set(news.quarantined)];
		const into = news.quarantined.filter((name) => !before.has(name));
		const out = olds.quarantined.filter((name) => !after.has(name));
		const note = [
			...(into.length > 0 ? [`${named(into)} into quarantine`] : []),
			...(out.length > 0 ? [`${named(out)} out of it, with new credentials`] : []),
		].join("; ");
		found.push({ property: "quarantined", effect: "live", note });
	}
	return found;
}

function memberChanges(olds: Full | IdentityPoolInputs, news: IdentityPoolInputs): Change[] {
	// What is gone from the store, as a refresh has seen, is made again.
	const there = "members" in olds ? new Set(olds.members.map(({ name }) => name)) : undefined;
	const before = quietly(() => membersOf(olds))?.filter(({ name }) => !there || there.has(name));
	const after = quietly(() => membersOf(news));
	if (!before || !after) return [];
	const { added, removed, changed } = difference(before, after);
	const property = news.identities ? "identities" : "count";
	const live = (note: string): Change => ({ property, effect: "live", note });
	return [
		...(added.length > 0 ? [live(`makes ${named(added.map(({ name }) => name))}`)] : []),
		...(removed.length > 0 ? [live(`removes ${named(removed)}; refused while machines hold them`)] : []),
		...(changed.length > 0
			? [
					live(
						`makes ${named(changed.map(({ name }) => name))} anew with other addresses or ids; refused while machines hold them`,
					),
				]
			: []),
	];
}

/** What tells one store from another, however it is reached. */
function placeOf({ store }: IdentityPoolInputs): string {
	const { sqlite, postgres } = store;
	return sqlite ? `sqlite ${sqlite.path}` : `postgres ${postgres?.host} ${postgres?.port} ${postgres?.database}`;
}

/** Where the accounts are. */
function accountsOf({ directory }: IdentityPoolInputs): string {
	if (directory?.activeDirectory) return `activeDirectory ${directory.activeDirectory.ou}`;
	return directory?.ldap ? `ldap ${directory.ldap.baseDn}` : "none";
}

/** undefined where something is not known yet. */
function quietly<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch {
		return undefined;
	}
}
