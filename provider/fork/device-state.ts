/** The state of a stopped machine's devices, written to a file and read from it, without its memory. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../libvirt";

/** The memory is in a file that both sides have; only the rest is written. */
const IGNORE_SHARED = { capabilities: [{ capability: "x-ignore-shared", state: true }] };
const FILE = "fork-state";
const POLL_MS = 3;
const DEADLINE_SECONDS = 120;

/** From 8.2 QEMU opens files itself; before that they are handed to it, which works on the same machine only. */
export async function opensFiles(host: Host): Promise<boolean> {
	const [major = 0, minor = 0] = (await host.info()).hypervisorVersion.split(".").map(Number);
	return major > 8 || (major === 8 && minor >= 2);
}

/** What QEMU of a child still knows from its fork, and the QEMU of another host does not. */
export async function forgetFork(host: Host, uuid: string): Promise<void> {
	const capabilities = IGNORE_SHARED.capabilities.map((item) => ({ ...item, state: false }));
	await host.domains.qmp(uuid, "migrate-set-capabilities", { capabilities });
}

/** @throws Error with QEMU's reason */
export async function saveDevices(host: Host, uuid: string, path: string): Promise<void> {
	await host.domains.qmp(uuid, "migrate-set-capabilities", IGNORE_SHARED);
	await host.domains.qmp(uuid, "migrate", { uri: await handOver(host, uuid, path, "w+") });
	await until(async () => {
		const { status, "error-desc": why } = await host.domains.qmp<{ status: string; "error-desc"?: string }>(
			uuid,
			"query-migrate",
		);
		if (status === "failed" || status === "cancelled")
			throw new Error(`QEMU could not write ${path}: ${why ?? status}`);
		return status === "completed";
	}, `QEMU has not written ${path}`);
}

/** Of a machine that was started to wait for it; it stands still afterwards. @throws Error with QEMU's reason */
export async function loadDevices(host: Host, uuid: string, path: string): Promise<void> {
	await host.domains.qmp(uuid, "migrate-set-capabilities", IGNORE_SHARED);
	await host.domains.qmp(uuid, "migrate-incoming", { uri: await handOver(host, uuid, path, "r") });
	await until(async () => {
		const { status } = await host.domains.qmp<{ status: string }>(uuid, "query-status");
		return status !== "inmigrate";
	}, `QEMU has not read ${path}`);
}

async function handOver(host: Host, uuid: string, path: string, flags: "r" | "w+"): Promise<string> {
	if (await opensFiles(host)) return `file:${path}`;
	await host.domains.qmp(uuid, "getfd", { fdname: FILE }, { files: [{ path, flags }] });
	return `fd:${FILE}`;
}

async function until(isDone: () => Promise<boolean>, complaint: string): Promise<void> {
	const deadline = performance.now() + DEADLINE_SECONDS * 1000;
	while (!(await isDone())) {
		if (performance.now() > deadline) throw new Error(`${complaint} within ${DEADLINE_SECONDS} s`);
		await sleep(POLL_MS);
	}
}
