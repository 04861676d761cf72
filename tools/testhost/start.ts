import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { restoreCapabilities } from "./capabilities";
import { libvirtdConf, networkOfSlot, networkXml, qemuConf } from "./config";
import { untilReady } from "./holder";
import { TestHost } from "./host";
import { kvmWorks, tryKvm } from "./kvm";
import { identify, type ProcessId } from "./processes";
import { guardThisProcess, removeHost, sweep } from "./remove";
import { baseDirectory, claimSlot, type HostState, listStates, makeHostDirectory, writeState } from "./state";

export interface TestHostOptions {
	/** Host name inside. Other hosts may have the same, unless they are to be kept. @default "host" and the host's number */
	name?: string;
	/** Whether to make the NAT network "default" with DHCP. @default true */
	network?: boolean;
	/**
	 * A directory to use as `poolDirectory`, for instance on another file system, which has to be mounted already: what is
	 * mounted later does not show inside. Made if absent, never removed.
	 */
	poolDirectory?: string;
	/** Whether the host stays when this process ends, until it is stopped by `findTestHost(name)`. @default false */
	keep?: boolean;
	/** Whether to have the machine's /dev/kvm even where guests do not run with it. @default false */
	kvm?: boolean;
	/** Root of another QEMU, laid out as its packages do, to use in place of the machine's. @default the machine's */
	qemu?: string;
}

/** Sources are not copied to dist: the script is run where it lies in the repository. */
const insideScript = join(__dirname, "../../../tools/testhost/inside.sh");

/** @throws unless this process may make namespaces, mounts and device nodes */
export function requireRoot(): void {
	if (process.getuid?.() === 0) return;
	throw new Error(
		`A private test host needs root for its namespaces, mounts and /dev/net/tun, but this is user ${process.getuid?.()}. ` +
			"Run the command again as root, for instance with sudo -E.",
	);
}

/**
 * Starts a private libvirt host. It is removed when it is stopped, or when this process ends in whatever way.
 * Several may run side by side; each has its own network, whose addresses differ.
 * @throws with libvirtd's own words if it does not start
 */
export async function startTestHost(options: TestHostOptions = {}): Promise<TestHost> {
	requireRoot();
	const base = baseDirectory();
	await sweep();
	checkName(options);
	guardThisProcess();
	const works = kvmWorks();
	const state = prepare(base, options, works !== false || options.kvm === true);
	try {
		const holder = await startInside(state, options.qemu);
		const started = { ...state, holder, owner: options.keep ? holder : state.owner };
		writeState(started);
		const host = new TestHost(started);
		await host.untilLibvirtAnswers();
		if (works === undefined) await tryKvm(host.uri);
		return host;
	} catch (error) {
		await removeHost(state);
		throw error;
	}
}

/** A host that is kept is found again by its name. */
function checkName({ name, keep }: TestHostOptions): void {
	if (name === undefined) return;
	if (!/^[a-zA-Z0-9][a-zA-Z0-9-]{0,62}$/.test(name)) {
		throw new Error(`The name of a test host is "${name}", but has to be 1 to 63 letters, digits and hyphens.`);
	}
	if (keep && listStates().some((state) => state.name === name)) {
		throw new Error(`A test host named "${name}" is there already. Stop it, or give another name.`);
	}
}

/** @returns the test host of that name, whoever started it */
export function findTestHost(name: string): TestHost | undefined {
	return listTestHosts().find((host) => host.name === name);
}

/** All test hosts of this machine that have been started. */
export function listTestHosts(): TestHost[] {
	return listStates()
		.filter((state) => state.holder)
		.map((state) => new TestHost(state));
}

function prepare(base: string, options: TestHostOptions, hasKvm: boolean): HostState {
	const directory = makeHostDirectory(base);
	const state: HostState = {
		name: options.name ?? "",
		directory,
		poolDirectory: options.poolDirectory ?? join(directory, "pool"),
		slot: 0,
		hostUuid: randomUUID(),
		hasNetwork: options.network ?? true,
		hasKvm,
		owner: identify(process.pid)!,
	};
	writeState(state);
	state.slot = claimSlot(directory);
	state.name ||= `host${state.slot}`;
	writeState(state);
	for (const folder of ["run", "etc/qemu/networks/autostart", "lib", "cache", "log/qemu"]) {
		mkdirSync(join(directory, folder), { recursive: true, mode: 0o755 });
	}
	mkdirSync(state.poolDirectory, { recursive: true, mode: 0o755 });
	writeConfiguration(state);
	// What is kept is about the machine's own QEMU.
	if (options.qemu === undefined) restoreCapabilities(state);
	return state;
}

function writeConfiguration(state: HostState): void {
	const etc = join(state.directory, "etc");
	writeFileSync(join(etc, "libvirtd.conf"), libvirtdConf(state.hostUuid));
	writeFileSync(join(etc, "qemu.conf"), qemuConf);
	if (existsSync("/etc/libvirt/nwfilter")) cpSync("/etc/libvirt/nwfilter", join(etc, "nwfilter"), { recursive: true });
	if (state.hasNetwork) {
		const file = join(etc, "qemu/networks/default.xml");
		writeFileSync(file, networkXml(networkOfSlot(state.slot)));
		symlinkSync("/etc/libvirt/qemu/networks/default.xml", join(etc, "qemu/networks/autostart/default.xml"));
	}
}

/** Makes the namespaces and starts the daemons in them. @returns the process that holds them */
async function startInside(state: HostState, qemu = ""): Promise<ProcessId> {
	// What the host mounts never shows outside.
	const namespaces = ["--mount", "--net", "--uts", "--propagation", "slave"];
	// Guests have no parent: tini takes them in and reaps them at once when they end. libvirt waits for that, and the
	// machine's process 1 may take more than a second.
	const kvm = state.hasKvm ? [] : ["no-kvm"];
	const script = ["tini", "-s", "--", "sh", insideScript, state.directory, state.name, qemu, ...kvm];
	const holder = spawn("unshare", [...namespaces, ...script], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
	holder.unref();
	await untilReady(holder, `Test host ${state.name}`);
	return identify(holder.pid!)!;
}
