/** The generated files and what they should hold. */
import { join } from "node:path";
import { describeEnvironment } from "./environment";
import { initLibraryMarkdown } from "./init-library";
import { environmentJsonSchema } from "./json-schema";
import { referenceMarkdown } from "./reference";

const ROOT = join(__dirname, "../../..");

export interface Output {
	/** Relative to the repository. */
	name: string;
	path: string;
	content: string;
}

export function outputs(): Output[] {
	const environment = describeEnvironment();
	const output = (name: string, content: string): Output => ({ name, path: join(ROOT, name), content });
	return [
		output(
			"environment/environment.schema.json",
			`${JSON.stringify(environmentJsonSchema(environment), undefined, "\t")}\n`,
		),
		output("docs/reference.md", referenceMarkdown(environment)),
		output("docs/init-library.md", initLibraryMarkdown(join(ROOT, "docs/init-library.md"))),
	];
}
