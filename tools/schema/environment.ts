/** Everything that can stand in an environment's file, described from its schemas and comments. */

import { configVariableSchema } from "../../environment/config-variable";
import type { DeclarableType } from "../../environment/declarable";
import { components, sections } from "../../environment/registry";
import { existingSchema, hostSchema } from "../../environment/structure";
import { readDocumentation } from "./documentation";
import { Joiner, type PropertyGroup } from "./properties";

/** A type of resource or component. */
export interface DescribedType {
	type: DeclarableType;
	group: PropertyGroup;
}

export interface DescribedEnvironment {
	/** Each type once, in the order in which a reader needs them. */
	types: ReadonlyArray<DescribedType>;
	host: PropertyGroup;
	configVariable: PropertyGroup;
	existing: PropertyGroup;
	/** Sentences about the sections, by name. */
	sections: ReadonlyMap<string, string>;
	/** Comments about `host` and `kind`, which every declared thing or component has. */
	declared: { host: string; kind: string };
	/** Arguments of the class. */
	args: ReadonlyArray<{ name: string; required: boolean; description: string; default: string | undefined }>;
	/** Where schemas and interfaces differ. */
	differences: ReadonlyArray<string>;
}

let described: DescribedEnvironment | undefined;

/** Reads the sources once a process: it takes some seconds. */
export function describeEnvironment(): DescribedEnvironment {
	described ??= read();
	return described;
}

function read(): DescribedEnvironment {
	const documentation = readDocumentation(["index.ts"]);
	const joiner = new Joiner();
	const all = [...new Set([...Object.values(sections), ...Object.values(components)])] as DeclarableType[];
	const types = all.map((type) => ({ type, group: joiner.join(type.type, type.schema, documentation(type.args)) }));
	const join = (name: string, schema: typeof hostSchema | typeof existingSchema | typeof configVariableSchema) =>
		joiner.join(name, schema, documentation(name));
	const definition = [...documentation("EnvironmentDefinition").properties()];
	return {
		types,
		host: join("HostDefinition", hostSchema),
		configVariable: join("ConfigVariable", configVariableSchema),
		existing: join("Existing", existingSchema),
		sections: new Map(definition.map(([name, { description }]) => [name, description])),
		declared: {
			host: documentation("OnHost").properties().get("host")!.description,
			kind: documentation("OfKind").properties().get("kind")!.description,
		},
		args: [...documentation("EnvironmentArgs").properties().values()].map((own) => ({
			...own,
			required: !own.optional,
		})),
		differences: joiner.differences,
	};
}
