/** A private host for the tests of pools and volumes, driven through the lifecycles as the provider drives them. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { domain } from "../../provider/domain/lifecycle";
import { type DomainFacts, type DomainInputs, domainSchema } from "../../provider/domain/schema";
import { connect, type Host } from "../../provider/libvirt";
import type { Context, Lifecycle, RecordedInputs, State } from "../../provider/lifecycle";
import { pool } from "../../provider/pool/lifecycle";
import type { PoolFacts, PoolInputs } from "../../provider/pool/schema";
import { validate } from "../../provider/problems";
import { volume } from "../../provider/volume/lifecycle";
import { finishRefreshes } from "../../provider/volume/refresh";
import type { VolumeFacts, VolumeInputs } from "../../provider/volume/schema";
import { ensureImage, type GuestImage } from "../../tools/images";
import { startTestHost, type TestHost } from "../../tools/testhost";

export const run = promisify(execFile);

export type VolumeState = State<VolumeInputs, VolumeFacts>;
export type PoolState = State<PoolInputs, PoolFacts>;
export type DomainState = State<DomainInputs, DomainFacts>;

/** Validated inputs, as the provider's `check` makes them. */
export async function checked<I extends RecordedInputs, F extends object>(
	lifecycle: Lifecycle<I, F>,
	given: Record<string, unknown>,
): Promise<I> {
	const { inputs, problems } = validate(lifecycle.schema, given, lifecycle.rules, lifecycle.sensitive);
	if (problems.length > 0)
		throw new Error(problems.map(({ property, message }) => `${property}: ${message}`).join("\n"));
	return wire((await lifecycle.resolve?.(wire(inputs))) ?? inputs);
}

/** As a value comes back from the engine: without `undefined`, at any depth. */
export function wire<T>(value: T): T {
	return JSON.parse(JSON.stringify(value)) as T;
}

export class VolumeLab {
	logged: string[] = [];

	private constructor(
		readonly machine: TestHost,
		public host: Host,
	) {}

	static async start(options: { network?: boolean; poolDirectory?: string } = {}): Promise<VolumeLab> {
		const machine = await startTestHost({ network: false, ...options });
		return new VolumeLab(machine, connect(machine.uri));
	}

	async stop(): Promise<void> {
		await this.host?.close();
		await this.machine?.stop();
	}

	/** As in a new provider process: nothing is remembered. */
	async newProcess(): Promise<void> {
		await this.host.close();
		this.host = connect(this.machine.uri);
		this.logged = [];
	}

	get context(): Context {
		return { host: this.host, log: (message) => void this.logged.push(message) };
	}

	/** A path in the host's pool directory. */
	path(...names: string[]): string {
		return join(this.machine.poolDirectory, ...names);
	}

	private common(owner: string) {
		return { uri: this.machine.uri, ownerId: `org/project/stack/${owner}` };
	}

	async pool(name: string, more: Record<string, unknown> = {}): Promise<PoolState> {
		const inputs = await checked(pool, { ...this.common(name), name, path: this.path(name), ...more });
		return wire((await pool.create(inputs, this.context)).state);
	}

	/** A pool whose directory this process cannot see, as if the host were another machine. */
	async farPool(name: string): Promise<PoolState> {
		await mkdir(this.path(name));
		await this.machine.exec("mount", ["-t", "tmpfs", "tmpfs", this.path(name)]);
		return this.pool(name);
	}

	volumeInputs(name: string, more: Record<string, unknown>): Promise<VolumeInputs> {
		return checked(volume, { ...this.common(name), pool: "pool", name, ...more });
	}

	async volume(name: string, more: Record<string, unknown>): Promise<VolumeState> {
		const made = await volume.create(await this.volumeInputs(name, more), this.context);
		return wire(made.state);
	}

	async read(state: VolumeState): Promise<VolumeState | undefined> {
		const found = await volume.read(state.key, state, this.context);
		return found && wire(found);
	}

	/** Goes the engine's way: validated inputs, and the outputs of the step before. */
	async update(state: VolumeState, more: Record<string, unknown>): Promise<VolumeState> {
		const inputs = await this.volumeInputs(state.name, more);
		return wire(await volume.update(state.key, state, inputs, this.context));
	}

	async delete(state: VolumeState): Promise<void> {
		await volume.delete(state.key, state, this.context);
	}

	/** A micro guest with these disks, booted with its kernel directly. */
	async domain(name: string, more: Partial<Record<keyof DomainInputs, unknown>>): Promise<DomainState> {
		const image = await this.bootFiles();
		await finishRefreshes();
		const inputs = domainSchema.parse({
			...this.common(name),
			name,
			type: "qemu",
			memoryMiB: 128,
			boot: { kernel: this.path("kernel"), initrd: this.path("initrd"), cmdline: image.cmdline },
			consoleLog: join(this.machine.directory, `${name}.log`),
			shutdownTimeoutSeconds: 0,
			...more,
		});
		return (await domain.create(inputs, this.context)).state;
	}

	async deleteDomain(state: DomainState): Promise<void> {
		await domain.delete(state.uuid, state, this.context);
	}

	/** The micro image, with its kernel where QEMU's user may read it. */
	async bootFiles(): Promise<GuestImage> {
		const image = await ensureImage("micro");
		for (const name of ["kernel", "initrd"] as const) await copyFile(image[name], this.path(name));
		return image;
	}
}

/** Within a `describe`, temporary files go to a folder of its own. @returns what lies there: others leave nothing in it */
export function temporaryFiles(): () => Promise<string[]> {
	const { TMPDIR } = process.env;
	let folder: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "temporary-"));
		process.env.TMPDIR = folder;
	});
	after(async () => {
		if (TMPDIR === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = TMPDIR;
		await rm(folder, { recursive: true });
	});
	return () => readdir(folder);
}

/** What qemu-img says about an image. Consistent, or it throws. */
export async function imageInfo(path: string): Promise<{
	format: string;
	"virtual-size": number;
	"actual-size": number;
	"backing-filename"?: string;
	"backing-filename-format"?: string;
}> {
	const { stdout } = await run("qemu-img", ["info", "--output=json", "-U", path]);
	const info = JSON.parse(stdout);
	if (info.format === "qcow2") await run("qemu-img", ["check", "-q", "-U", path]);
	return info;
}
