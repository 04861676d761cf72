/**
 * Keeps what this version records, for later versions to be tested against: `node dist/test/upgrade/record.js`, once
 * before each release. Makes `test/upgrade/versions/<version>` from `test/upgrade/program`.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureAppliance } from "../../tools/images/appliance";
import { Project, repository } from "../../tools/pulumi/project";
import { CONFIG, recordWorld, SECRETS, withHost } from "./world";

const run = promisify(execFile);

async function record(): Promise<void> {
	const { version } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
	const folder = join(repository, "test/upgrade/versions", version);
	await rm(folder, { recursive: true, force: true });
	await mkdir(folder, { recursive: true });
	await cp(join(repository, "test/upgrade/program"), folder, { recursive: true });
	await run("qemu-img", ["create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", join(folder, "image.qcow2"), "4M"]);
	await rootImage(join(folder, "root.qcow2"));
	process.env.LIBGUESTFS_PATH ??= await ensureAppliance();
	await withHost(async (host) => {
		const project = await Project.start({
			program: join("test/upgrade/versions", version),
			config: CONFIG,
			secrets: SECRETS,
		});
		try {
			await project.up();
			await project.must(["preview", "--diff", "--expect-no-changes"]);
			await writeFile(join(folder, "state.json"), `${JSON.stringify(await project.state(), withoutPlaces, "\t")}\n`);
			await cp(join(project.directory, "Pulumi.dev.yaml"), join(folder, "Pulumi.dev.yaml"));
			await recordWorld(host, folder);
		} finally {
			await project.destroy();
			await project.remove();
		}
	});
	console.log(`recorded ${folder}`);
}

/** As little as scripts are put into: a root file system with nothing in it. */
async function rootImage(path: string): Promise<void> {
	const root = await mkdtemp(join(tmpdir(), "clones-root-"));
	try {
		for (const name of ["etc", "bin"]) await mkdir(join(root, "root", name), { recursive: true });
		const raw = join(root, "raw");
		await run("mke2fs", ["-q", "-t", "ext2", "-d", join(root, "root"), raw, "4M"]);
		await run("qemu-img", ["convert", "-q", "-O", "qcow2", "-o", "cluster_size=4096", raw, path]);
	} finally {
		await rm(root, { recursive: true });
	}
}

/** Where in the sources a resource was made says nothing later, and names folders of this machine. */
function withoutPlaces(key: string, value: unknown): unknown {
	return ["sourcePosition", "stackTrace"].includes(key) ? undefined : value;
}

record().catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
