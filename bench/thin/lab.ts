/** The host that all ways of cloning work on: a pool in one directory, a base in it, and nothing else. */
import { execFile } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { closeAll, connect, type Host } from "../../provider/libvirt";
import { startTestHost, type TestHost } from "../../tools/testhost";

export const POOL = "bench";
const BASE = "base.qcow2";
const BASE_SIZE = "4G";

export class Lab {
	readonly directory: string;
	readonly base: string;
	readonly host: Host;

	private constructor(private readonly testHost: TestHost) {
		this.directory = testHost.poolDirectory;
		this.base = join(this.directory, BASE);
		this.host = connect(testHost.uri);
	}

	static async start(): Promise<Lab> {
		const lab = new Lab(await startTestHost({ network: false }));
		await promisify(execFile)("qemu-img", ["create", "-q", "-f", "qcow2", lab.base, BASE_SIZE]);
		await lab.virsh("pool-define-as", POOL, "dir", "--target", lab.directory);
		await lab.virsh("pool-start", POOL);
		return lab;
	}

	get uri(): string {
		return this.testHost.uri;
	}

	virsh(...args: string[]): Promise<string> {
		return this.testHost.virsh(...args);
	}

	async poolUuid(): Promise<string> {
		return (await this.host.pools.find(POOL))!.uuid;
	}

	/** How many machines there are. */
	async machines(): Promise<number> {
		return (await this.host.domains.list()).length;
	}

	/** Removes all machines and disks but the base, whoever made them. */
	async clear(): Promise<void> {
		for (const { uuid } of await this.host.domains.list()) await this.host.domains.undefine(uuid);
		for (const name of await readdir(this.directory)) if (name !== BASE) await rm(join(this.directory, name));
		await this.host.pools.refresh(await this.poolUuid());
	}

	async stop(): Promise<void> {
		await closeAll();
		await this.testHost.stop();
	}
}
