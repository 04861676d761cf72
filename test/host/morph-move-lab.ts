/** A machine with room to grow, and two hosts between which it moves by the steps of a template. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DomainInputs } from "../../provider/domain/schema";
import { lookAtShape } from "../../provider/morph/probe";
import { shapeOf } from "../../provider/morph/shape";
import { morphSchema } from "../../provider/morph/template";
import { parse } from "../../provider/xml/element";
import { recordedIn } from "../../provider/xml/metadata";
import { connectHosts } from "../../tools/testhost";
import { type Full, Lab, wire } from "./domain-lab";
import type { Task } from "./morph-crash";
import { TICK } from "./move-faults";

/** A step of the guest. */
export const exec = (script: string, more: object = {}) => ({ exec: ["/bin/sh", "-c", script], ...more });
/** A word in the guest, with how many CPUs it uses. */
export const trace = (word: string) => `echo ${word} $(nproc) >> /tmp/trace`;
export const size = (vcpus: number, memoryMiB: number) => ({ instanceType: { vcpus, memoryMiB } });

const TELLS = "#!/bin/sh\necho $1 >> /tmp/trace\n";
const sha256 = createHash("sha256").update(TELLS).digest("hex");
/** A tool that steps need, the leave to add it, and a step that writes down a word by it. */
export const telling = {
	tools: [{ name: "told", provides: "/usr/bin/told", script: { text: TELLS }, sha256 }],
	agentPolicy: { mayAdd: [sha256] },
	step: (word: string) => exec(`/usr/bin/told ${word}`),
};

export class MoveLab {
	/** Where it is. */
	at: Lab;
	private bootId = "";

	private constructor(
		readonly a: Lab,
		readonly b: Lab,
		public inputs: DomainInputs,
		public state: Full,
	) {
		this.at = a;
	}

	static async start(): Promise<MoveLab> {
		const [a, b] = await Promise.all([Lab.startMoving(), Lab.startMoving()]);
		await connectHosts(a.machine, b.machine);
		// QEMU 10.0 without KVM ends in some boots with several CPUs (an assertion in `iotlb_to_section`).
		const inputs = await inputsOn(a, size(1, 160));
		const lab = new MoveLab(a, b, inputs, wire(await a.create(inputs)));
		await lab.changed(a, await lab.on(a, size(2, 160)));
		lab.bootId = await a.sh(lab.state.uuid, "cat /proc/sys/kernel/random/boot_id");
		await a.sh(lab.state.uuid, TICK);
		return lab;
	}

	async stop(): Promise<void> {
		await this.a.stop();
		await this.b.stop();
	}

	get there(): Lab {
		return this.at === this.a ? this.b : this.a;
	}

	/** The machine as it is to be on a host, on a fresh overlay there unless it is there. */
	async on(
		lab: Lab,
		{ morph, ...more }: { morph?: object; agentPolicy?: object; instanceType?: object; migration?: object },
	): Promise<DomainInputs> {
		const { instanceType, disks } = this.inputs;
		const here = lab === this.at ? { disks } : {};
		return inputsOn(lab, { instanceType, ...here, ...more, morph: morph && morphSchema.parse(morph) });
	}

	tried(lab: Lab, news: DomainInputs): Promise<Full> {
		return lab.update(this.state, news);
	}

	async changed(lab: Lab, news: DomainInputs): Promise<void> {
		this.state = wire({ ...(await this.tried(lab, news)), incomplete: undefined });
		this.at = lab;
		this.inputs = news;
	}

	/** By a driver that is killed at a moment of its life. @returns whether it was; else how many moments there are */
	async dying(task: Task): Promise<{ died: boolean; moments: number }> {
		const driver = fork(join(__dirname, "morph-crash.js"));
		let moments = 0;
		driver.on("message", (told: { moments: number }) => {
			moments = told.moments;
		});
		driver.send(task);
		const [code, signal] = (await once(driver, "exit")) as [number | null, string | null];
		assert.ok(signal === "SIGKILL" || code === 0, `${code} ${signal}`);
		return { died: signal === "SIGKILL", moments };
	}

	/** In the guest. */
	sh(script: string): Promise<string> {
		return this.at.sh(this.state.uuid, script);
	}

	async traced(): Promise<string[]> {
		return (await this.sh("cat /tmp/trace 2> /dev/null; rm -f /tmp/trace")).split("\n").filter(Boolean);
	}

	/** A step of a host, which writes down a word and what a host shows of the machine. */
	onHost(word: string, lab: Lab, more: object = {}): object {
		const line = `echo "${word}: $(virsh -q -c '${lab.machine.uri}' domstate $MACHINE_UUID | head -n 1)" >> ${this.hostTrace}`;
		return { kind: "hostExec", exec: ["/bin/sh", "-c", line], ...more };
	}

	async tracedOnHosts(): Promise<string[]> {
		const text = await readFile(this.hostTrace, "utf8").catch(() => "");
		await rm(this.hostTrace, { force: true });
		return text.split("\n").filter(Boolean);
	}

	private get hostTrace(): string {
		return join(this.a.machine.directory, "trace");
	}

	/** Nothing of a tool is in the guest. */
	async hasNoTools(): Promise<void> {
		assert.equal(await this.sh("ls -d /usr/bin/told /var/lib/clones-tools 2> /dev/null || :"), "");
	}

	async inGuest(): Promise<{ vcpus: number; memoryMiB: number }> {
		return {
			vcpus: Number(await this.sh("nproc")),
			memoryMiB: Number(await this.sh("awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo")),
		};
	}

	async record(): Promise<string | undefined> {
		const { host } = this.at;
		return recordedIn(parse(await host.domains.xml(this.state.uuid, { inactive: true })))?.morph;
	}

	/** It went on all the time and is, on one host alone, what is recorded: in the definition, in what runs, and in the guest. */
	async settled(): Promise<void> {
		const { uuid } = this.state;
		assert.deepEqual(wire(await this.at.read(this.state)), this.state);
		assert.equal(await this.record(), undefined);
		assert.equal(await this.there.host.domains.find(uuid), undefined);
		assert.equal((await this.at.host.domains.find(uuid))?.state, "running");
		assert.equal(await this.sh("cat /proc/sys/kernel/random/boot_id"), this.bootId);
		const ticks = (await this.sh("sync; cat /root/ticks")).split("\n").map(Number);
		assert.deepEqual(
			ticks,
			ticks.map((_, index) => index + 1),
		);
		const { vcpus, memoryMiB } = this.inputs.instanceType as { vcpus: number; memoryMiB: number };
		const runs = await lookAtShape(this.at.context, uuid);
		assert.equal(runs.memory.presentMiB, memoryMiB);
		assert.equal((await this.inGuest()).vcpus, vcpus);
		const defined = parse(await this.at.host.domains.xml(uuid, { inactive: true }));
		assert.deepEqual(
			[shapeOf(defined).vcpus.present, shapeOf(defined).memory.presentMiB],
			[vcpus, memoryMiB],
			"its definition is of its new type",
		);
	}
}

function inputsOn(lab: Lab, more: object): Promise<DomainInputs> {
	return lab.inputs("goes", {
		type: "qemu",
		memoryMiB: undefined,
		headroom: { maxVcpus: 3, maxMemoryMiB: 1024 },
		nics: [],
		waitFor: { agent: true },
		migration: { peerUri: `qemu+tcp://${lab.machine.linkAddress}/system` },
		...more,
	});
}
