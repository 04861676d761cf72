/** A private host with a pool, the micro image as its gold volume, and domains made through the lifecycle. */
import { execFile } from "node:child_process";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { guestExec } from "../../provider/domain/agent";
import { domain } from "../../provider/domain/lifecycle";
import { type DomainFacts, type DomainInputs, domainSchema } from "../../provider/domain/schema";
import { connect, type Host } from "../../provider/libvirt";
import { type Context, IncompleteError, type State } from "../../provider/lifecycle";
import { ensureImage, type GuestImage } from "../../tools/images";
import { ensureNewerQemu } from "../../tools/qemu";
import { startTestHost, type TestHost, type TestHostOptions } from "../../tools/testhost";

const run = promisify(execFile);

export type Full = State<DomainInputs, DomainFacts>;

export class Lab {
	readonly logged: string[] = [];
	private count = 0;

	private constructor(
		readonly machine: TestHost,
		readonly host: Host,
		readonly image: GuestImage,
	) {}

	static async start(kind: "micro" | "debian" = "micro", options: TestHostOptions = {}): Promise<Lab> {
		const image = await ensureImage(kind);
		const machine = await startTestHost(options);
		const host = connect(machine.uri);
		const lab = new Lab(machine, host, image);
		for (const name of ["kernel", "initrd", "disk"] as const) await copyFile(image[name], lab.path(name));
		const pool = await host.pools.define(
			`<pool type="dir"><name>pool</name><target><path>${machine.poolDirectory}</path></target></pool>`,
		);
		await host.pools.start(pool.uuid);
		return lab;
	}

	/** On hosts from which a guest without KVM goes while it runs. */
	static async startMoving(options: TestHostOptions = {}): Promise<Lab> {
		const qemu = await ensureNewerQemu("9.0");
		return Lab.start("micro", { ...options, ...(qemu !== undefined && { qemu }) });
	}

	/** A context of its own, as another run has: nothing is remembered from before. */
	static async connect(lab: Lab): Promise<Context> {
		return { host: Object.create(lab.host) as Host, log: () => {} };
	}

	async stop(): Promise<void> {
		await this.host.close();
		await this.machine.stop();
	}

	path(name: string): string {
		return join(this.machine.poolDirectory, name);
	}

	get context(): Context {
		return { host: this.host, log: (message) => void this.logged.push(message) };
	}

	/** A new volume in the pool: an overlay on the image, or an empty one. */
	async volume(name: string, { empty = false } = {}): Promise<string> {
		const path = this.path(name);
		const base = empty ? [] : ["-b", this.path("disk"), "-F", "qcow2"];
		await run("qemu-img", ["create", "-q", "-f", "qcow2", ...base, path, ...(empty ? ["16M"] : [])]);
		const pool = await this.host.pools.find("pool");
		await this.host.pools.refresh(pool!.uuid);
		return path;
	}

	/** Inputs as the resource hands them to the lifecycle: a small guest that boots the kernel directly. */
	async inputs(name: string, more: Partial<Record<keyof DomainInputs, unknown>> = {}): Promise<DomainInputs> {
		const disks = more.disks ?? [{ volume: await this.volume(`${name}-${this.count++}.qcow2`) }];
		return this.plain(name, {
			memoryMiB: 128,
			shutdownTimeoutSeconds: 20,
			disks,
			boot: { kernel: this.path("kernel"), initrd: this.path("initrd"), cmdline: this.image.cmdline },
			nics: [{ network: "default" }],
			consoleLog: join(this.machine.directory, `${name}.log`),
			...more,
		});
	}

	/** Inputs of a machine that is nothing but what is given. */
	plain(name: string, more: Partial<Record<keyof DomainInputs, unknown>> = {}): DomainInputs {
		return domainSchema.parse({
			uri: this.machine.uri,
			ownerId: `org/project/stack/${name}`,
			name,
			// Nothing in it could shut down.
			shutdownTimeoutSeconds: 0,
			...more,
		});
	}

	async create(inputs: DomainInputs): Promise<Full> {
		try {
			return (await domain.create(inputs, this.context)).state;
		} catch (error) {
			if (error instanceof IncompleteError) error.message += await this.lastWords(inputs.name);
			throw error;
		}
	}

	/** The end of what a machine has printed and of its QEMU's log, for an error. */
	async lastWords(name: string): Promise<string> {
		const { directory } = this.machine;
		const files = { console: join(directory, `${name}.log`), QEMU: join(directory, "log/qemu", `${name}.log`) };
		const texts = Object.entries(files).map(async ([of, file]) => {
			const text = await readFile(file, "utf8").catch(() => "nothing");
			return `\n${of}: ${text.trimEnd().split("\n").slice(-8).join("\n\t")}`;
		});
		return (await Promise.all(texts)).join("");
	}

	/** Goes the engine's way: what is recorded are the outputs of the step before. */
	update(state: Full, inputs: DomainInputs): Promise<Full> {
		return domain.update(state.uuid, state, inputs, this.context);
	}

	async read(state: Full): Promise<Full | undefined> {
		return domain.read(state.uuid, state, this.context);
	}

	async delete(state: Full): Promise<void> {
		await domain.delete(state.uuid, state, this.context);
	}

	/** Output of a shell command in the guest. */
	async sh(uuid: string, script: string): Promise<string> {
		return (await guestExec(this.host, uuid, "/bin/sh", ["-c", script])).trim();
	}
}

/** As the state comes back from the engine: without `undefined`, at any depth. */
export function wire<T>(value: T): T {
	return JSON.parse(JSON.stringify(value)) as T;
}
