/**
 * `@pulumi/libvirt` for programs of tests and benchmarks, as users have it after
 * `pulumi package add terraform-provider dmacvicar/libvirt 0.8.3`: the real plugin, provider and generated SDK.
 */
import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Project, repository } from "../pulumi/project";

/** What of `tools/setup/bridge.mjs` is used here. */
interface BridgeSetup {
	ensureBridge(): Promise<void>;
	bridgeHome: string;
	bridgeSdk: string;
}

/**
 * Makes `import * as libvirt from "@pulumi/libvirt"` work in a project. What is missing is built first, which takes
 * minutes and prints its progress; `node tools/setup/main.mjs --bridge` does it beforehand.
 *
 * @throws Error when it has to be built and cannot be
 */
export async function linkPulumiLibvirt(project: Project): Promise<void> {
	const setup = pathToFileURL(join(repository, "tools/setup/bridge.mjs")).href;
	const { ensureBridge, bridgeHome, bridgeSdk } = (await import(setup)) as BridgeSetup;
	await ensureBridge();

	const root = join(project.directory, "..");
	// Of a plugin the engine takes folders only, no links to them.
	for (const plugin of await readdir(join(bridgeHome, "plugins"))) {
		const folder = join(root, "home/plugins", plugin);
		await mkdir(folder, { recursive: true });
		for (const file of await readdir(join(bridgeHome, "plugins", plugin))) {
			await symlink(join(bridgeHome, "plugins", plugin, file), join(folder, file));
		}
	}
	await symlink(join(bridgeHome, "dynamic_tf_plugins"), join(root, "home/dynamic_tf_plugins"));
	// A copy, above the program: so that it finds the same @pulumi/pulumi as the program, and no other project sees it.
	const modules = join(root, "node_modules");
	await cp(bridgeSdk, join(modules, "@pulumi/libvirt"), { recursive: true });
	await symlink(join(repository, "node_modules/@pulumi/pulumi"), join(modules, "@pulumi/pulumi"));
}
