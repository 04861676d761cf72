import * as assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { isoImage } from "../../provider/volume/iso9660";
import type { GuestImage } from "../../tools/images";
import { fat12Volume } from "../../tools/images/fat";
import type { TestHost } from "../../tools/testhost";

const run = promisify(execFile);

export interface GuestOptions {
	name: string;
	/** How the guest starts: with the image's kernel, or from its disk. */
	boot: "direct" | "bios" | "uefi";
	/** @default 128, with UEFI 256 */
	memoryMiB?: number;
	/** Bus of the disk. @default "virtio" */
	bus?: "virtio" | "scsi";
	/** Files of a NoCloud seed labelled cidata: a FAT disk, or with bus "scsi" an ISO 9660 CD. */
	seed?: Record<string, string>;
	/** Whether it has a network interface. @default true */
	network?: boolean;
	/** Addresses of network interfaces, one for each. @default one interface, with an address that libvirt chooses */
	macs?: string[];
	/** Whether a second processor and memory up to 1 GiB can be plugged in. @default false */
	headroom?: boolean;
	/** Size of the disk. @default the image's */
	diskGiB?: number;
}

/** A guest of an image on a test host, with its disk an overlay on a copy of the image. Driven through virsh. */
export class Guest {
	private constructor(
		readonly host: TestHost,
		readonly name: string,
	) {}

	static async define(host: TestHost, image: GuestImage, options: GuestOptions): Promise<Guest> {
		const file = (name: string) => join(host.poolDirectory, name);
		const base = `image-${image.kind}`;
		for (const [from, name] of [
			[image.disk, `${base}.qcow2`],
			[image.kernel, `${base}.vmlinuz`],
			[image.initrd, `${base}.initrd`],
		] as const) {
			if (!existsSync(file(name))) copyFileSync(from, file(name));
			chmodSync(file(name), 0o644);
		}
		const disk = file(`${options.name}.qcow2`);
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", `${base}.qcow2`, "-F", "qcow2", disk]);
		if (options.diskGiB) await run("qemu-img", ["resize", "-q", disk, `${options.diskGiB}G`]);
		const guest = new Guest(host, options.name);
		if (options.seed && options.bus === "scsi") guest.writeSeedCd(options.seed);
		else if (options.seed) guest.writeSeed(options.seed);
		const definition = file(`${options.name}.xml`);
		writeFileSync(definition, guest.xml(image, disk, options));
		await host.virsh("define", "--validate", definition);
		return guest;
	}

	/** (Re)writes the seed disk; a running guest reads it at its next start. */
	writeSeed(files: Record<string, string>): void {
		const content = Object.entries(files).map(([path, text]) => ({ path, content: Buffer.from(text) }));
		writeFileSync(this.seedFile, fat12Volume("CIDATA", 1_048_576, content));
	}

	private writeSeedCd(files: Record<string, string>): void {
		const content = Object.entries(files).map(([name, text]) => ({ name, content: Buffer.from(text) }));
		writeFileSync(this.seedFile, isoImage("cidata", content));
	}

	/** What the guest wrote to its first serial port since its last start. */
	get console(): string {
		return readFileSync(this.consoleFile, "utf8");
	}

	/** Starts the guest and waits for its agent. @returns seconds from the call to the agent's answer */
	async start(timeoutSeconds = 180): Promise<number> {
		const started = Date.now();
		await this.host.virsh("start", this.name);
		for (;;) {
			const answer = await this.agent("guest-ping").catch((error: Error) => error);
			if (!(answer instanceof Error)) return (Date.now() - started) / 1000;
			if (Date.now() - started > timeoutSeconds * 1000) {
				assert.fail(`${this.name}: no agent after ${timeoutSeconds} s: ${answer.message}\nconsole:\n${this.console}`);
			}
			await sleep(100);
		}
	}

	/** A guest agent command's `return`. */
	async agent(command: string, args: object = {}): Promise<unknown> {
		const request = JSON.stringify({ execute: command, arguments: args });
		const text = await this.host.virsh("qemu-agent-command", "--timeout", "10", this.name, request);
		return (JSON.parse(text) as { return: unknown }).return;
	}

