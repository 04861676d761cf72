/** One fault: which process is killed, and how far the run has come by then. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { identify } from "../../tools/testhost/processes";
import type { Bench } from "../e2e/hosts";
import { ended, gone, processesBelow, providerOf, providerProcesses } from "./processes";
import type { Random } from "./random";

export const VICTIMS = ["CLI", "provider", "libvirtd"] as const;
/** QEMU is that of any machine. */
export type Victim = (typeof VICTIMS)[number] | "QEMU";

/** Progress of the real thing, and a moment more. */
export interface Point {
	/** Steps that the CLI has told of, or objects that have come or gone on the host. */
	kind: "lines" | "objects";
	count: number;
	moreMs: number;
}

/**
 * @param steps how many steps the run has at least
 * @param mostMs how much later it may be
 */
export function choosePoint(random: Random, steps: number, mostMs = 40): Point {
	const kind = random.pick(["lines", "objects"] as const);
	// Each step is told of twice; the last ones are left out, as the run might be over by then.
	const most = kind === "lines" ? 2 * steps - 4 : steps - 2;
	return { kind, count: random.between(1, Math.max(1, most)), moreMs: random.between(0, mostMs) };
}

export function describePoint({ kind, count, moreMs }: Point): string {
	return `${count} ${kind} and ${moreMs} ms`;
}

export interface Struck {
	/** null when the CLI was killed. */
	code: number | null;
	output: string;
}

export interface Fault {
	command: "up" | "destroy";
	/** Who is killed, or what is done instead. */
	victim: Victim | (() => Promise<void>);
	point: Point;
	/** After how long libvirtd is started again. @default 0 */
	restartMs?: number;
}

/** Runs a command and kills the victim at the point; resolves when all that the command started is gone. */
export async function strike(
	bench: Bench,
	{ command, victim, point, restartMs = 0 }: Fault,
	env: NodeJS.ProcessEnv = {},
): Promise<Struck> {
	const objects = objectCounter(bench);
	const cli = bench.project.spawn([command, "--yes", "--skip-preview"], env);
	let output = "";
	for (const stream of [cli.stdout!, cli.stderr!]) stream.setEncoding("utf8").on("data", (text) => (output += text));
	const progress = () =>
		point.kind === "lines" ? (output.match(/ (?:creat|updat|delet|replac)(?:ing|ed)\b/g) ?? []).length : objects();
	const tooLate = () => `the run was over before the fault (${describePoint(point)}):\n${output}`;
	// The engine starts the provider with the first of its resources.
	const isThere = () => {
		if (victim === "provider") return providerOf(cli) !== undefined;
		return victim !== "QEMU" || qemuOn(bench) !== undefined;
	};
	while (progress() < point.count || !isThere()) {
		assert.ok(isRunning(cli), tooLate());
		await sleep(5);
	}
	await sleep(point.moreMs);
	const below = processesBelow(cli.pid!);
	assert.ok(isRunning(cli), tooLate());
	if (typeof victim === "function") await victim();
	else if (victim === "CLI") cli.kill("SIGKILL");
	else if (victim === "provider") process.kill(providerOf(cli)!.pid, "SIGKILL");
	else if (victim === "QEMU") await killMachine(bench, () => assert.ok(isRunning(cli), tooLate()));
	else {
		await bench.host.killLibvirtd();
		await sleep(restartMs);
		await bench.host.startLibvirtd();
	}
	const code = await ended(cli);
	await gone(providerProcesses(below));
	await trialGuestsGone(bench);
	return { code, output };
}

/** At some points no machine runs: a parent has just been stopped, its children have not been started. The next one is killed. */
async function killMachine(bench: Bench, assertGoesOn: () => void): Promise<void> {
	for (;;) {
		const pid = qemuOn(bench);
		if (pid !== undefined && isKilled(pid)) return;
		assertGoesOn();
		await sleep(5);
	}
}

/** @returns whether there was such a process */
function isKilled(pid: number): boolean {
	try {
		return process.kill(pid, "SIGKILL");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
		throw error;
	}
}

/** The process of a machine that runs; trial guests are left alone, and `driver.pid` is libvirtd. */
function qemuOn({ host }: Bench): number | undefined {
	const folder = join(host.directory, "run/libvirt/qemu");
	const file = readdirSync(folder).find((name) => /^(?!driver\.|clones-probe-).*\.pid$/.test(name));
	const pid = file === undefined ? Number.NaN : Number(readFileSync(join(folder, file), "utf8"));
	return identify(pid) === undefined ? undefined : pid;
}

/** libvirt ends a trial guest when it notices that its client is gone. */
async function trialGuestsGone({ host }: Bench): Promise<void> {
	for (let tries = 0; (await host.virsh("list", "--all", "--name")).includes("clones-probe-"); tries++) {
		assert.ok(tries < 50, "a trial guest is left");
		await sleep(100);
	}
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
	return exitCode === null && signalCode === null;
}

/**
 * Counts what has come and gone since the look before: a file that takes the place of another often gets its inode,
 * too, so what there is now shows less than what was done.
 */
function objectCounter(bench: Bench): () => number {
	let last = objectsOn(bench);
	let count = 0;
	return () => {
		const now = objectsOn(bench);
		count += differences(last, now);
		last = now;
		return count;
	};
}

/** Files of the pool and definitions of libvirt's, each with its inode: a look at them costs no call. */
function objectsOn({ host, poolPath }: Bench): Set<string> {
	const folders = [poolPath, ...["qemu", "qemu/networks", "storage"].map((name) => join(host.directory, "etc", name))];
	return new Set(folders.flatMap((folder) => filesIn(folder)));
}

function filesIn(folder: string): string[] {
	const names = existsSync(folder) ? readdirSync(folder) : [];
	return names.flatMap((name) => {
		const path = join(folder, name);
		const found = /^\.|\.new$/.test(name) ? undefined : lstatSync(path, { throwIfNoEntry: false });
		return found?.isFile() ? [`${path} ${found.ino}`] : [];
	});
}

function differences(before: ReadonlySet<string>, now: ReadonlySet<string>): number {
	return [...now].filter((path) => !before.has(path)).length + [...before].filter((path) => !now.has(path)).length;
}
