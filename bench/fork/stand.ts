/** A private host with the gold images, and machines on it that are made as the resources make them. */
import { copyFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { domain } from "../../provider/domain/lifecycle";
import { type DomainFacts, type DomainInputs, domainSchema } from "../../provider/domain/schema";
import { goOn } from "../../provider/fork/child";
import { become, untilAgentAnswers } from "../../provider/fork/guest";
import { forkPoint } from "../../provider/fork/lifecycle";
import { pluggableOf } from "../../provider/fork/plug";
import { type ForkPointFacts, type ForkPointInputs, forkPointSchema } from "../../provider/fork/schema";
import { type ChildUsage, usageOf } from "../../provider/fork/usage";
import { type HostKey, newHostKeys } from "../../provider/identity/host-keys";
import { connect, type Host } from "../../provider/libvirt";
import type { Context, State } from "../../provider/lifecycle";
import { volume } from "../../provider/volume/lifecycle";
import { type VolumeFacts, type VolumeInputs, volumeSchema } from "../../provider/volume/schema";
import { ensureImage, type GuestImage } from "../../tools/images";
import { startTestHost, type TestHost } from "../../tools/testhost";

export type Kind = "micro" | "debian";
export type Point = State<ForkPointInputs, ForkPointFacts>;

export interface Machine {
	disk: State<VolumeInputs, VolumeFacts>;
	domain: State<DomainInputs, DomainFacts>;
}

import { MACHINES, macOf, NETWORK, networkXml } from "./network";
import { RawChild } from "./raw";

const MEMORY_MIB: Record<Kind, number> = { micro: 128, debian: 512 };
const TIMEOUT_SECONDS = 600;

export class Stand {
	private number = 0;
	private readonly keys = new Map<number, HostKey[]>();

	private constructor(
		private readonly machine: TestHost,
		private readonly host: Host,
		private readonly image: GuestImage,
		private readonly kind: Kind,
	) {}

	static async start(kind: Kind): Promise<Stand> {
		const image = await ensureImage(kind);
		const machine = await startTestHost();
		const host = connect(machine.uri);
		const stand = new Stand(machine, host, image, kind);
		for (const name of ["kernel", "initrd", "disk"] as const) await copyFile(image[name], stand.path(name));
		const pool = await host.pools.define(
			`<pool type="dir"><name>pool</name><target><path>${machine.poolDirectory}</path></target></pool>`,
		);
		await host.pools.start(pool.uuid);
		const network = await host.networks.define(networkXml());
		await host.networks.start(network.uuid);
		// Keys are made ahead of time, as those of a pool of identities are.
		for (let number = 1; number <= MACHINES; number++) stand.keys.set(number, await newHostKeys(`machine-${number}`));
		return stand;
	}

	async stop(): Promise<void> {
		await this.host.close();
		await this.machine.stop();
	}

	async point(): Promise<Point> {
		const inputs = forkPointSchema.parse({
			...this.common("warm"),
			pool: "pool",
			base: this.path("disk"),
			domain: this.hardware(),
			...(this.kind === "micro" && { ready: { exec: ["/bin/sh", "-c", "[ -e /run/booted ]"], intervalSeconds: 1 } }),
			timeoutSeconds: TIMEOUT_SECONDS,
		});
		return (await forkPoint.create(inputs, this.context)).state;
	}

	/** A clone of the image that boots, and gets name and keys by its guest agent. */
	async boot(): Promise<Machine> {
		const { number, name, hostKeys } = this.next();
		const disk = await this.disk(name, this.path("disk"));
		const files = hostKeys.flatMap(({ type, privateKey, publicKey }) => [
			{ path: `/etc/ssh/ssh_host_${type}_key`, content: privateKey, mode: "0600" },
			{ path: `/etc/ssh/ssh_host_${type}_key.pub`, content: publicKey },
		]);
		return this.make({ name, number }, disk, {
			...this.hardware(),
			guestSetup: { hostname: name, files },
			waitFor: { agent: true, address: "auto", timeoutSeconds: TIMEOUT_SECONDS },
		});
	}

	async fork(point: Point): Promise<Machine> {
		return this.child(point, { running: true, warm: false });
	}

	/** A child that is off, whose QEMU waits. */
	async waiting(point: Point): Promise<Machine> {
		return this.child(point, { running: false, warm: true });
	}

	private async child(point: Point, { running, warm }: { running: boolean; warm: boolean }): Promise<Machine> {
		const { number, name, hostKeys } = this.next();
		const disk = await this.disk(name, point.disk);
		const fork = { point: point.uuid, hostname: name, hostKeys, warm, timeoutSeconds: TIMEOUT_SECONDS };
		return this.make({ name, number }, disk, { template: point.uuid, running, fork });
	}

	/** A child that waits becomes somebody. */
	async turnOn({ disk, domain: off }: Machine): Promise<Machine> {
		const inputs: DomainInputs = { ...off, running: true, fork: { ...off.fork!, warm: false } };
		return { disk, domain: await domain.update(off.uuid, off, inputs, this.context) };
	}

	/** What the host does of that: the load, the guest's first instruction, the NIC. The guest stands still meanwhile. */
	async hostSide({ disk, domain: { uuid, fork } }: Machine): Promise<void> {
		const { config, point } = await goOn(this.context, uuid, fork!, disk.path);
		// What guests do of their own, which is long without KVM, would be taken from the host's two processors.
		await this.host.domains.suspend(uuid);
		const { plugIn, bringUp } = pluggableOf(this.host, uuid, config, point);
		await plugIn();
		await bringUp?.();
	}

	/** What a child has for itself once it is somebody, before it has a network. */
	async usageOfSomebody(point: Point): Promise<ChildUsage> {
		const machine = await this.waiting(point);
		const { disk, domain } = machine;
		await goOn(this.context, domain.uuid, domain.fork!, disk.path);
		if (!(await untilAgentAnswers(this.host, domain.uuid, TIMEOUT_SECONDS))) throw new Error("the agent is silent");
		await become(this.host, domain.uuid, domain.fork!, TIMEOUT_SECONDS, true);
		const usage = await usageOf(this.host, domain.uuid, disk.path);
		await this.remove(machine);
		return usage;
	}

	/** QEMU as libvirt starts it for a child. @returns what starts another one without libvirt, to wait */
	async raw(point: Point): Promise<() => Promise<RawChild>> {
		const like = await this.waiting(point);
		const args = await argumentsOf(like.domain.uuid);
		await this.remove(like);
		const blank = await this.disk("raw", point.disk);
		return () => RawChild.start(args, like.disk.path, blank.path, point.devices);
	}

	async remove({ disk, domain: made }: Machine): Promise<void> {
		await domain.delete(made.uuid, made, this.context);
		await volume.delete(disk.key, disk, this.context);
	}

	private path(name: string): string {
		return join(this.machine.poolDirectory, name);
	}

	private get context(): Context {
		return { host: this.host, log: () => {} };
	}

	private common(name: string) {
		return { uri: this.machine.uri, ownerId: `org/bench/dev/${name}`, name };
	}

	private hardware() {
		return {
			memoryMiB: MEMORY_MIB[this.kind],
			type: "qemu" as const,
			boot: { kernel: this.path("kernel"), initrd: this.path("initrd"), cmdline: this.image.cmdline },
		};
	}

	private next(): { number: number; name: string; hostKeys: HostKey[] } {
		const number = ++this.number;
		return { number, name: `machine-${number}`, hostKeys: this.keys.get(number)! };
	}

	private async disk(name: string, base: string) {
		const inputs = volumeSchema.parse({ ...this.common(name), name: `${name}.qcow2`, pool: "pool", base });
		return (await volume.create(inputs, this.context)).state;
	}

	private async make(
		{ name, number }: { name: string; number: number },
		disk: Machine["disk"],
		more: object,
	): Promise<Machine> {
		const inputs = domainSchema.parse({
			...this.common(name),
			disks: [{ volume: disk.path, format: "qcow2" }],
			nics: [{ network: NETWORK, mac: macOf(number) }],
			shutdownTimeoutSeconds: 0,
			...more,
		});
		return { disk, domain: (await domain.create(inputs, this.context)).state };
	}
}

/** Of QEMU's process. */
async function argumentsOf(uuid: string): Promise<string[]> {
	for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
		const args = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0").slice(0, -1);
		if (args[args.indexOf("-uuid") + 1] === uuid) return args;
	}
	throw new Error(`there is no process of ${uuid}`);
}
