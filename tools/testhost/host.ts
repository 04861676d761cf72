import { type ExecFileOptions, execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { hideFeature, hideFlag } from "./capabilities";
import { type HostNetwork, linkAddressOfSlot, networkOfSlot } from "./config";
import { identify, isAlive, send } from "./processes";
import { removeHost } from "./remove";
import type { HostState } from "./state";

const run = promisify(execFile);

export interface Output {
	stdout: string;
	stderr: string;
}

/**
 * A libvirt host of its own: libvirtd, virtlogd and the guests run in their own mount, network and UTS namespaces on
 * directories of their own. The machine's libvirt is neither used nor changed. Processes are the machine's (there is no
 * PID namespace), so a guest's pid is the same inside and outside.
 */
export class TestHost {
	/** Host name inside. */
	readonly name: string;
	/** How libvirt clients on this machine reach it, from outside of its namespaces. */
	readonly uri: string;
	/** Everything of the host is below; removed by `stop`. */
	readonly directory: string;
	/** An empty directory for a storage pool: the same path inside and outside, open to QEMU's user. No pool is defined. */
	readonly poolDirectory: string;
	/** The active libvirt network; undefined if started with `network: false`. */
	readonly network: HostNetwork | undefined;
	readonly hostUuid: string;
	/** Address of the host on its links to others, see `connectHosts`. */
	readonly linkAddress: string;
	/** The process that holds the namespaces: `nsenter -t`. */
	readonly holderPid: number;
	/** Number among the hosts that exist, 1 to 254. */
	readonly slot: number;

	constructor(private readonly state: HostState) {
		if (!state.holder) throw new Error(`Test host ${state.name} in ${state.directory} has not been started yet.`);
		this.name = state.name;
		this.directory = state.directory;
		this.poolDirectory = state.poolDirectory;
		this.uri = `qemu+unix:///system?socket=${state.directory}/run/libvirt/libvirt-sock`;
		this.network = state.hasNetwork ? networkOfSlot(state.slot) : undefined;
		this.hostUuid = state.hostUuid;
		this.linkAddress = linkAddressOfSlot(state.slot);
		this.holderPid = state.holder.pid;
		this.slot = state.slot;
	}

	/** Process id of libvirtd; undefined while it does not run. */
	get libvirtdPid(): number | undefined {
		const pid = Number(readIfThere(join(this.directory, "run/libvirtd.pid")));
		return pid > 0 && identify(pid) !== undefined ? pid : undefined;
	}

	/**
	 * Runs a command inside the host's namespaces; its working directory there is /.
	 * @throws as child_process.execFile does, if it fails
	 */
	async exec(command: string, args: string[] = [], options: Omit<ExecFileOptions, "encoding"> = {}): Promise<Output> {
		return run("nsenter", ["-t", String(this.holderPid), "-m", "-n", "-u", "--", command, ...args], {
			maxBuffer: 64 << 20,
			...options,
			encoding: "utf8",
		});
	}

	/** Runs virsh on this host, from outside. @returns what it printed, trimmed */
	async virsh(...args: string[]): Promise<string> {
		const { stdout } = await run("virsh", ["-q", "-c", this.uri, ...args], { maxBuffer: 64 << 20 });
		return stdout.trim();
	}

	/**
	 * Waits until an address answers a ping. A guest that has just been given an address may not have it up yet.
	 * @throws Error when it does not answer for 60 s
	 */
	async ping(address: string): Promise<void> {
		for (let tries = 1; ; tries++) {
			try {
				await this.exec("busybox", ["ping", "-c", "1", "-W", "1", address]);
				return;
			} catch (error) {
				if (tries === 60) throw new Error(`${address} does not answer a ping on host ${this.name}`, { cause: error });
				await sleep(500);
			}
		}
	}

	/** Has libvirt see so much memory available on this host from now on; without a number, what the machine has. */
	async seeMemory(availableMiB?: number): Promise<void> {
		await this.exec("sh", ["-c", "! mountpoint -q /proc/meminfo || umount /proc/meminfo"]);
		if (availableMiB === undefined) return;
		const seen = `MemTotal: 16777216 kB\nMemFree: ${availableMiB * 1024} kB\nBuffers: 0 kB\nCached: 0 kB\n`;
		const show = 'printf %s "$0" > /run/meminfo && mount --bind /run/meminfo /proc/meminfo';
		await this.exec("sh", ["-c", show, seen]);
	}

	/** Has libvirt find emulated CPUs without a feature ("avx2") on this host from now on. Restarts libvirtd. */
	async hideCpuFeature(feature: string): Promise<void> {
		await this.virsh("domcapabilities", "--virttype", "qemu");
		hideFeature(this.state, feature);
		await this.restartLibvirtd();
	}

	/** Has libvirt find QEMU on this host without some of what it can do ("rng-builtin") from now on. Restarts libvirtd. */
	async hideQemuFlags(...flags: string[]): Promise<void> {
		await this.virsh("domcapabilities", "--virttype", "qemu");
		for (const flag of flags) hideFlag(this.state, flag);
		await this.restartLibvirtd();
	}

	/** Starts libvirtd after it was ended; resolves when it answers. Guests that run are found again. */
	async startLibvirtd(): Promise<void> {
		await this.exec("libvirtd", ["--daemon", "--listen", "--pid-file", "/run/libvirtd.pid"]);
		await this.untilLibvirtAnswers();
	}

	/** Ends libvirtd in the orderly way and starts it again; guests run on. */
	async restartLibvirtd(): Promise<void> {
		await this.killLibvirtd("SIGTERM");
		await this.startLibvirtd();
	}

	/**
	 * Sends libvirtd a signal, and waits for its end unless the signal only stops or continues it (SIGSTOP makes clients'
	 * calls hang).
	 * @throws if it does not run, or has not ended after 10 s
	 */
	async killLibvirtd(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
		const pid = this.libvirtdPid;
		const id = pid === undefined ? undefined : identify(pid);
		if (!id) throw new Error(`libvirtd of test host ${this.name} does not run: it cannot be sent ${signal}.`);
		send(id.pid, signal);
		if (["SIGSTOP", "SIGCONT", "SIGTSTP", "SIGUSR1", "SIGUSR2", "SIGHUP"].includes(signal)) return;
		const deadline = Date.now() + 10_000;
		while (isAlive(id)) {
			if (Date.now() > deadline)
				throw new Error(`libvirtd (${id.pid}) of ${this.name} still runs 10 s after ${signal}`);
			await sleep(10);
		}
	}

	/** Resolves when libvirtd serves clients, by when its networks have been started. */
	async untilLibvirtAnswers(): Promise<void> {
		await this.virsh("list", "--name");
	}

	/** Ends the host with all its guests at once and removes everything of it. May be called again. */
	async stop(): Promise<void> {
		await removeHost(this.state);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
	}
}

function readIfThere(file: string): string | undefined {
	try {
		return readFileSync(file, "utf8");
	} catch {
		return undefined;
	}
}
