/**
 * Programs that only tests have are run as JavaScript: the engine starts a process for each command, and loading a compiler
 * is a third of it. Examples are run as users run them.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { parse, stringify } from "yaml";

const OPTIONS: ts.CompilerOptions = {
	module: ts.ModuleKind.CommonJS,
	target: ts.ScriptTarget.ES2022,
	esModuleInterop: true,
	inlineSourceMap: true,
};

/** Has a project's main program be the compiled one. */
export function runCompiled(directory: string): void {
	change(join(directory, "Pulumi.yaml"), parse, stringify, (project) => {
		project.runtime = { name: "nodejs", options: { typescript: false } };
	});
	change(join(directory, "package.json"), JSON.parse, JSON.stringify, (project) => {
		project.main = "index.js";
	});
}

/** Compiles what has changed, of a project whose compiled program is run. */
export function compileProgram(directory: string): void {
	const sources = readdirSync(directory).filter((name) => /(?<!\.d)\.ts$/.test(name));
	for (const name of sources) {
		const compiled = join(directory, name.replace(/ts$/, "js"));
		const { outputText } = ts.transpileModule(readFileSync(join(directory, name), "utf8"), {
			compilerOptions: OPTIONS,
			fileName: name,
		});
		if (!existsSync(compiled) || readFileSync(compiled, "utf8") !== outputText) writeFileSync(compiled, outputText);
	}
}

function change(
	file: string,
	read: (text: string) => Record<string, unknown>,
	write: (value: object) => string,
	work: (value: Record<string, unknown>) => void,
): void {
	const value = read(readFileSync(file, "utf8"));
	work(value);
	writeFileSync(file, write(value));
}
