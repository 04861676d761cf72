/** Two hosts that have one folder in common, as by a file server: this process sees its files by another path. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { appendFile, chmod, copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DomainInputs } from "../../provider/domain/schema";
import { volume } from "../../provider/volume/lifecycle";
import type { VolumeInputs } from "../../provider/volume/schema";
import { connectHosts } from "../../tools/testhost";
import { Lab } from "./domain-lab";
import type { Operation, Task } from "./shared-crash";
import { checked, type VolumeState } from "./volume-lab";

const PARTS = ["kernel", "initrd", "disk"] as const;

export class SharedLab {
	private constructor(
		readonly a: Lab,
		readonly b: Lab,
		/** As this process sees it. */
		readonly folder: string,
		private readonly folders: string[],
	) {}

	/** @param options.keepOwners whether libvirt leaves it to others whose files are */
	static async start({ keepOwners = false } = {}): Promise<SharedLab> {
		const [folder, poolDirectory] = [await temporary(), await temporary()];
		const a = await Lab.start("micro", { poolDirectory });
		const b = await Lab.start("micro", { poolDirectory });
		if (keepOwners) for (const one of [a, b]) await leaveOwners(one);
		await connectHosts(a.machine, b.machine);
		for (const name of PARTS) await copyFile(a.image[name], join(folder, name));
		const lab = new SharedLab(a, b, folder, [folder, poolDirectory]);
		for (const one of [a, b]) await lab.mount(one, folder, poolDirectory);
		return lab;
	}

	async stop(): Promise<void> {
		await this.a.stop();
		await this.b.stop();
		for (const folder of this.folders) await rm(folder, { recursive: true });
	}

	/** Has a host see a folder at the path of its pool, or of another. */
	async mount(lab: Lab, folder: string, at: string, pool = "pool"): Promise<void> {
		await lab.machine.exec("mount", ["--bind", folder, at]);
		const { uuid } = (await lab.host.pools.find(pool))!;
		await lab.host.pools.refresh(uuid);
	}

	/** A folder that goes with this. */
	async another(): Promise<string> {
		const folder = await temporary();
		this.folders.push(folder);
		return folder;
	}

	other(lab: Lab): Lab {
		return lab === this.a ? this.b : this.a;
	}

	/** Inputs of a volume as the provider's `check` makes them. */
	volumeOn(lab: Lab, name: string, more: Record<string, unknown> = {}): Promise<VolumeInputs> {
		return checked(volume, {
			uri: lab.host.uri,
			ownerId: `org/project/stack/${name}`,
			pool: "pool",
			name: `${name}.qcow2`,
			movable: true,
			...more,
		});
	}

	/** Its volume on the other host, in this process. */
	async createAnew(olds: VolumeState, news: VolumeInputs, lab: Lab): Promise<VolumeState> {
		const settled = await volume.settle!(olds, news, lab.context);
		return (await volume.create(settled, lab.context)).state;
	}

	migrationTo(lab: Lab, more: object = {}): DomainInputs["migration"] {
		return { peerUri: `qemu+tcp://${lab.machine.linkAddress}/system`, ...more };
	}

	/** Names in the folder, beside what all machines start from. */
	async files(): Promise<string[]> {
		return (await readdir(this.folder)).filter((name) => !PARTS.some((part) => part === name)).sort();
	}

	/** In a process of its own. @returns its result; undefined where it was killed */
	async inAnotherRun<T>(operation: Operation, diesAt?: number): Promise<T | undefined> {
		const child = fork(join(__dirname, "shared-crash.js"));
		let result: T | undefined;
		child.on("message", (message: { result: T }) => {
			result = message.result;
		});
		child.send({ operation, diesAt } satisfies Task);
		const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
		assert.ok(signal === "SIGKILL" || code === 0, `${code} ${signal}`);
		return signal === "SIGKILL" ? undefined : result;
	}
}

/**
 * libvirt knows no shared storage in a folder of this machine: what has left it would give the file back to root, away from
 * who has it now.
 */
async function leaveOwners({ machine }: Lab): Promise<void> {
	await appendFile(join(machine.directory, "etc/qemu.conf"), "dynamic_ownership = 0\n");
	await machine.restartLibvirtd();
}

async function temporary(): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), "clones-shared-"));
	// For QEMU's user.
	await chmod(folder, 0o755);
	return folder;
}