	/** Runs a shell command in the guest. @returns what it printed, trimmed @throws unless its exit status is 0 */
	async shell(command: string): Promise<string> {
		const args = { path: "/bin/sh", arg: ["-c", `exec 2>&1; ${command}`], "capture-output": true };
		const { pid } = (await this.agent("guest-exec", args)) as { pid: number };
		for (;;) {
			const status = (await this.agent("guest-exec-status", { pid })) as ExecStatus;
			if (status.exited) {
				const output = Buffer.from(status["out-data"] ?? "", "base64").toString();
				assert.equal(status.exitcode, 0, `${this.name}: ${command}:\n${output}`);
				return output.trim();
			}
			await sleep(50);
		}
	}

	/** Waits until the shell command succeeds in the guest. @returns what it printed */
	async until(command: string, timeoutSeconds = 90): Promise<string> {
		const deadline = Date.now() + timeoutSeconds * 1000;
		for (;;) {
			const output = await this.shell(command).catch((error: Error) => error);
			if (!(output instanceof Error)) return output;
			if (Date.now() > deadline) {
				assert.fail(`not within ${timeoutSeconds} s: ${output.message}\nconsole:\n${this.console}`);
			}
			await sleep(100);
		}
	}

	/** Asks the guest to shut down and waits until it is off. @returns seconds that it took */
	async shutdown(mode: "acpi" | "agent", timeoutSeconds = 90): Promise<number> {
		const started = Date.now();
		await this.host.virsh("shutdown", "--mode", mode, this.name).catch((error: Error) => {
			// It was off before libvirt had its agent's answer.
			if (!/End of file from agent/.test(error.message)) throw error;
		});
		while ((await this.host.virsh("domstate", this.name)) !== "shut off") {
			if (Date.now() - started > timeoutSeconds * 1000) {
				assert.fail(`${this.name}: still on ${timeoutSeconds} s after shutdown (${mode})\nconsole:\n${this.console}`);
			}
			await sleep(50);
		}
		return (Date.now() - started) / 1000;
	}

	private get seedFile(): string {
		return join(this.host.poolDirectory, `${this.name}.seed`);
	}

	private get consoleFile(): string {
		return join(this.host.poolDirectory, `${this.name}.console`);
	}

	private xml(image: GuestImage, disk: string, options: GuestOptions): string {
		const bus = options.bus ?? "virtio";
		const memory = options.memoryMiB ?? (options.boot === "uefi" ? 256 : 128);
		const path = (name: string) => join(this.host.poolDirectory, `image-${image.kind}.${name}`);
		const direct = `<kernel>${path("vmlinuz")}</kernel><initrd>${path("initrd")}</initrd><cmdline>${image.cmdline}</cmdline>`;
		const seed = `<disk type="file" device="${bus === "scsi" ? "cdrom" : "disk"}"><driver name="qemu" type="raw"/><source file="${this.seedFile}"/>
			<target dev="${bus === "scsi" ? "sdb" : "vdb"}" bus="${bus}"/><readonly/></disk>`;
		const nic = (mac = "") =>
			`<interface type="network">${mac && `<mac address="${mac}"/>`}<source network="default"/><model type="virtio"/></interface>`;
		const headroom = `<maxMemory slots="2" unit="MiB">1024</maxMemory><vcpu current="1">2</vcpu>
			<cpu><numa><cell id="0" cpus="0-1" memory="${memory}" unit="MiB"/></numa></cpu>`;
		return `<domain type="qemu">
			<name>${options.name}</name>
			<memory unit="MiB">${memory}</memory>
			${options.headroom ? headroom : "<vcpu>1</vcpu>"}
			<os${options.boot === "uefi" ? ' firmware="efi"' : ""}>
				<type arch="x86_64" machine="q35">hvm</type>
				${options.boot === "uefi" ? '<firmware><feature enabled="no" name="secure-boot"/></firmware>' : ""}
				${options.boot === "direct" ? direct : '<boot dev="hd"/>'}
			</os>
			<features><acpi/></features>
			<devices>
				<disk type="file" device="disk">
					<driver name="qemu" type="qcow2"/>
					<source file="${disk}"/>
					<target dev="${bus === "scsi" ? "sda" : "vda"}" bus="${bus}"/>
				</disk>
				${options.seed ? seed : ""}
				${bus === "scsi" ? '<controller type="scsi" model="virtio-scsi"/>' : ""}
				${options.network === false ? "" : (options.macs ?? [""]).map(nic).join("")}
				<serial type="file"><source path="${this.consoleFile}"/></serial>
				<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
				<rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
			</devices>
		</domain>`;
	}
}

interface ExecStatus {
	exited: boolean;
	exitcode?: number;
	"out-data"?: string;
}
