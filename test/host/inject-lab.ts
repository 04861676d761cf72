/** What the tests of scripts in images share: a payload, libguestfs, and a process that can be killed in the middle. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { injectedOf } from "../../provider/init/injected";
import type { Payload } from "../../provider/init/payload-type";
import { ensureAppliance } from "../../tools/images/appliance";

/** In a `describe`: libguestfs has an appliance whatever kernel the machine runs. */
export function withLibguestfs(): void {
	let former: string | undefined;
	before(async function () {
		this.timeout(300_000);
		former = process.env.LIBGUESTFS_PATH;
		process.env.LIBGUESTFS_PATH = await ensureAppliance();
	});
	after(() => {
		if (former === undefined) delete process.env.LIBGUESTFS_PATH;
		else process.env.LIBGUESTFS_PATH = former;
	});
}

/** Says at every boot, in /run/scripts-ran, that it has run: started by a line of inittab or by a unit of systemd. */
export function payloadOf(text = "one"): Payload {
	const run = `#!/bin/sh\necho "${text} $1" >> /run/scripts-ran\n`;
	const unit = [
		"[Unit]",
		"Description=Scripts of a test",
		"[Service]",
		"Type=oneshot",
		"ExecStart=/usr/lib/clones-init/run boot",
		"[Install]",
		"WantedBy=multi-user.target",
		"",
	].join("\n");
	const unitFile = "/etc/systemd/system/clones-init.service";
	const parts: Omit<Payload, "version"> = {
		files: [
			{ path: "/usr/lib/clones-init/run", mode: 0o755, content: Buffer.from(run) },
			{ path: "/usr/lib/clones-init/plan/secret", mode: 0o600, content: Buffer.from(`secret of ${text}`) },
			{ path: unitFile, mode: 0o644, content: Buffer.from(unit) },
			// No name means anything to a shell, or to guestfish.
			{ path: `/etc/odd | "name' $(x) \\ é #`, mode: 0o4711, content: Buffer.from(text) },
		],
		links: [{ path: "/etc/systemd/system/multi-user.target.wants/clones-init.service", target: unitFile }],
		lines: [{ path: "/etc/inittab", line: "::once:/usr/lib/clones-init/run boot" }],
	};
	const version = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
	const file = { path: "/usr/lib/clones-init/plan/version", mode: 0o600, content: Buffer.from(`${version}\n`) };
	return { ...parts, files: [...parts.files, file], version };
}

/** What a process of its own is to do: see inject-process.ts. */
export interface Task {
	uri: string;
	/** Inputs of a volume to be made... */
	volume?: Record<string, unknown>;
	/** ... or a disk and the payload that goes into it. */
	source?: { path: string; injected: ReturnType<typeof injectedOf> };
}

/** Does the task in a process of its own, which leads a group of processes. */
export function startTask(task: Task, env: Record<string, string> = {}): ChildProcess {
	return spawn(process.execPath, [join(__dirname, "inject-process.js")], {
		env: { ...process.env, ...env, INJECT_TASK: JSON.stringify(task) },
		stdio: ["ignore", "inherit", "inherit"],
		detached: true,
	});
}

/** Kills it, with what it has started. Resolves when it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const gone = new Promise((resolve) => child.once("exit", resolve));
	process.kill(-child.pid!, "SIGKILL");
	await gone;
}

/** Resolves when it has done its task. */
export async function finished(child: ChildProcess): Promise<void> {
	const code = await new Promise((resolve) => child.once("exit", resolve));
	if (code !== 0) throw new Error(`the task ended with ${code}`);
}

/** qemu-img in scripts that kill who has started it: before it writes, in the middle, and when it has written all. */
const MOMENTS = {
	before: "",
	during: 'timeout -s KILL 0.02 "$real" "$@"',
	after: '"$real" "$@"',
};

/** Has the task done by a process that is killed, with its qemu-img, about when that commits an overlay. */
export async function killedInCommit(task: Task, moment: keyof typeof MOMENTS): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), "tools-"));
	const { stdout } = await promisify(execFile)("sh", ["-c", "command -v qemu-img"]);
	const script = `#!/bin/sh\nreal=${stdout.trim()}\n${MOMENTS[moment]}\nkill -9 $PPID\n`;
	await writeFile(join(folder, "qemu-img"), script, { mode: 0o755 });
	const child = startTask(task, { PATH: `${folder}:${process.env.PATH}` });
	await new Promise((resolve) => child.once("exit", resolve));
	await rm(folder, { recursive: true });
	if (child.signalCode !== "SIGKILL") throw new Error(`it was not killed, and ended with ${child.exitCode}`);
}
