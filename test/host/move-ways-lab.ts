/** A machine that counts on its disk, and two hosts between which it goes in other ways than while it runs. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { changes } from "../../provider/domain/changes";
import type { DomainInputs } from "../../provider/domain/schema";
import type { InstanceType } from "../../provider/morph/instance-types";
import { probedShape } from "../../provider/morph/probe";
import { movingIn } from "../../provider/move/moving";
import { parse } from "../../provider/xml/element";
import { readDomain } from "../../provider/xml/read-domain";
import { connectHosts } from "../../tools/testhost";
import { type Full, Lab, wire } from "./domain-lab";
import type { Task } from "./morph-crash";
import { assertTicks, awaitAgent, TICK } from "./move-faults";

const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

export class WaysLab {
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

	static async start(more: object = {}): Promise<WaysLab> {
		const [a, b] = await Promise.all([Lab.startMoving(), Lab.startMoving()]);
		await connectHosts(a.machine, b.machine);
		const inputs = await inputsOn(a, more);
		const lab = new WaysLab(a, b, inputs, wire(await a.create(inputs)));
		await lab.counting();
		return lab;
	}

	async stop(): Promise<void> {
		await this.a.stop();
		await this.b.stop();
	}

	get there(): Lab {
		return this.at === this.a ? this.b : this.a;
	}

	/** The machine as it is to be on its other host, on a fresh overlay. */
	on(lab: Lab, migration: object, more: object = {}): Promise<DomainInputs> {
		return inputsOn(lab, more, migration);
	}

	tried(lab: Lab, news: DomainInputs): Promise<Full> {
		return lab.update(this.state, news);
	}

	async moved(news: DomainInputs): Promise<void> {
		const lab = this.there;
		this.state = wire({ ...(await this.tried(lab, news)), incomplete: undefined });
		this.at = lab;
		this.inputs = news;
		assert.deepEqual(changes(this.state, news), []);
	}

	/** By a driver that is killed at a moment of its life. @returns whether it was */
	async dying(task: Task): Promise<boolean> {
		const driver = fork(join(__dirname, "morph-crash.js"));
		driver.send(task);
		const [code, signal] = (await once(driver, "exit")) as [number | null, string | null];
		assert.ok(signal === "SIGKILL" || code === 0, `${code} ${signal}`);
		return signal === "SIGKILL";
	}

	/** By a driver that remembers nothing of the hosts. @returns why it is refused */
	async refused(task: Task): Promise<string | undefined> {
		const driver = fork(join(__dirname, "morph-crash.js"));
		driver.send(task);
		const [{ refused }] = (await once(driver, "message")) as [{ refused?: string }];
		await once(driver, "exit");
		return refused;
	}

	/** It goes on from where it was: no boot, no number is missing, and nothing of the move is left on either host. */
	async assertGoesOn(): Promise<number> {
		const count = await assertTicks(this.at, this.state.uuid, this.bootId);
		await this.assertAlone();
		return count;
	}

	/** It was started anew, on the disk that it had; it counts from here on. */
	async assertStartedAnew(): Promise<void> {
		// A run that was killed right after the start has left the boot to itself.
		await awaitAgent(this.at, this.state.uuid);
		assert.notEqual(await this.sh(BOOT_ID), this.bootId);
		const ticks = (await this.sh("cat /root/ticks")).split("\n").map(Number);
		assert.ok(ticks.length > 1);
		assert.deepEqual(
			ticks,
			ticks.map((_, index) => index + 1),
		);
		await this.sh("rm /root/ticks");
		await this.counting();
		await this.assertAlone();
	}

	async counting(): Promise<void> {
		this.bootId = await this.sh(BOOT_ID);
		await this.sh(TICK);
	}

	async size(): Promise<InstanceType> {
		const { vcpus, memory } = await probedShape(this.at.context, this.state.uuid);
		return { vcpus: vcpus.present, memoryMiB: memory.presentMiB };
	}

	sh(script: string): Promise<string> {
		return this.at.sh(this.state.uuid, script);
	}

	/** It runs on one host, and no file of its memory is left. */
	async assertAlone(): Promise<void> {
		const { uuid } = this.state;
		assert.equal((await this.at.host.domains.find(uuid))?.state, "running");
		assert.equal(await this.there.host.domains.find(uuid), undefined);
		assert.deepEqual(await this.savedFiles(), []);
		const config = readDomain(parse(await this.at.host.domains.xml(uuid, { inactive: true })));
		assert.equal(movingIn({ config }), undefined);
	}

	/** Hosts on which it executes instructions. */
	async runningOn(): Promise<string[]> {
		const hosts = [this.a.host, this.b.host];
		const found = await Promise.all(hosts.map(({ domains }) => domains.find(this.state.uuid)));
		return hosts.flatMap(({ uri }, index) => (found[index]?.state === "running" ? [uri] : []));
	}

	async savedFiles(): Promise<string[]> {
		const folders = [this.a, this.b].map(({ machine }) => machine.poolDirectory);
		const files = await Promise.all(folders.map((folder) => readdir(folder)));
		return files.flat().filter((name) => name.endsWith(".saved"));
	}
}

function inputsOn(lab: Lab, more: object, migration: object = {}): Promise<DomainInputs> {
	return lab.inputs("goes", {
		type: "qemu",
		nics: [],
		waitFor: { agent: true },
		migration: { peerUri: `qemu+tcp://${lab.machine.linkAddress}/system`, ...migration },
		...more,
	});
}
