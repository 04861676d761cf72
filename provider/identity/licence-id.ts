/** Ids of licences: which one a machine uses, by whatever name its vendor gives it. The key of a product is a secret. */
import { InputError } from "../lifecycle";
import { shown } from "../problems";

const LONGEST = 256;
/** What a line of text, an environment variable and a URL's query all carry. */
const LINE = /^[!-~]([ -~]*[!-~])?$/;

/** @throws InputError unless it is one line of ASCII text */
export function checkLicenceId(id: string, property: string): string {
	if (LINE.test(id) && id.length <= LONGEST) return id;
	throw new InputError(
		property,
		`got ${shown(id)}; allowed are ${LONGEST} ASCII characters and fewer, in one line without spaces around them`,
	);
}

/** @throws InputError for ids that are none, too few, or given twice */
export function licenceIdsOf(ids: ReadonlyArray<string>, count: number, property = "licenceIds"): string[] {
	if (ids.length < count) {
		throw new InputError(
			property,
			`got ${shown(ids)}, which has ${ids.length}; allowed is one for each identity, and count is ${count}`,
		);
	}
	const first = new Map<string, number>();
	for (const [index, id] of ids.entries()) {
		const at = `${property}[${index}]`;
		checkLicenceId(id, at);
		const other = first.get(id);
		if (other !== undefined) {
			throw new InputError(
				at,
				`got ${shown(id)}, which ${property}[${other}] is already; allowed is one that no other identity has`,
			);
		}
		first.set(id, index);
	}
	return ids.slice(0, count);
}
