import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureImage } from "../../tools/images";
import { Project, type ProjectOptions } from "../../tools/pulumi/project";
import { startTestHost, type TestHost, type TestHostOptions } from "../../tools/testhost";

/** A private host and a project on it that declares the usual configuration: image, poolPath and the URI. */
export interface Bench {
	host: TestHost;
	project: Project;
	/** Folder on the host that the program makes its pool in. */
	poolPath: string;
	stop(): Promise<void>;
}

export async function startBench(options: ProjectOptions, hostOptions?: TestHostOptions): Promise<Bench> {
	const image = await ensureImage("micro");
	const host = await startTestHost(hostOptions);
	const poolPath = join(host.poolDirectory, "images");
	const project = await Project.start({
		...options,
		config: { image: image.disk, poolPath, "pulumi-libvirt-clones:uri": host.uri, ...options.config },
	});
	return {
		host,
		project,
		poolPath,
		async stop() {
			await project.remove();
			await host.stop();
		},
	};
}

/** What is left of a stack on its host: names of domains, networks and pools, and files in its pool's folder. */
export async function leftOn({ host, poolPath }: Bench): Promise<string[]> {
	const lines = async (...args: string[]) => (await host.virsh(...args)).split("\n").filter(Boolean);
	const files = await host.exec("sh", ["-c", 'ls -A "$1" 2>/dev/null || true', "sh", poolPath]);
	return [
		...(await lines("list", "--all", "--name")),
		...(await lines("net-list", "--all", "--name")).filter((name) => name.trim() !== "default"),
		...(await lines("pool-list", "--all", "--name")),
		...files.stdout.split("\n").filter(Boolean),
	].map((name) => name.trim());
}

/** Runs a command in a guest through its agent. @returns what it printed */
export async function inGuest(host: TestHost, domain: string, command: string): Promise<string> {
	const agent = async (execute: string, args: object) =>
		JSON.parse(await host.virsh("qemu-agent-command", domain, JSON.stringify({ execute, arguments: args }))).return;
	const { pid } = await agent("guest-exec", { path: "/bin/sh", arg: ["-c", command], "capture-output": true });
	for (;;) {
		const status = await agent("guest-exec-status", { pid });
		if (!status.exited) {
			await sleep(100);
			continue;
		}
		const text = (data?: string) => Buffer.from(data ?? "", "base64").toString();
		if (status.exitcode !== 0) throw new Error(`${command} in ${domain}: ${text(status["err-data"])}`);
		return text(status["out-data"]).trim();
	}
}
