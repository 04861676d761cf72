import type * as pulumi from "@pulumi/pulumi";
import { notDeclared } from "./load";

/** A class of resources. */
type ClassOf<T> = abstract new (...args: never[]) => T;

/** What was built from one section of a definition, by the names in it. */
export class Built<Resource extends pulumi.Resource> implements Iterable<[name: string, resource: Resource]> {
	constructor(
		private readonly what: string,
		private readonly resources: ReadonlyMap<string, Resource>,
	) {}

	/** The names, in the order of the definition. */
	get names(): string[] {
		return [...this.resources.keys()];
	}

	/**
	 * What was built of a name.
	 * @param type what it has to be, which is what is returned: `components.get("web", ThinClonePool).instances`
	 * @throws when nothing of that name is declared, or it is something else
	 */
	get(name: string): Resource;
	get<Expected extends Resource>(name: string, type: ClassOf<Expected>): Expected;
	get(name: string, type?: ClassOf<Resource>): Resource {
		const found = this.resources.get(name);
		if (!found) throw new Error(notDeclared(this.what, name, this.names));
		if (type && !(found instanceof type)) {
			throw new Error(`${this.what} ${JSON.stringify(name)} is a ${found.constructor.name}, and not a ${type.name}`);
		}
		return found;
	}

	[Symbol.iterator](): Iterator<[name: string, resource: Resource]> {
		return this.resources[Symbol.iterator]();
	}
}
