// @ts-check
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { repository } from "./paths.mjs";
import { runLogged } from "./run.mjs";

/** @returns {string | undefined} what has to be compiled, in words */
export function staleSources(root = repository) {
	const stamp = stampFile(root);
	const compiled = statSync(stamp, { throwIfNoEntry: false });
	if (!compiled) return "the compiled package";
	const files = sources(root);
	const changed = [join(root, "tsconfig.json"), ...files].find((file) => statSync(file).mtimeMs > compiled.mtimeMs);
	if (changed) return `the compiled package: ${relative(root, changed)} has changed`;
	if (readFileSync(stamp, "utf8") !== namesOf(root, files)) return "the compiled package: files were added or removed";
	return undefined;
}

/** Compiles what has changed, and removes what was compiled from sources that are gone (mocha would still run old tests). */
export async function compile(root = repository) {
	// With its fraction: a file that was saved in the same millisecond would count as newer.
	const started = (performance.timeOrigin + performance.now()) / 1000;
	const files = sources(root);
	removeOrphans(root, files);
	await runLogged("compile", process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], {
		cwd: root,
	});
	writeFileSync(stampFile(root), namesOf(root, files));
	// Sources that were saved while the compiler ran are newer than this.
	utimesSync(stampFile(root), started, started);
}

/** @param {string} root */
function stampFile(root) {
	return join(root, "dist/.compiled");
}

/** @param {string} root @param {string[]} files */
function namesOf(root, files) {
	const names = files.map((file) => relative(root, file)).sort();
	return createHash("sha256").update(names.join("\n")).digest("hex");
}

/** @param {string} root @returns {string[]} all TypeScript files that tsconfig.json includes */
function sources(root) {
	/** @type {{ include: string[] }} */
	const { include } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
	return include
		.map((entry) => join(root, entry))
		.filter((entry) => existsSync(entry))
		.flatMap((entry) => (statSync(entry).isDirectory() ? filesBelow(entry, ".ts") : [entry]));
}

/** @param {string} root @param {string[]} files */
function removeOrphans(root, files) {
	const dist = join(root, "dist");
	if (!existsSync(dist)) return;
	const expected = new Set(files.map((file) => join(dist, relative(root, file)).replace(/\.ts$/, "")));
	for (const file of filesBelow(dist, ".js")) {
		const stem = file.replace(/\.js$/, "");
		if (expected.has(stem)) continue;
		for (const ending of [".js", ".js.map", ".d.ts"]) rmSync(stem + ending, { force: true });
	}
}

/** @param {string} folder @param {string} ending @returns {string[]} */
function filesBelow(folder, ending) {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesBelow(path, ending);
		return entry.name.endsWith(ending) ? [path] : [];
	});
}
