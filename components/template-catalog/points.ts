/** The fork points of a catalog of templates: those that are declared, and those that are decided on. */
import * as pulumi from "@pulumi/pulumi";
import { left, type Steps } from "../../provider/templates/configuration";
import type { Decision, Wish } from "../../provider/templates/decide";
import type { Template } from "../../provider/templates/search";
import { defined } from "../defined";
import { ForkPoint } from "../fork-point";
import type { ForkPointReference } from "../forked-vm-set/args";
import type { TemplateCatalogArgs } from "./args";
import { nodesOf, type TemplateNode } from "./tree";
import { commandsOf } from "./wish";

/** The fork points of a catalog: those that are declared, and those that are decided on. */
export class Points {
	readonly declared = new Map<string, ForkPoint>();
	private readonly all = new Map<string, ForkPointReference>();
	private readonly known: Template[];
	/** Once all are declared. */
	private readonly decided: pulumi.Output<Decision>;

	constructor(
		private readonly owner: pulumi.Resource,
		private readonly catalog: string,
		private readonly args: TemplateCatalogArgs,
		private readonly wish: Wish,
		decision: pulumi.Output<Decision>,
	) {
		this.known = [...wish.templates];
		for (const template of wish.templates) this.declare(template);
		// What has been decided is known in a preview, too, which therefore shows these as all others.
		this.decided = decision.apply((known) => {
			this.known.push(...known.automatic);
			for (const template of known.automatic) this.all.set(template.name, this.make(template.name, template));
			return known;
		});
	}

	/** The template of a set. */
	of(set: string): { template: pulumi.Output<Template>; point: ForkPointReference } {
		const template = this.decided.apply(({ choices }) => {
			const name = choices.find((choice) => choice.set === set)!.template;
			return this.known.find((own) => own.name === name)!;
		});
		const of = <Value>(read: (point: ForkPointReference) => pulumi.Input<Value>): pulumi.Output<Value> =>
			template.apply(({ name }) => read(this.all.get(name)!)) as pulumi.Output<Value>;
		return {
			template,
			point: {
				uuid: of(({ uuid }) => uuid),
				disk: of(({ disk }) => disk),
				pool: of(({ pool }) => pool),
				// Also what a template has that was made of one of another stack.
				restartAfterFork: pulumi
					.all([of(({ restartAfterFork }) => restartAfterFork ?? []), template])
					.apply(([own, { configuration }]) => [...new Set([...(own as string[]), ...configuration.restartAfterFork])]),
			},
		};
	}

	nodes(): pulumi.Output<TemplateNode[]> {
		const given = Object.entries(this.args.templates ?? {}).flatMap(([name, { point }]) => (point ? [name] : []));
		return this.decided.apply((decision) => {
			const names = [...this.all.keys()];
			const uuids = pulumi.all(names.map((name) => this.all.get(name)!.uuid));
			return uuids.apply((found) =>
				nodesOf(this.wish, decision, new Map(names.map((name, index) => [name, found[index]!])), new Set(given)),
			);
		});
	}

	private declare(template: Template): void {
		const { point } = this.args.templates![template.name]!;
		const made = point ?? this.make(`${this.catalog}-${template.name}`, template);
		if (made instanceof ForkPoint && made !== point) this.declared.set(template.name, made);
		this.all.set(template.name, made);
	}

	private make(resource: string, { name, parent, configuration }: Template): ForkPoint {
		const { uri, pool, network, images, templates = {}, timeoutSeconds } = this.args;
		const { base, baseContentId, ready, installCommand } = images[configuration.image] ?? {};
		const forkableBy = templates[name]?.forkableBy ?? this.args.forkableBy;
		const from = this.known.find((template) => template.name === parent);
		const steps: Steps = from ? left(from.configuration, configuration) : configuration;
		return new ForkPoint(
			resource,
			{
				pool,
				...(from
					? { parent: this.all.get(from.name)!.uuid }
					: { base: base!, baseContentId, domain: configuration.domain }),
				...defined({
					uri,
					network,
					timeoutSeconds,
					forkableBy,
					ready: templates[name]?.ready ?? (from ? undefined : ready),
				}),
				files: steps.files,
				commands: commandsOf(steps, installCommand),
				startBeforeFork: steps.startBeforeFork,
				restartAfterFork: steps.restartAfterFork,
			},
			{ parent: this.owner },
		);
	}
}
