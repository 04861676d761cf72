/** Other lines of Node.js than the one that runs, from the npm registry: the package is tested on all that it supports. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "./cache";

const run = promisify(execFile);

const VERSIONS = { 20: "20.20.2", 22: "22.23.3" } as const;

export type NodeLine = keyof typeof VERSIONS;

/** @returns the folder to put before PATH; that of this process where it is of that line */
export async function ensureNode(line: NodeLine): Promise<string> {
	if (process.versions.node.startsWith(`${line}.`)) return dirname(process.execPath);
	const name = `node-${process.platform}-${process.arch}`;
	const folder = join(cacheDirectory(), `${name}-${VERSIONS[line]}`);
	const bin = join(folder, "node_modules", name, "bin");
	if (existsSync(bin)) return bin;
	const partial = `${folder}.${process.pid}.part`;
	await mkdir(partial, { recursive: true });
	try {
		await run("npm", ["install", "--prefix", partial, "--no-audit", "--no-fund", `${name}@${VERSIONS[line]}`]);
		await rm(folder, { recursive: true, force: true });
		await rename(partial, folder);
	} finally {
		await rm(partial, { recursive: true, force: true });
	}
	return bin;
}
