/** Keeps secrets out of whatever is shown: errors, plans and lines of progress. */
import type { Path } from "./problems";

/** Shorter ones would hide half of every message, and are no secrets. */
const SHORTEST = 4;
const HIDDEN = "[secret]";

/** Returns a text without the values that stand at these paths. */
export type Hide = (text: string) => string;

/**
 * @param inputs as the resource got them
 * @param secret where in them the secrets are: a path stands for all that is below it
 */
export function hiding(inputs: unknown, secret: ReadonlyArray<Path>): Hide {
	const forms = new Set(secret.flatMap((path) => leaves(at(inputs, path))).flatMap(formsOf));
	// The longest first: one may be part of another.
	const ordered = [...forms].filter((form) => form.length >= SHORTEST).sort((a, b) => b.length - a.length);
	return (text) => ordered.reduce((shown, form) => shown.replaceAll(form, HIDDEN), text);
}

/** The error with a message that shows nothing hidden; the same one where there is nothing to hide. */
export function hidingError(error: unknown, hide: Hide): unknown {
	if (!(error instanceof Error)) return error;
	const message = hide(error.message);
	const { id, reasons, properties } = error as { id?: string; reasons?: string[]; properties?: object };
	if (message === error.message && !reasons?.some((reason) => reason !== hide(reason))) return error;
	const partial = id === undefined ? {} : { id, reasons: reasons?.map(hide), properties };
	// The first one not even as a cause: that is shown as well.
	return Object.assign(new Error(message), partial);
}

/** Whether one of two paths leads to the other. */
export function overlaps(one: Path, other: Path): boolean {
	return one.slice(0, other.length).every((step, index) => String(step) === String(other[index]));
}

function at(value: unknown, path: Path): unknown {
	return path.reduce<unknown>(
		(inner, step) =>
			inner !== null && typeof inner === "object" ? (inner as Record<PropertyKey, unknown>)[step] : undefined,
		value,
	);
}

function leaves(value: unknown): string[] {
	if (value !== null && typeof value === "object") return Object.values(value).flatMap(leaves);
	return typeof value === "string" || typeof value === "number" ? [String(value)] : [];
}

/** A value as it may appear in a message: as it is, in JSON, in XML; and of a piece of XML what libvirt cites of it. */
function formsOf(value: string): string[] {
	const inXml = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
	const forms = [value, value.trim(), JSON.stringify(value).slice(1, -1), inXml, inXml.replaceAll('"', "&quot;")];
	if (!value.includes("<")) return forms;
	const cited = [...value.matchAll(/="([^"]*)"|='([^']*)'|>([^<>]*)</g)];
	return [
		...forms,
		...cited.flatMap(([, ...groups]) => groups.filter((group) => group !== undefined).map((g) => g.trim())),
	];
}
