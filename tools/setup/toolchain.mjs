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
import { cache, distribution, repository } from "./paths.mjs";

const source = join(repository, "tools/toolchain");
const modules = join(cache, "toolchain");
/** Names this repository to the language host, see `installedFor` there. */
const origin = join(modules, "repository");

/** Commands that the engine starts. */
export const launchers = readdirSync(source).filter((name) => name.startsWith("pulumi-"));

/** @returns {{ from: string, to: string }[]} */
function files() {
	const parts = readdirSync(source).filter((name) => name.endsWith(".mjs"));
	return [
		...launchers.map((name) => ({ from: join(source, name), to: join(distribution, name) })),
		...parts.map((name) => ({ from: join(source, name), to: join(modules, name) })),
	];
}

/** @returns {boolean} whether the language host and the launcher of dynamic providers are there as they are here */
export function isToolchainInstalled() {
	return (
		namesARepository() && files().every(({ from, to }) => existsSync(to) && readFileSync(to).equals(readFileSync(from)))
	);
}

/** Any checkout with the SDK will do: several may share the cache. */
function namesARepository() {
	return existsSync(origin) && existsSync(join(readFileSync(origin, "utf8").trim(), "node_modules/@pulumi/pulumi"));
}

/** Copies the language host and the launcher of dynamic providers to where they outlive this checkout. */
export function installToolchain() {
	mkdirSync(distribution, { recursive: true });
	mkdirSync(modules, { recursive: true });
	writeFileSync(origin, repository);
	for (const { from, to } of files()) {
		rmSync(to, { force: true }); // a running copy keeps its file
		copyFileSync(from, to);
		if (!to.endsWith(".mjs")) chmodSync(to, 0o755);
	}
}
