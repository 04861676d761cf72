import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EnvironmentError } from "../../../environment/complaint";
import type { Declarations } from "../../../environment/declarations";
import { load, type Sources } from "../../../environment/load";
import { toValue } from "../../../environment/tree";

/** Loads a definition from a file of its own, for the stack `dev` unless another is given. */
export function loadYaml(
	text: string,
	sources: Partial<Sources> & { config?: Record<string, string> } = {},
): Declarations {
	const directory = mkdtempSync(join(tmpdir(), "environment-"));
	try {
		const file = join(directory, "clones.yaml");
		writeFileSync(file, text);
		return load({ name: "test", stack: "dev", configuration: configuration(sources.config), file, ...sources });
	} finally {
		rmSync(directory, { recursive: true });
	}
}

export function loadObject(definition: object, sources: Partial<Sources> = {}): Declarations {
	return load({ name: "test", stack: "dev", configuration: configuration({}), definition, ...sources });
}

function configuration(values: Record<string, string> = {}): Sources["configuration"] {
	return {
		get: (key) => (values[key] === undefined ? undefined : { text: values[key], secret: key.startsWith("secret") }),
	};
}

/** The declared arguments, with links shown as `-> name`. */
export function argsOf(declarations: Declarations, name: string, section?: string): Record<string, unknown> {
	const found = declarations.all.find((own) => own.name === name && (!section || own.section === section));
	assert.ok(found, `${name} is not declared`);
	return toValue(found.tree, (leaf) =>
		leaf.kind === "link" ? `-> ${leaf.name}` : leaf.kind === "opaque" ? leaf.value : leaf.parts,
	) as Record<string, unknown>;
}

export function namesOf(declarations: Declarations): string[] {
	return declarations.all.map(({ section, name }) => `${section}.${name}`);
}

/** The lines of the error, without the first. */
export function complaintsOf(work: () => unknown): string[] {
	try {
		work();
	} catch (error) {
		assert.ok(error instanceof EnvironmentError, String(error));
		return error.message
			.split("\n")
			.slice(1)
			.map((line) => line.trim());
	}
	return assert.fail("nothing was refused");
}
