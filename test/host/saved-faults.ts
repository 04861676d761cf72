/** A driver that is killed in the middle of bringing a saved memory to another host: while bytes of it are on their way. */
import assert from "node:assert/strict";
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { poll } from "../../provider/domain/patience";
import type { DomainInputs } from "../../provider/domain/schema";
import type { Lab } from "./domain-lab";
import type { WaysLab } from "./move-ways-lab";

const run = promisify(execFile);

/** Longer than a run waits for two hosts that both show a part of a machine, and no job. */
const HELD_MS = 8000;

const nothing = () => {};

export interface SavedFault {
	/** "it is saved" */
	what: string;
	/**
	 * Undefined until that is under way.
	 * @param driver process number
	 * @returns has libvirt go on with what it was held up with
	 */
	isReached(lab: WaysLab, driver: number): Promise<(() => void) | undefined>;
}

export const SAVED_FAULTS: SavedFault[] = [
	{ what: "it is saved", isReached: ({ at }) => heldUp(at.machine.libvirtdPid) },
	{
		what: "its memory is read",
		isReached: async (_lab, driver) => {
			const file = await openedBy(driver, /\/clones-saved-.* \(deleted\)$/);
			return file !== undefined && (await hasBytes(file)) ? nothing : undefined;
		},
	},
	{
		what: "its memory is written",
		isReached: async ({ there: { machine }, state }) =>
			(await hasBytes(join(machine.poolDirectory, `${state.uuid}.come.saved`))) ? nothing : undefined,
	},
	{ what: "it is restored", isReached: async ({ there, state }) => restoredBy(there, state.name) },
];

/** Stops the process by which libvirt writes the memory of a machine, once there is one. */
async function heldUp(libvirtd: number | undefined): Promise<(() => void) | undefined> {
	const { stdout } = await run("ps", ["-o", "pid=,args=", "--ppid", String(libvirtd)]).catch(() => ({ stdout: "" }));
	const [, pid] = /^\s*(\d+) \S*libvirt_iohelper /m.exec(stdout) ?? [];
	return pid === undefined ? undefined : stopped(Number(pid));
}

/** Stops the machine's QEMU, once it is the one that reads the memory, and not the one that has brought the disks. */
async function restoredBy({ machine: { directory } }: Lab, name: string): Promise<(() => void) | undefined> {
	const definition = await readFile(join(directory, "etc/qemu", `${name}.xml`), "utf8").catch(() => "");
	if (!/at(?:"|&quot;):\d+,(?:"|&quot;)disks/.test(definition)) return undefined;
	const pid = Number(await readFile(join(directory, "run/libvirt/qemu", `${name}.pid`), "utf8").catch(() => ""));
	return pid === 0 ? undefined : stopped(pid);
}

/** A file that a process has open, of a name that it has or had. */
async function openedBy(pid: number, name: RegExp): Promise<string | undefined> {
	const folder = `/proc/${pid}/fd`;
	for (const descriptor of await readdir(folder).catch(() => [])) {
		const file = join(folder, descriptor);
		if (name.test(await readlink(file).catch(() => ""))) return file;
	}
	return undefined;
}

function stopped(pid: number): () => void {
	process.kill(pid, "SIGSTOP");
	return () => void process.kill(pid, "SIGCONT");
}

async function hasBytes(file: string): Promise<boolean> {
	const found = await stat(file).catch(() => undefined);
	return found !== undefined && found.blocks > 0;
}

export function savedFaultOf(what: string): SavedFault {
	return SAVED_FAULTS.find((fault) => fault.what === what) ?? assert.fail(what);
}

/** The driver is killed there; the next run, which finds it still under way where libvirt does it, brings the machine over. */
export async function goesOnAfter(fault: SavedFault, lab: WaysLab, news: DomainInputs): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), "clones-killed-"));
	try {
		const driver = fork(join(__dirname, "move-process.js"), { env: { ...process.env, TMPDIR: folder } });
		driver.send({ state: lab.state, inputs: news });
		const ended = once(driver, "exit");
		const goOn = await poll(120, () => fault.isReached(lab, driver.pid!), { firstMs: 2, slowestMs: 2 });
		assert.ok(goOn, `never came to where ${fault.what}`);
		driver.kill("SIGKILL");
		const [, signal] = (await ended) as [number | null, string | null];
		const held = goOn === nothing ? undefined : sleep(HELD_MS).then(goOn);
		assert.equal(signal, "SIGKILL", "the driver was faster");
		assert.deepEqual(await readdir(folder), [], "what it has left");
		assert.ok((await lab.runningOn()).length < 2);
		await lab.moved(news);
		await held;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
