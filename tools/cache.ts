import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where things that are expensive to make are kept between runs: tool binaries, guest images, probe results.
 * `CLONES_CACHE` if set, else `pulumi-libvirt-clones` in `XDG_CACHE_HOME`, else in `~/.cache`. The same rule stands in
 * `tools/setup/paths.mjs`, which runs before this file can be compiled.
 *
 * @returns an absolute path; the directory need not exist yet
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
	return env.CLONES_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-libvirt-clones");
}
