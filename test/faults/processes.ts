/** The processes below a CLI: known by their parents, never by name alone, so that nobody else's are touched. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { identify, isAlive, type ProcessId } from "../../tools/testhost/processes";

export interface Below extends ProcessId {
	command: string;
}

/** All processes below one. */
export function processesBelow(root: number): Below[] {
	const parents = new Map<number, number>();
	for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
		const stat = readQuietly(`/proc/${entry}/stat`);
		if (stat) parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
	}
	const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid)!));
	return [...parents.keys()].flatMap((pid) => {
		const id = pid !== root && isBelow(pid) ? identify(pid) : undefined;
		return id ? [{ ...id, command: readQuietly(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ") ?? "" }] : [];
	});
}

/** Ours: the provider, and the processes that call libvirt for it. */
export function providerProcesses(below: ReadonlyArray<Below>): Below[] {
	return below.filter(({ command }) => /cmd\/dynamic-provider|provider\/libvirt\/worker/.test(command));
}

export function providerOf(cli: ChildProcess): Below | undefined {
	return processesBelow(cli.pid!).find(({ command }) => command.includes("cmd/dynamic-provider"));
}

/** Waits until processes have ended. @throws after half a minute */
export async function gone(processes: ReadonlyArray<Below>): Promise<void> {
	for (let tries = 0; tries < 300; tries++) {
		if (!processes.some(isAlive)) return;
		await sleep(100);
	}
	assert.fail(
		`lingers: ${processes
			.filter(isAlive)
			.map(({ pid, command }) => `${pid} ${command}`)
			.join("; ")}`,
	);
}

/** The exit code; null after a signal. @throws when it has not ended after three minutes */
export async function ended(cli: ChildProcess): Promise<number | null> {
	for (let tries = 0; cli.exitCode === null && cli.signalCode === null; tries++) {
		assert.ok(tries < 18_000, "the CLI does not end");
		await sleep(10);
	}
	return cli.exitCode;
}

function readQuietly(file: string): string | undefined {
	try {
		return readFileSync(file, "utf8");
	} catch {
		return undefined;
	}
}
