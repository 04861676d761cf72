/** The mark by which a pool knows its accounts: in an attribute of each, readable for administrators. */
import { DirectoryError } from "./errors";
import type { Entry } from "./library";

export function markOf(owner: string): string {
	return `pulumi-libvirt-clones: ${owner}`;
}

/** Whether an entry carries this owner's mark. */
export function isOwn(entry: Entry, attribute: string, owner: string): boolean {
	return valuesOf(entry, attribute).includes(markOf(owner));
}

/** @throws DirectoryError unless the entry carries this owner's mark */
export function requireOwn(
	url: string,
	entry: Entry,
	attribute: string,
	account: { name: string; owner: string },
): void {
	if (isOwn(entry, attribute, account.owner)) return;
	const values = valuesOf(entry, attribute);
	const found =
		values.length === 0 ? "has no" : `has the ${attribute} ${values.map((value) => `"${value}"`).join(", ")}, not the`;
	throw new DirectoryError(
		url,
		"name",
		`got "${account.name}", but that account is somebody else's: ${entry.dn} ${found} mark "${markOf(account.owner)}" in ` +
			`${attribute}. Give the identity another name, or remove that account`,
	);
}

/** The values of an attribute, however its name is capitalised. */
export function valuesOf(entry: Entry, attribute: string): string[] {
	const [, value] = Object.entries(entry).find(([name]) => name.toLowerCase() === attribute.toLowerCase()) ?? [];
	return (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);
}

/** @throws DirectoryError when the mark would not fit into the attribute */
export function requireShortOwner(url: string, owner: string, longest: number): void {
	const { length } = markOf(owner);
	if (length <= longest) return;
	throw new DirectoryError(
		url,
		"owner",
		`got ${length} characters with its prefix; allowed are ${longest}: shorten the names of project, stack and pool`,
	);
}
