// @ts-check
import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { bin, cache, repository } from "./paths.mjs";

const source = join(repository, "tools/toolchain");
const modules = join(cache, "toolchain");

/** @returns {{ from: string, to: string }[]} launchers go beside the CLI, what they launch goes to a folder of its own */
function files() {
	return readdirSync(source)
		.filter((name) => !name.endsWith(".md"))
		.map((name) => ({ from: join(source, name), to: join(name.startsWith("pulumi-") ? bin : modules, name) }));
}

/** Names this repository to the language host, see `installedFor` there. */
const origin = join(modules, "repository");

/** @returns {boolean} whether the language host and the launcher of dynamic providers are there as they are here */
export function isToolchainInstalled() {
	return (
		existsSync(origin) &&
		readFileSync(origin, "utf8") === repository &&
		files().every(({ from, to }) => existsSync(to) && readFileSync(to).equals(readFileSync(from)))
	);
}

/** Puts the language host and the launcher of dynamic providers beside a CLI that came without them. */
export function installToolchain() {
	mkdirSync(bin, { recursive: true });
	mkdirSync(modules, { recursive: true });
	writeFileSync(origin, repository);
	for (const { from, to } of files()) {
		rmSync(to, { force: true }); // a running copy keeps its file
		copyFileSync(from, to);
		if (!to.endsWith(".mjs")) chmodSync(to, 0o755);
	}
}

/** A complete CLI brings its own. */
export function removeToolchain() {
	for (const { to } of files()) rmSync(to, { force: true });
}
