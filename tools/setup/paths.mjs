// @ts-check
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of this repository. */
export const repository = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Where things that are expensive to make are kept; the rule is that of `tools/cache.ts`. */
export const cache =
	process.env.CLONES_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-libvirt-clones");

/** The version of the Pulumi CLI that is built where none is on PATH. */
export const pinnedVersion = "3.259.0";

/** Holds the CLI that was built and what belongs beside it: the engine looks there first. */
export const distribution = join(cache, `pulumi-${pinnedVersion}`);

/** The folder to put before PATH: links to the Pulumi CLI that was found or built, and to what it came without. */
export const bin = join(cache, "bin");

/** Folders where commands are looked for: administrators' ones are not always on a user's PATH. */
export const searchPath = [
	...(process.env.PATH ?? "").split(delimiter),
	"/usr/local/sbin",
	"/usr/sbin",
	"/sbin",
].filter(Boolean);
