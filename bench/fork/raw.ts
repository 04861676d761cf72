/**
 * Children without libvirt and without this package: the floor. QEMU is started with the arguments that libvirt gives to
 * a child, less what ties it to libvirt, and told by its monitor to read the parent's devices and to go on.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** Options of QEMU that hold what is libvirt's: its sockets, keys and descriptors. */
const OF_LIBVIRT = ["-name", "-sandbox", "-mon", "-msg"];
const POLL_MS = 1;
const DEVICES_DESCRIPTOR = 3;

/** One QEMU that waits for its devices. */
export class RawChild {
	private constructor(
		private readonly qemu: ChildProcess,
		private readonly monitor: Monitor,
		private readonly folder: string,
	) {}

	/**
	 * @param args of a child that libvirt has started to wait
	 * @param theirs path of its first disk
	 * @param blank such a disk, of which this one gets a copy
	 */
	static async start(args: readonly string[], theirs: string, blank: string, devices: string): Promise<RawChild> {
		const folder = await mkdtemp(join(tmpdir(), "raw-child-"));
		await copyFile(blank, join(folder, "disk"));
		const descriptor = openSync(devices, "r");
		const socket = join(folder, "monitor");
		const [program, ...rest] = rawArguments(args, theirs, folder);
		const qemu = spawn(program!, [...rest, "-qmp", `unix:${socket},server=on,wait=off`], {
			stdio: ["ignore", "ignore", "inherit", descriptor],
		});
		closeSync(descriptor);
		return new RawChild(qemu, await Monitor.open(socket, qemu), folder);
	}

	/** Reads the devices, and goes on. */
	async goOn(): Promise<void> {
		const capabilities = [{ capability: "x-ignore-shared", state: true }];
		await this.monitor.ask("migrate-set-capabilities", { capabilities });
		await this.monitor.ask("migrate-incoming", { uri: `fd:${DEVICES_DESCRIPTOR}` });
		while ((await this.monitor.ask("query-status")).status === "inmigrate") await sleep(POLL_MS);
		await this.monitor.ask("cont");
	}

	async stop(): Promise<void> {
		this.monitor.close();
		if (this.qemu.exitCode === null) {
			this.qemu.kill("SIGKILL");
			await once(this.qemu, "exit");
		}
		await rm(this.folder, { recursive: true });
	}
}

/** Pure but for its names: the same machine with a disk and sockets of its own. */
function rawArguments(args: readonly string[], disk: string, folder: string): string[] {
	const [program, ...rest] = args;
	const kept: string[] = [program!];
	for (let at = 0; at < rest.length; at++) {
		const option = rest[at]!;
		const hasValue = rest[at + 1] !== undefined && !rest[at + 1]!.startsWith("-");
		const value = hasValue ? rest[++at]! : undefined;
		if (OF_LIBVIRT.includes(option) || value?.includes("masterKey0") || value?.includes("id=charmonitor")) continue;
		kept.push(option);
		if (value === undefined) continue;
		// Other sockets and files are handed over as descriptors: the agent's and the console's are not needed here.
		const ours = option === "-chardev" ? value.replace(/^[^,]*,id=([^,]*),.*$/, "null,id=$1") : value;
		kept.push(ours.replaceAll(disk, join(folder, "disk")));
	}
	return kept;
}

/** QEMU's monitor: one question at a time. */
class Monitor {
	private waiting: Array<(answer: { return?: Record<string, unknown>; error?: { desc: string } }) => void> = [];

	private constructor(private readonly socket: Socket) {
		createInterface({ input: socket }).on("line", (line) => {
			const message = JSON.parse(line);
			if ("return" in message || "error" in message) this.waiting.shift()?.(message);
		});
	}

	static async open(path: string, qemu: ChildProcess): Promise<Monitor> {
		for (;;) {
			if (qemu.exitCode !== null) throw new Error(`QEMU ended with ${qemu.exitCode} before it had a monitor`);
			const socket = createConnection(path);
			try {
				await once(socket, "connect");
				const monitor = new Monitor(socket);
				await monitor.ask("qmp_capabilities");
				return monitor;
			} catch (error) {
				if (!["ENOENT", "ECONNREFUSED"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
				await sleep(POLL_MS);
			}
		}
	}

	async ask(command: string, args?: object): Promise<Record<string, unknown>> {
		const answer = await new Promise<Parameters<(typeof this.waiting)[number]>[0]>((resolve) => {
			this.waiting.push(resolve);
			this.socket.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }) })}\n`);
		});
		if (answer.error) throw new Error(`${command}: ${answer.error.desc}`);
		return answer.return ?? {};
	}

	close(): void {
		this.socket.destroy();
	}
}
