import * as pulumi from "@pulumi/pulumi";
import { InputError } from "../../provider/lifecycle";
import { configurationSchema, left, type Steps } from "../../provider/templates/configuration";
import { type Automatic, type Decision, decide, type Wish } from "../../provider/templates/decide";
import { TemplateRequests } from "../../provider/templates/resource";
import { checkArgs, refuseLater } from "../args";
import type { ForkPoint } from "../fork-point";
import { type ForkedChild, ForkedVMSet } from "../forked-vm-set";
import { refuseName } from "../forked-vm-set/point";
import type { TemplateCatalogArgs, TemplateSetArgs } from "./args";
import { Points } from "./points";
import { templateCatalogRules, templateCatalogSchema } from "./schema";
import { printed, type TemplateNode } from "./tree";
import { commandsOf, refuseLaterConfigurations, wishOf } from "./wish";

export type { TemplateNode } from "./tree";

const KNOWN = ["images", "templates", "sets", "keepAfter", "maxLevels", "forget"] as const;

/**
 * A tree of templates, and sets of machines that say what they are to have. Each set goes on from the nearest template:
 * the one with the least left to do among those that have nothing unwanted. What is left is done in each machine, until
 * the same was asked for repeatedly: then there is a template for it. Which template that is, how far it is and why is in
 * the preview.
 *
 * @example
 * const catalog = new TemplateCatalog("apps", {
 *   pool,
 *   images: { debian: { base: gold } },
 *   templates: { web: { configuration: { packages: ["nginx"], startBeforeFork: ["nginx"] } } },
 *   sets: {
 *     shop: { configuration: { packages: ["nginx", "php-fpm"], startBeforeFork: ["nginx"] }, count: 4, identityPool, network },
 *   },
 * });
 * export const tree = catalog.text;
 */
export class TemplateCatalog extends pulumi.ComponentResource {
	/** The sets of machines, by name. */
	readonly sets: ReadonlyMap<string, ForkedVMSet>;
	/** The declared templates that are made here, by name. */
	readonly templates: ReadonlyMap<string, ForkPoint>;
	/** The machines of all sets. */
	readonly children: pulumi.Output<ForkedChild[]>;
	/** All templates, parents before their children. */
	readonly tree: pulumi.Output<TemplateNode[]>;
	/** The same as a text to be read. */
	readonly text: pulumi.Output<string>;

	constructor(name: string, args: TemplateCatalogArgs, opts?: pulumi.ComponentResourceOptions) {
		super("pulumi-libvirt-clones:index:TemplateCatalog", name, {}, opts);
		const wish = checked(`TemplateCatalog ${name}`, name, args);
		const requests = new TemplateRequests(name, wish, { parent: this });
		const decision = pulumi
			.all([requests.counts, requests.choices, requests.automatic])
			.apply(([counts, choices, automatic]): Decision => ({ counts, choices, automatic: automatic.map(whole) }));
		const points = new Points(this, name, args, wish, decision);
		this.templates = points.declared;
		this.sets = new Map(
			Object.entries(args.sets ?? {}).map(([set, own]) => [set, this.fork(name, args, wish, points, set, own)]),
		);
		this.children = pulumi.all([...this.sets.values()].map(({ children }) => children)).apply((all) => all.flat());
		this.tree = points.nodes();
		this.text = this.tree.apply(printed);
		this.registerOutputs({ children: this.children, tree: this.tree, text: this.text });
	}

	/** What its template does not have is done in each machine. */
	private fork(
		catalog: string,
		{ uri, images }: TemplateCatalogArgs,
		{ requests }: Wish,
		points: Points,
		set: string,
		{ configuration: _configuration, ...own }: TemplateSetArgs,
	): ForkedVMSet {
		const wanted = requests.find((request) => request.set === set)!.configuration;
		const { template, point } = points.of(set);
		const rest = template.apply(({ configuration }) => left(configuration, wanted));
		const { installCommand } = images[wanted.image] ?? {};
		return new ForkedVMSet(
			`${catalog}-${set}`,
			{
				...own,
				...(uri === undefined ? {} : { uri }),
				parent: point,
				files: joined(
					rest.apply(({ files }) => files),
					own.files,
				),
				commands: joined(
					rest.apply((steps) => commandsOf(steps, installCommand)),
					own.commands,
				),
				restartAfterFork: joined(rest.apply(servicesOf), own.restartAfterFork),
			},
			{ parent: this },
		);
	}
}

function servicesOf({ startBeforeFork, restartAfterFork }: Steps): string[] {
	return [...startBeforeFork, ...restartAfterFork];
}

/** First what is left of the configuration, then what the set has of its own. */
function joined<Item>(
	rest: pulumi.Output<Item[]>,
	own: pulumi.Input<pulumi.Input<Item>[]> | undefined,
): pulumi.Output<Item[]> {
	return pulumi.all([rest, own ?? []]).apply(([first, then]) => [...first, ...then] as Item[]);
}

/** What is recorded has no defaults. */
function whole(template: Automatic): Automatic {
	return { ...template, configuration: configurationSchema.parse(template.configuration) };
}

/** @throws InputError before anything is made */
function checked(what: string, name: string, args: TemplateCatalogArgs): Wish {
	checkArgs(what, templateCatalogSchema, args, templateCatalogRules);
	for (const [template, { point }] of Object.entries(args.templates ?? {}))
		refuseName(what, point, `templates.${template}.point`);
	refuseLater(what, args, KNOWN);
	refuseLaterConfigurations(what, args);
	const wish = wishOf(name, args);
	try {
		decide(wish);
	} catch (error) {
		throw error instanceof InputError ? new InputError("sets", `${what}: sets: ${error.message}`) : error;
	}
	return wish;
}
