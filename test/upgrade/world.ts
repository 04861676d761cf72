/**
 * What a recorded stack has on its host, as files that can be kept: definitions of libvirt, and the folder of its disks
 * with their times of change. All that a state names of a host (paths, URI, UUIDs) is the same wherever the world is
 * made again, so that a state is imported as it was recorded.
 */
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { withLock } from "../../tools/lock";
import { startTestHost, type TestHost } from "../../tools/testhost";

const run = promisify(execFile);

const ROOT = "/var/tmp/clones-upgrade";
const SOCKET = join(ROOT, "libvirt-sock");

/** Configuration of a recorded stack. */
export const CONFIG = {
	poolPath: join(ROOT, "pools"),
	"pulumi-libvirt-clones:uri": `qemu+unix:///system?socket=${SOCKET}`,
};
export const SECRETS = { password: "jN4xWc7pTe" };

interface Definition {
	xml: string;
	active: boolean;
	autostart: boolean;
}

interface World {
	networks: Definition[];
	pools: Definition[];
	domains: Definition[];
}

/** The words of virsh for each kind of object; networks and pools come before what uses them. */
const KINDS = {
	networks: { prefix: "net-", dump: ["--inactive"], state: "net-info" },
	pools: { prefix: "pool-", dump: [], state: "pool-info" },
	domains: { prefix: "", dump: ["--inactive", "--security-info"], state: "dominfo" },
} as const;

/** Runs something with a private host at the one place that recorded states know; others wait for their turn. */
export function withHost<T>(work: (host: TestHost) => Promise<T>): Promise<T> {
	return withLock(
		join(tmpdir(), "clones-upgrade.lock"),
		() => {},
		async () => {
			await rm(ROOT, { recursive: true, force: true });
			await mkdir(CONFIG.poolPath, { recursive: true });
			await chmod(ROOT, 0o755);
			const host = await startTestHost();
			try {
				await symlink(host.uri.replace(/^.*socket=/, ""), SOCKET);
				return await work(host);
			} finally {
				await host.stop();
				await rm(ROOT, { recursive: true, force: true });
			}
		},
	);
}

export async function recordWorld(host: TestHost, folder: string): Promise<void> {
	const world: World = { networks: [], pools: [], domains: [] };
	for (const kind of ["networks", "pools", "domains"] as const) {
		const { prefix, dump, state } = KINDS[kind];
		for (const name of await namesOf(host, kind)) {
			const info = await host.virsh(state, name);
			world[kind].push({
				xml: await host.virsh(`${prefix}dumpxml`, ...dump, name),
				active: /^(Active: +yes|State: +running)$/m.test(info),
				autostart: /^Autostart: +(yes|enable)$/m.test(info),
			});
		}
	}
	await writeFile(join(folder, "world.json"), `${JSON.stringify(world, null, "\t")}\n`);
	// Times of change in nanoseconds are part of what is recorded of a base; holes are left out.
	await run("tar", ["--format=posix", "--sparse", "-czf", join(folder, "pools.tar.gz"), "-C", CONFIG.poolPath, "."]);
}

export async function restoreWorld(host: TestHost, folder: string): Promise<void> {
	await run("tar", ["--numeric-owner", "-xpzf", join(folder, "pools.tar.gz"), "-C", CONFIG.poolPath]);
	const world = JSON.parse(await readFile(join(folder, "world.json"), "utf8")) as World;
	const file = join(ROOT, "definition.xml");
	for (const kind of ["networks", "pools", "domains"] as const) {
		const { prefix } = KINDS[kind];
		for (const { xml, active, autostart } of world[kind]) {
			await writeFile(file, xml, { mode: 0o600 });
			await host.virsh(`${prefix}define`, file);
			const name = /<name>([^<]*)<\/name>/.exec(xml)![1]!;
			if (active) await host.virsh(`${prefix}start`, name);
			if (autostart) await host.virsh(`${prefix}autostart`, name);
		}
	}
}

/** Names of what was made on a host, without what the host came with. */
export async function namesOf(host: TestHost, kind: keyof World): Promise<string[]> {
	const text = await host.virsh(`${KINDS[kind].prefix}list`, "--all", "--name");
	const names = text.split("\n").map((name) => name.trim());
	return names.filter((name) => name !== "" && !(kind === "networks" && name === "default"));
}
