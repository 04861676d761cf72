/** Machines under QEMU alone: no libvirt, no agent, no fw_cfg, no network. What they say is on their serial console. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { inject } from "../../provider/init/inject/guestfs";
import { compileParameters } from "../../provider/init/parameters";
import type { Parameters } from "../../provider/init/parameters-schema";
import { makePayload, type PayloadDescription } from "../../provider/init/payload";
import { ensureImage, type GuestImage, type ImageKind } from "../../tools/images";

const run = promisify(execFile);

type Description = Omit<PayloadDescription, "parameters"> & { parameters: Parameters };

/** An image that carries scripts: an overlay over the image without them. */
export class InitImage {
	readonly folder = mkdtempSync(join(tmpdir(), "init-image-"));
	private readonly machines = new Set<ChildProcess>();

	private constructor(readonly image: GuestImage) {}

	/** @param log what the injection tells of the image */
	static async make(
		kind: ImageKind,
		description: Description,
		log: (message: string) => void = () => {},
	): Promise<InitImage> {
		const made = new InitImage(await ensureImage(kind));
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", made.image.disk, "-F", "qcow2", made.path("image")]);
		const payload = await makePayload({ ...description, parameters: compileParameters(description.parameters) });
		await inject({ path: made.path("image"), format: "qcow2" }, payload, { kvm: false, log });
		return made;
	}

	async remove(): Promise<void> {
		await Promise.all([...this.machines].map(stop));
		rmSync(this.folder, { recursive: true, force: true });
	}

	path(name: string): string {
		return join(this.folder, name);
	}

	/** QEMU's arguments for a start without firmware and boot loader. */
	get directBoot(): string[] {
		const { kernel, initrd, cmdline } = this.image;
		return ["-kernel", kernel, "-initrd", initrd, "-append", cmdline];
	}

	/** All of it in one file, for machines of users that may not look into the cache. */
	async flat(): Promise<GuestImage> {
		await run("qemu-img", ["convert", "-O", "qcow2", this.path("image"), this.path("flat")]);
		return { ...this.image, disk: this.path("flat") };
	}

	/**
	 * Starts a thin clone from its disk, and waits for a line of its console.
	 * @param hardware QEMU's arguments; the disk is the drive `disk`
	 * @returns what is on the console, once the pattern is there; the machine is off then
	 */
	async console(name: string, hardware: string[], pattern: RegExp, seconds = 240): Promise<string> {
		const disk = this.path(`${name}.qcow2`);
		if (!existsSync(disk)) {
			await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", this.path("image"), "-F", "qcow2", disk]);
		}
		const file = this.path(`${name}.console`);
		rmSync(file, { force: true });
		const memory = this.image.kind === "micro" ? "128" : "512";
		const machine = spawn(
			"qemu-system-x86_64",
			[
				...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", memory],
				...["-serial", `file:${file}`, "-drive", `file=${disk},if=none,id=disk`],
				...hardware,
			],
			{ stdio: ["ignore", "ignore", "pipe"] },
		);
		this.machines.add(machine);
		let complaint = "";
		machine.stderr?.setEncoding("utf8").on("data", (text: string) => {
			complaint += text;
		});
		// A shell that starts asks where the cursor is, in the middle of what others write.
		const plain = (text: string) => text.replaceAll("\r", "").replaceAll("\u001b[6n", "\n");
		const read = () => (existsSync(file) ? plain(readFileSync(file, "utf8")) : "");
		for (const deadline = Date.now() + seconds * 1000; !pattern.test(read()); await sleep(100)) {
			if (machine.exitCode !== null || Date.now() > deadline) {
				assert.fail(`${name}: no ${pattern} on its console after ${seconds} s; QEMU said: ${complaint}\n${read()}`);
			}
		}
		await stop(machine);
		this.machines.delete(machine);
		return read();
	}
}

async function stop(machine: ChildProcess): Promise<void> {
	if (machine.exitCode !== null || machine.signalCode !== null) return;
	const gone = new Promise((resolve) => machine.once("exit", resolve));
	machine.kill("SIGKILL");
	await gone;
}

/** Whether a file has the text anywhere, as somebody would see it who reads the disk. */
export async function contains(file: string, text: string): Promise<boolean> {
	let kept: Buffer = Buffer.alloc(0);
	for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
		const bytes = Buffer.concat([kept, chunk as Buffer]);
		if (bytes.includes(text)) return true;
		kept = bytes.subarray(-text.length);
	}
	return false;
}

/** Whether the disk of a machine has the text anywhere. */
export async function diskContains(disk: string, text: string): Promise<boolean> {
	const flat = `${disk}.flat`;
	await run("qemu-img", ["convert", "-U", "-O", "raw", disk, flat]);
	try {
		return await contains(flat, text);
	} finally {
		rmSync(flat);
	}
}
