/** The npm package as a user gets it: packed here, and installed in projects that have nothing else of this repository. */
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../../tools/pulumi/project";

const run = promisify(execFile);

export interface Packed {
	/** The file that would be published. */
	tarball: string;
	files: string[];
	/** Bytes of the file, and of what is in it. */
	size: number;
	unpackedSize: number;
}

export async function pack(directory: string): Promise<Packed> {
	const { stdout } = await run("npm", ["pack", "--json", "--silent", "--pack-destination", directory], {
		cwd: repository,
		maxBuffer: 16 << 20,
	});
	// The scripts that npm runs before show first.
	const [{ filename, files, size, unpackedSize }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
	return {
		tarball: join(directory, filename),
		files: files.map(({ path }: { path: string }) => path),
		size,
		unpackedSize,
	};
}

/** Makes a project that depends on the package, an SDK and what TypeScript needs. */
export async function installed({ tarball }: Packed, directory: string, sdk?: string): Promise<void> {
	const { devDependencies } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
	const own = ["@pulumi/pulumi", "typescript", "ts-node", "@types/node"].map((name) => [name, devDependencies[name]]);
	const dependencies = { ...Object.fromEntries(own), "pulumi-libvirt-clones": `file:${tarball}` };
	if (sdk) dependencies["@pulumi/pulumi"] = sdk;
	await mkdir(directory, { recursive: true });
	await writeFile(join(directory, "package.json"), JSON.stringify({ private: true, main: "index.ts", dependencies }));
	await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"], {
		cwd: directory,
		env: { ...process.env, npm_config_better_sqlite3_local_prebuilds: await prebuilt(directory) },
	});
}

/** The binary of here, packed as it would be downloaded: without it each project would compile one for minutes. */
async function prebuilt(directory: string): Promise<string> {
	const library = join(repository, "node_modules/better-sqlite3");
	const { version } = JSON.parse(await readFile(join(library, "package.json"), "utf8"));
	const name = `better-sqlite3-v${version}-node-v${process.versions.modules}-${process.platform}-${process.arch}.tar.gz`;
	await run("tar", ["-czf", join(directory, name), "-C", library, "build/Release/better_sqlite3.node"]);
	return directory;
}
