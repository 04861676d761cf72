import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../dynamic";
import type { Automatic, Choice, Wish } from "./decide";

/** Internal: a `TemplateCatalog`'s memory. */
export class TemplateRequests extends DynamicResource {
	/** How often each configuration was asked for, by its key. */
	declare readonly counts: pulumi.Output<Record<string, number>>;
	/** The template of each set. */
	declare readonly choices: pulumi.Output<Choice[]>;
	/** Templates that were made by themselves. */
	declare readonly automatic: pulumi.Output<Automatic[]>;

	constructor(name: string, wish: Wish, opts: pulumi.CustomResourceOptions) {
		super("TemplateRequests", name, { ...wish }, ["counts", "choices", "automatic"], opts);
	}
}
