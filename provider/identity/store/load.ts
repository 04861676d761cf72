/** Libraries that only those need who use a store: loaded when one is opened, and told of clearly when they are missing. */
import { LibraryMissingError } from "./errors";

/**
 * @param name of an npm package, or of a module of Node.js
 * @returns the module, or why it cannot be loaded
 */
export function tryToLoad<Module>(name: string): { module: Module } | { problem: string } {
	try {
		return { module: require(name) as Module };
	} catch (error) {
		const message = error instanceof Error ? error.message.split("\n")[0]! : String(error);
		return { problem: `${name}: ${message}` };
	}
}

/** @throws LibraryMissingError */
export function load<Module>(name: string, what: string): Module {
	const loaded = tryToLoad<Module>(name);
	if ("module" in loaded) return loaded.module;
	throw missing(what, name, [loaded.problem]);
}

export function missing(what: string, name: string, problems: ReadonlyArray<string>): LibraryMissingError {
	return new LibraryMissingError(
		`${what} needs the npm package ${name}, which cannot be loaded (${problems.join("; ")}). ` +
			`It is an optional dependency of pulumi-libvirt-clones: run "npm install ${name}" in the program's folder`,
	);
}
