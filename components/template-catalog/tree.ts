/** The tree of templates, to be looked at. Pure. */

import { keyOf, left } from "../../provider/templates/configuration";
import type { Decision, Wish } from "../../provider/templates/decide";
import { levelOf, type Template, told } from "../../provider/templates/search";

/** One template of a catalog. */
export interface TemplateNode {
	/** Name in the catalog. */
	name: string;
	/** Id of its `ForkPoint`. */
	uuid: string;
	/** Name of its image. */
	image: string;
	/** Name of the template that it goes on from; absent for one that booted its image, or that was made elsewhere. */
	parent?: string;
	/** Names of the templates from the first one to it. */
	lineage: string[];
	/** 1 for one without a parent. */
	level: number;
	/** How it came to be: declared here, made elsewhere, or made by itself. */
	origin: "declared" | "given" | "automatic";
	/** What it has besides its parent, in words. */
	adds: string;
	/** How often exactly what it has was asked for. */
	asked: number;
	/** Sets of machines that go on from it. */
	sets: string[];
}

/** In the order of a walk through the tree, parents before their children. */
export function nodesOf(
	{ templates, requests }: Pick<Wish, "templates" | "requests">,
	{ counts, choices, automatic }: Decision,
	uuids: ReadonlyMap<string, string>,
	given: ReadonlySet<string>,
): TemplateNode[] {
	const all = [...templates, ...automatic];
	const node = ({ name, parent, configuration }: Template): TemplateNode => {
		const from = all.find((other) => other.name === parent);
		const bare = { ...configuration, files: [], packages: [], commands: [], startBeforeFork: [], restartAfterFork: [] };
		return {
			name,
			uuid: uuids.get(name) ?? "",
			image: configuration.image,
			...(parent !== undefined && { parent }),
			lineage: lineageOf(all, name),
			level: levelOf(all, name),
			origin: given.has(name) ? "given" : templates.some((own) => own.name === name) ? "declared" : "automatic",
			adds: told(left(from?.configuration ?? bare, configuration)),
			asked: counts[keyOf(configuration)] ?? 0,
			sets: requests
				.map(({ set }) => set)
				.filter((set) => choices.some((own) => own.set === set && own.template === name)),
		};
	};
	const below = (parent: string | undefined): TemplateNode[] =>
		all
			.filter((template) => template.parent === parent)
			.flatMap((template) => [node(template), ...below(template.name)]);
	return below(undefined);
}

/**
 * The tree as text:
 *
 *     debian
 *     └── base 3f0c...  adds nothing
 *         ├── nginx 91ab...  adds 1 package and 1 service; web
 *         └── apps-1c3f00aa 77d1...  automatic, asked for 2 times; adds 1 command; batch
 */
export function printed(nodes: ReadonlyArray<TemplateNode>): string {
	const images = [...new Set(nodes.map(({ image }) => image))];
	const below = (parent: string | undefined, image: string, indent: string): string[] => {
		const own = nodes.filter((node) => node.parent === parent && node.image === image);
		return own.flatMap((node, index) => {
			const isLast = index === own.length - 1;
			return [
				`${indent}${isLast ? "└──" : "├──"} ${lineOf(node)}`,
				...below(node.name, image, `${indent}${isLast ? "    " : "│   "}`),
			];
		});
	};
	return images.flatMap((image) => [image, ...below(undefined, image, "")]).join("\n");
}

function lineOf({ name, uuid, origin, adds, asked, sets }: TemplateNode): string {
	const times = asked === 1 ? "once" : `${asked} times`;
	const what = [
		...(origin === "automatic" ? [`automatic, asked for ${times}`] : origin === "given" ? ["made elsewhere"] : []),
		`${origin === "given" ? "has" : "adds"} ${adds}`,
		...(sets.length > 0 ? [`sets: ${sets.join(", ")}`] : []),
	];
	return `${name} ${uuid}  ${what.join("; ")}`;
}

function lineageOf(all: ReadonlyArray<Template>, name: string): string[] {
	const found = all.find((template) => template.name === name);
	return found ? [...(found.parent === undefined ? [] : lineageOf(all, found.parent)), name] : [];
}
