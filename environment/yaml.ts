/** Reads YAML and JSON (which is YAML) into a tree with the place of every value. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml";
import type { Path } from "../provider/problems";
import type { Complaints } from "./complaint";
import type { Place, Tree } from "./tree";

/** More values than this is a mistake, or aliases of aliases. */
const MOST_VALUES = 200_000;

/** @returns undefined, with complaints, when the text is not well-formed */
export function parseYaml(text: string, complaints: Complaints): Tree | undefined {
	const counter = new LineCounter();
	const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
	const broken = complainAboutSyntax(document, text, counter, complaints);
	if (broken) return undefined;
	const reader = new Reader(document, counter, complaints);
	return document.contents === null
		? { kind: "group", path: [], place: { line: 1, column: 1 }, entries: new Map() }
		: reader.read(document.contents, [], undefined);
}

/** One complaint for the first syntax error (the others follow from it) and one for each double key or unknown tag. */
function complainAboutSyntax(
	document: Document.Parsed,
	text: string,
	counter: LineCounter,
	complaints: Complaints,
): boolean {
	const doubles = document.errors.filter(({ code }) => code === "DUPLICATE_KEY");
	const first = document.errors.find(({ code }) => code !== "DUPLICATE_KEY");
	for (const error of [...doubles, ...(first ? [first] : []), ...document.warnings]) {
		const place = placeOf(counter, error.pos[0]);
		const line = text.split("\n")[place.line - 1] ?? "";
		const unquoted = error === first && /[{[,:]\s*[^"'\s]*\$\{/.test(line);
		const hint = unquoted ? '; inside { } and [ ] a variable has to be quoted: "${name}"' : "";
		complaints.add({ place, property: "", message: `not well-formed YAML: ${error.message}${hint}` });
	}
	return document.errors.length + document.warnings.length > 0;
}

class Reader {
	private values = 0;
	private readonly open = new Set<Node>();

	constructor(
		private readonly document: Document.Parsed,
		private readonly counter: LineCounter,
		private readonly complaints: Complaints,
	) {}

	read(node: Node | null, path: Path, keyPlace: Place | undefined): Tree {
		const place = node?.range ? placeOf(this.counter, node.range[0]) : keyPlace;
		const refused: Tree = { kind: "scalar", path, place, keyPlace, value: null };
		if (++this.values > MOST_VALUES) {
			if (this.values === MOST_VALUES + 1) {
				this.complain(place, path, `more than ${MOST_VALUES} values; aliases (*name) that stand in aliases?`);
			}
			return refused;
		}
		if (isAlias(node)) return this.alias(node, path, keyPlace, place, refused);
		if (isMap(node)) {
			// A group is spoken of by its name: that is the line a reader looks for.
			return this.guarded(node, refused, () => ({
				kind: "group",
				path,
				place: keyPlace ?? place,
				keyPlace,
				entries: new Map(node.items.flatMap((pair) => this.pair(pair as Pair<Node, Node | null>, path))),
			}));
		}
		if (isSeq(node)) {
			return this.guarded(node, refused, () => ({
				kind: "list",
				path,
				place: keyPlace ?? place,
				keyPlace,
				items: node.items.map((item, index) => this.read(item as Node | null, [...path, index], undefined)),
			}));
		}
		if (!isScalar(node)) return refused;
		const { value, source } = node;
		if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
			return { kind: "scalar", path, place, keyPlace, value, source };
		}
		this.complain(place, path, `got ${String(source)}; allowed are texts, numbers, true, false, lists and groups`);
		return refused;
	}

	private alias(
		node: Extract<Node, { source: string }>,
		path: Path,
		keyPlace: Place | undefined,
		place: Place | undefined,
		refused: Tree,
	): Tree {
		const target = isAlias(node) ? node.resolve(this.document) : undefined;
		if (!target) {
			this.complain(place, path, `got *${node.source}; there is no anchor &${node.source} above it`);
			return refused;
		}
		return { ...this.read(target as Node, path, keyPlace), place: keyPlace ?? place };
	}

	private guarded(node: Node, refused: Tree, read: () => Tree): Tree {
		if (this.open.has(node)) {
			this.complain(refused.place, refused.path, "contains itself through an alias");
			return refused;
		}
		this.open.add(node);
		try {
			return read();
		} finally {
			this.open.delete(node);
		}
	}

	private pair({ key, value }: Pair<Node, Node | null>, path: Path): Array<[string, Tree]> {
		const place = key?.range ? placeOf(this.counter, key.range[0]) : undefined;
		if (!isScalar(key) || (typeof key.value !== "string" && typeof key.value !== "number")) {
			this.complain(place, path, "a name is not a text; allowed are texts and numbers as names");
			return [];
		}
		const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
		return [[name, this.read(value, [...path, name], place)]];
	}

	private complain(place: Place | undefined, path: Path, message: string): void {
		this.complaints.add({ place, property: path.map(String).join("."), message });
	}
}

function placeOf(counter: LineCounter, offset: number): Place {
	const { line, col } = counter.linePos(offset);
	return { line, column: col };
}
