import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { EnvironmentDefinition } from "../../../index";
import { complaintsOf, loadObject } from "./helpers";

/** What the compiler has to accept and refuse: an error that does not come fails the build. */
const accepted: EnvironmentDefinition = {
	hosts: { main: { uri: pulumi.output("test:///default") } },
	morphTemplates: { drain: { steps: { preMigration: [{ exec: ["drain"] }] } } },
	components: {
		web: {
			kind: "ThinClonePool",
			base: { domain: { existing: "template" } },
			pool: { existing: "images" },
			host: "main",
			count: 2,
			domain: {
				type: "qemu",
				morph: { template: "drain" },
				nics: [{ network: { existing: "default" } }, { user: true }],
			},
			instances: { db: { memoryMiB: pulumi.output(64) } },
			customize: ({ name }) => ({ hostname: name }),
		},
	},
	stacks: { prod: { components: { web: { count: 3, domain: null }, old: null } } },
};

describe("the type of a definition", () => {
	it("accepts outputs, references, functions, and null in stacks", () => {
		assert.equal(loadObject(accepted).all.length, 2);
	});

	it("refuses what the loader refuses", () => {
		const misspelt: EnvironmentDefinition = {
			// @ts-expect-error: no such property
			networks: { lab: { mod: "nat" } },
		};
		const unknownKind: EnvironmentDefinition = {
			// @ts-expect-error: no such kind
			components: { web: { kind: "Machine" } },
		};
		const uri: EnvironmentDefinition = {
			// @ts-expect-error: hosts are named
			networks: { lab: { uri: "test:///default" } },
		};
		for (const definition of [misspelt, unknownKind, uri]) {
			assert.ok(complaintsOf(() => loadObject(definition)).length > 0);
		}
	});
});
