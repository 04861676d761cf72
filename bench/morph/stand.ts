/** Two private hosts that are connected, and a running machine that changes its size and its place. */
import { execFile } from "node:child_process";
import { copyFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { guestExec } from "../../provider/domain/agent";
import { domain } from "../../provider/domain/lifecycle";
import { poll } from "../../provider/domain/patience";
import { type DomainFacts, type DomainInputs, domainSchema } from "../../provider/domain/schema";
import { connect, type Host } from "../../provider/libvirt";
import type { State } from "../../provider/lifecycle";
import { refreshPool } from "../../provider/volume/refresh";
import { ensureImage, type GuestImage } from "../../tools/images";
import { ensureNewerQemu } from "../../tools/qemu";
import { connectHosts, startTestHost, type TestHost } from "../../tools/testhost";

const run = promisify(execFile);
const TIMEOUT_SECONDS = 120;

/** Between which it changes: by a module of memory, and a vCPU. */
const SIZES = [
	{ vcpus: 1, memoryMiB: 160 },
	{ vcpus: 2, memoryMiB: 288 },
];

/**
 * Keeps the longest time that the guest's only work stood still, in hundredths of a second. The guest's clock goes on
 * while it is given devices, and stands still while it is on its way to another host.
 */
const WATCH = `read up _ < /proc/uptime; last=\${up%.*}\${up#*.}; most=0; echo 0 > /run/gap
while :; do
	read up _ < /proc/uptime; now=\${up%.*}\${up#*.}; gap=$((now - last)); last=$now
	[ $gap -gt $most ] && { most=$gap; echo $most > /run/gap; }
done`;

interface Place {
	machine: TestHost;
	host: Host;
}

export interface Taken {
	wallMs: number;
	/** For how long the guest stood still. */
	pauseMs: number;
}

export class Stand {
	private state!: State<DomainInputs, DomainFacts>;
	private size = 0;
	private count = 0;

	private constructor(
		private readonly image: GuestImage,
		/** First where it is. */
		private places: [Place, Place],
	) {}

	static async start(): Promise<Stand> {
		const image = await ensureImage("micro");
		const places: Place[] = [];
		const qemu = await ensureNewerQemu("9.0");
		for (const _ of [1, 2]) {
			const machine = await startTestHost(qemu === undefined ? {} : { qemu });
			places.push({ machine, host: connect(machine.uri) });
		}
		const stand = new Stand(image, places as [Place, Place]);
		for (const place of stand.places) await stand.furnish(place);
		await connectHosts(stand.places[0].machine, stand.places[1].machine);
		const { state } = await domain.create(
			stand.inputs(stand.here, await stand.disk(stand.here)),
			stand.context(stand.here),
		);
		stand.state = state;
		await stand.watch();
		return stand;
	}

	async stop(): Promise<void> {
		for (const { host, machine } of this.places) {
			await host.close();
			await machine.stop();
		}
	}

	/** It moves as `up` has it: with all checks, into a disk that is there. */
	async move(): Promise<Taken> {
		await this.shrink();
		const disk = await this.disk(this.there);
		return this.away(disk, () => this.update(this.there, disk));
	}

	/** And grows on the way. */
	async moveAndMorph(): Promise<Taken> {
		await this.shrink();
		const disk = await this.disk(this.there);
		this.size = 1;
		return this.away(disk, () => this.update(this.there, disk));
	}

	/** The same by virsh: a definition with the other host's paths, and one command. */
	async virsh(): Promise<Taken> {
		await this.shrink();
		const disk = await this.disk(this.there);
		const [{ machine: from }, { machine: to }] = this.places;
		const files = await Promise.all(
			[["--migratable"], ["--inactive", "--security-info"]].map(async (options, index) => {
				const xml = await from.virsh("dumpxml", this.state.uuid, ...options);
				const file = join(from.directory, `${index}.xml`);
				const former = this.state.disks[0]!.volume;
				await writeFile(file, xml.replaceAll(former, disk).replaceAll(from.directory, to.directory));
				return file;
			}),
		);
		const xml = ["--xml", files[0]!, "--persistent-xml", files[1]!];
		const how = ["--live", "--p2p", "--persistent", "--undefinesource", "--copy-storage-inc", ...xml];
		return this.away(disk, async () => {
			await from.virsh("migrate", this.state.uuid, ...how, this.peerUri(to), `tcp://${to.linkAddress}`);
			const { disks } = this.inputs(this.there, disk);
			this.state = { ...this.state, ...this.inputs(this.there, disk), disks };
		});
	}

	/** It changes its size where it is. */
	async morph(): Promise<Taken> {
		this.size = 1 - this.size;
		await this.watch();
		const wallMs = await timed(() => this.update(this.here, this.state.disks[0]!.volume));
		return { wallMs, pauseMs: 10 * Math.max(1, Number(await this.sh("cat /run/gap"))) };
	}

	/** The same by turning it off: until its agent answers again. */
	async restart(): Promise<Taken> {
		this.size = 1 - this.size;
		const { host } = this.here;
		const { uuid, disks } = this.state;
		const wallMs = await timed(async () => {
			await host.domains.shutdown(uuid, { mode: "agent" });
			await poll(TIMEOUT_SECONDS, async () =>
				(await host.domains.find(uuid))?.state === "shutoff" ? true : undefined,
			);
			await this.update(this.here, disks[0]!.volume);
		});
		await this.watch();
		return { wallMs, pauseMs: wallMs };
	}

	/** One without KVM goes while it runs only with one piece of memory. */
	private async shrink(): Promise<void> {
		this.size = 0;
		await this.update(this.here, this.state.disks[0]!.volume);
	}

	private async away(disk: string, work: () => Promise<unknown>): Promise<Taken> {
		const former = this.state.disks[0]!.volume;
		const wallMs = await timed(work);
		const migrated = await this.there.host.domains.migrated(this.state.uuid);
		if (!migrated || this.state.disks[0]!.volume !== disk) throw new Error("the machine has not moved");
		await rm(former);
		await refreshPool(this.here.host, (await this.here.host.pools.find("pool"))!.uuid, { now: true });
		this.places = [this.there, this.here];
		// So that the guest is at rest again.
		await sleep(500);
		return { wallMs, pauseMs: migrated.pauseMs };
	}

	private async update(place: Place, disk: string): Promise<void> {
		this.state = await domain.update(this.state.uuid, this.state, this.inputs(place, disk), this.context(place));
	}

	private inputs({ machine }: Place, disk: string): DomainInputs {
		const at = (name: string) => join(machine.poolDirectory, name);
		return domainSchema.parse({
			uri: machine.uri,
			ownerId: "org/bench/dev/machine",
			name: "machine",
			type: "qemu",
			instanceType: SIZES[this.size],
			headroom: { maxVcpus: 2, maxMemoryMiB: 1024, memoryBy: "dimm" },
			boot: { kernel: at("kernel"), initrd: at("initrd"), cmdline: this.image.cmdline },
			disks: [{ volume: disk }],
			nics: [{ network: "default" }],
			waitFor: { agent: true, timeoutSeconds: TIMEOUT_SECONDS },
			migration: { peerUri: this.peerUri(machine) },
		});
	}

	private peerUri({ linkAddress }: TestHost): string {
		return `qemu+tcp://${linkAddress}/system`;
	}

	private async disk({ machine, host }: Place): Promise<string> {
		const path = join(machine.poolDirectory, `disk-${this.count++}.qcow2`);
		const base = join(machine.poolDirectory, "disk");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", path]);
		await refreshPool(host, (await host.pools.find("pool"))!.uuid, { now: true });
		return path;
	}

	private async furnish({ machine, host }: Place): Promise<void> {
		for (const name of ["kernel", "initrd", "disk"] as const) {
			await copyFile(this.image[name], join(machine.poolDirectory, name));
		}
		const pool = await host.pools.define(
			`<pool type="dir"><name>pool</name><target><path>${machine.poolDirectory}</path></target></pool>`,
		);
		await host.pools.start(pool.uuid);
	}

	/** Begins to watch anew. */
	private async watch(): Promise<void> {
		await this.sh(`[ -e /run/watch ] && kill $(cat /run/watch)
			( ${WATCH} ) < /dev/null > /dev/null 2>&1 & echo $! > /run/watch; sleep 1; echo 0 > /run/gap`);
	}

	private sh(script: string): Promise<string> {
		return guestExec(this.here.host, this.state.uuid, "/bin/sh", ["-c", script]);
	}

	private context({ host }: Place) {
		return { host, log: () => {} };
	}

	private get here(): Place {
		return this.places[0];
	}

	private get there(): Place {
		return this.places[1];
	}
}

async function timed(work: () => Promise<unknown>): Promise<number> {
	const began = performance.now();
	await work();
	return performance.now() - began;
}
