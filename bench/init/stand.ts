/** A private host with a gold image and machines on it, as the resources make them. */
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { guestExec } from "../../provider/domain/agent";
import { domain } from "../../provider/domain/lifecycle";
import { type DomainFacts, type DomainInputs, domainSchema } from "../../provider/domain/schema";
import { untilAgent } from "../../provider/domain/wait";
import { givenMac } from "../../provider/init/given-ids";
import { injectedOf } from "../../provider/init/injected";
import { scriptOf } from "../../provider/init/library";
import { compileParameters } from "../../provider/init/parameters";
import { makePayload } from "../../provider/init/payload";
import { parseReport } from "../../provider/init/report";
import { connect, type Host } from "../../provider/libvirt";
import type { Context, State } from "../../provider/lifecycle";
import { volume } from "../../provider/volume/lifecycle";
import { type VolumeFacts, type VolumeInputs, volumeSchema } from "../../provider/volume/schema";
import { ensureImage } from "../../tools/images";
import { ensureAppliance } from "../../tools/images/appliance";
import { startTestHost, type TestHost } from "../../tools/testhost";

export type Kind = "micro" | "debian";
export type Disk = State<VolumeInputs, VolumeFacts>;
type Made = State<DomainInputs, DomainFacts>;

export interface Machine {
	disks: Disk[];
	domain: Made;
	/** File with all that it has said. */
	console: string;
}

const OWNER = "org/bench/dev/init";
const MEMORY_MIB: Record<Kind, number> = { micro: 128, debian: 512 };
const TIMEOUT_SECONDS = 300;
/** What the first command of a user's says. */
const MARK = "the-first-command";
const MARKING = `echo ${MARK} > /dev/ttyS0`;

export class Stand {
	private number = 0;

	private constructor(
		private readonly machine: TestHost,
		private readonly host: Host,
		private readonly kind: Kind,
	) {}

	static async start(kind: Kind): Promise<Stand> {
		process.env.LIBGUESTFS_PATH = await ensureAppliance();
		const image = await ensureImage(kind);
		const machine = await startTestHost();
		const stand = new Stand(machine, connect(machine.uri), kind);
		await copyFile(image.disk, stand.gold);
		const xml = `<pool type="dir"><name>pool</name><target><path>${machine.poolDirectory}</path></target></pool>`;
		const pool = await stand.host.pools.define(xml);
		await stand.host.pools.start(pool.uuid);
		return stand;
	}

	async stop(): Promise<void> {
		await this.host.close();
		await this.machine.stop();
	}

	get gold(): string {
		return join(this.machine.poolDirectory, "gold");
	}

	/** The gold image with scripts that set name and address and then say so. Each call puts them in anew. */
	async image(): Promise<Disk> {
		const name = `image-${++this.number}`;
		const hostname = scriptOf("hostname", { name: "web-{instance}" });
		const address = scriptOf("static-address", { address: "10.99.{instance / 250}.{instance % 250 + 2}/16" });
		const payload = await makePayload({
			identifier: ["mac"],
			parameters: compileParameters({ ...hostname.parameters, ...address.parameters } as never),
			scripts: [
				{ name: "hostname", kind: "init", content: hostname.content, stage: "early" },
				{ name: "address", kind: "init", content: address.content, stage: "early" },
				{ name: "first", kind: "customize", content: `#!/bin/sh\n# ${name}\n${MARKING}\n`, stage: "early" },
			],
		});
		const given = { ...this.common(name), name: `${name}.qcow2`, pool: "pool", base: this.gold };
		const inputs = volumeSchema.parse({ ...given, injected: injectedOf(payload) });
		return (await volume.create((await volume.resolve!(inputs)) as VolumeInputs, this.context)).state;
	}

	/** A machine that is defined and not started. */
	async define(base: string): Promise<Machine> {
		return this.make(base, { running: false });
	}

	/** A machine that computes its name and address itself. */
	async start(base: string): Promise<Machine> {
		return this.make(base, { running: true });
	}

	/** The same by cloud-init, from a seed of its own. @param when "bootcmd" as early as it can, "runcmd" as usual */
	async startWithSeed(base: string, when: "bootcmd" | "runcmd"): Promise<Machine> {
		const name = `seed-${this.number + 1}`;
		const { mac, number } = this.next();
		const cloudInit = {
			hostname: `web-${number}`,
			userData: `#cloud-config\n${when}:\n  - [sh, -c, "${MARKING}"]\n`,
			networkConfig: JSON.stringify({
				version: 2,
				ethernets: { first: { match: { macaddress: mac }, addresses: [`10.99.0.${(number % 250) + 2}/16`] } },
			}),
		};
		const inputs = volumeSchema.parse({
			...this.common(name),
			name: `${name}.iso`,
			pool: "pool",
			format: "raw",
			source: { cloudInit },
		});
		const seed = (await volume.create(inputs, this.context)).state;
		return this.make(base, { running: true }, { number, mac, seed });
	}

	/** Until the first command of the user's has run. */
	async untilFirstCommand({ console, domain: { name } }: Machine): Promise<void> {
		const end = performance.now() + TIMEOUT_SECONDS * 1000;
		for (;;) {
			const text = await readFile(console, "latin1").catch(() => "");
			if (text.includes(MARK)) return;
			if (performance.now() > end) throw new Error(`${name} has run no command; it said: ${text.slice(-2000)}`);
			await sleep(20);
		}
	}

	/** Seconds that the scripts of name and address took in the guest. */
	async secondsOfScripts({ domain: { uuid } }: Machine): Promise<number> {
		if (!(await untilAgent(this.host, uuid, TIMEOUT_SECONDS))) throw new Error("the agent is silent");
		const report = parseReport(await guestExec(this.host, uuid, "/usr/lib/clones-init/run", ["report"]));
		const [hostname, address] = report.scripts;
		return (hostname!.seconds ?? 0) + (address!.seconds ?? 0);
	}

	async remove({ disks, domain: made }: Machine): Promise<void> {
		await domain.delete(made.uuid, made, this.context);
		for (const disk of disks) await this.removeDisk(disk);
	}

	async removeDisk(disk: Disk): Promise<void> {
		await volume.delete(disk.key, disk, this.context);
	}

	private async make(
		base: string,
		more: object,
		{ number, mac, seed }: { number: number; mac: string; seed?: Disk } = this.next(),
	): Promise<Machine> {
		const name = `machine-${number}`;
		const inputs = volumeSchema.parse({ ...this.common(name), name: `${name}.qcow2`, pool: "pool", base });
		const disk = (await volume.create(inputs, this.context)).state;
		const console = join(this.machine.poolDirectory, `${name}.log`);
		const given = domainSchema.parse({
			...this.common(name),
			memoryMiB: MEMORY_MIB[this.kind],
			type: "qemu",
			disks: [
				{ volume: disk.path, format: "qcow2" },
				...(seed ? [{ volume: seed.path, format: "raw", readOnly: true }] : []),
			],
			nics: [{ network: "default", mac }],
			consoleLog: console,
			shutdownTimeoutSeconds: 0,
			...more,
		});
		return { disks: seed ? [disk, seed] : [disk], domain: (await domain.create(given, this.context)).state, console };
	}

	private next(): { number: number; mac: string } {
		const number = ++this.number;
		return { number, mac: givenMac(OWNER, number) };
	}

	private get context(): Context {
		return { host: this.host, log: () => {} };
	}

	private common(name: string) {
		return { uri: this.machine.uri, ownerId: `org/bench/dev/${name}`, name };
	}
}
