/** A host, a project on it, and what its machines hold. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureImage } from "../../tools/images";
import { type Bench, inGuest, startBench } from "../e2e/hosts";

const run = promisify(execFile);

/** As the program reads it. */
export interface Wanted {
	gold: string;
	web: number;
	kept: number;
	running: boolean;
}

export interface Stand extends Bench {
	wanted: Wanted;
	/** Gold images of different content. */
	golds: string[];
	/** Patterns in disks, by path; for running machines what a file in the guest holds, by name. */
	written: Map<string, string>;
	want(wanted: Partial<Wanted>): Promise<void>;
}

export async function startStand({ running }: { running: boolean }): Promise<Stand> {
	// With trial guests, so that runs are killed while there are any.
	const bench = await startBench({ program: "test/faults/fixtures/machines" }, { kvm: !running });
	const golds = running ? [(await ensureImage("micro")).disk] : await makeGolds(join(bench.project.directory, ".."));
	const stand: Stand = {
		...bench,
		wanted: { gold: golds[0]!, web: 0, kept: 0, running },
		golds,
		written: new Map(),
		async want(wanted) {
			Object.assign(stand.wanted, wanted);
			await writeFile(join(bench.project.directory, "wanted.json"), JSON.stringify(stand.wanted));
		},
	};
	return stand;
}

async function makeGolds(folder: string): Promise<string[]> {
	const golds = ["first", "second"].map((name) => join(folder, `${name}.qcow2`));
	for (const [index, file] of golds.entries()) {
		await run("qemu-img", ["create", "-q", "-f", "qcow2", file, "16M"]);
		await run("qemu-io", ["-f", "qcow2", "-c", `write -P ${index + 1} 0 3M`, file]);
	}
	return golds;
}

let lastMark = 0;

/** Writes something of its own into every disk, or into every running guest. */
export async function writeMarks(stand: Stand): Promise<void> {
	stand.written.clear();
	const mark = () => {
		lastMark = (lastMark % 250) + 1;
		return String(lastMark);
	};
	if (stand.wanted.running) {
		for (const name of await machines(stand)) {
			const boot = await inGuest(stand.host, name, `echo ${mark()} > /root-mark; cat /proc/sys/kernel/random/boot_id`);
			stand.written.set(name, boot);
		}
		return;
	}
	for (const file of await disks(stand)) {
		const pattern = mark();
		await run("qemu-io", ["-f", "qcow2", "-c", `write -P ${pattern} 4M 64k`, file]);
		stand.written.set(file, pattern);
	}
}

/** @param isKept which of the machines (by the names of disks or machines) have to hold what was written to them */
export async function assertMarks(stand: Stand, isKept: (name: string) => boolean): Promise<void> {
	for (const [key, mark] of stand.written) {
		const name = key.slice(key.lastIndexOf("/") + 1);
		if (!isKept(name)) continue;
		if (stand.wanted.running) {
			const boot = await inGuest(stand.host, key, "test -s /root-mark && cat /proc/sys/kernel/random/boot_id");
			assert.equal(boot, mark, `${key} was started anew`);
		} else {
			const { stdout } = await run("qemu-io", ["-r", "-f", "qcow2", "-c", `read -P ${mark} 4M 64k`, key]);
			assert.match(stdout, /^read 65536\/65536/m, `${key} has lost what was written to it`);
			assert.doesNotMatch(stdout, /verification failed/, `${key} has lost what was written to it`);
		}
	}
}

async function machines({ host }: Stand): Promise<string[]> {
	return (await host.virsh("list", "--all", "--name")).split("\n").filter(Boolean);
}

/** Disks that belong to machines. */
async function disks({ host, poolPath }: Stand): Promise<string[]> {
	const { stdout } = await host.exec("ls", [poolPath]);
	return stdout
		.split("\n")
		.filter((name) => /^(web|kept)-\d+(-data-0)?-[0-9a-f]{8}\.qcow2$/.test(name))
		.map((name) => join(poolPath, name));
}
