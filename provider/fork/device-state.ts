/** The state of a stopped machine's devices, written to a file and read from it, without its memory. */
import { setTimeout as sleep } from "node:timers/promises";
import { patiently } from "../domain/patience";
import type { Host } from "../libvirt";

/** The memory is in a file that both sides have; only the rest is written. */
const IGNORE_SHARED = { capabilities: [{ capability: "x-ignore-shared", state: true }] };
const FILE = "fork-state";
/** Bytes in a second: no limit that is ever reached. */
const MOST_BANDWIDTH = 2 ** 40;
/** When QEMU writes nothing, and will not. */
const IDLE = ["none", "completed", "failed", "cancelled"];
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
	await untilSaved(host, uuid, path, DEADLINE_SECONDS);
}

/**
 * The whole state of a machine that stands still and is nobody's parent, memory included, into a pipe of this computer's.
 * It can go on afterwards, whether it was written or not. @throws Error with QEMU's reason
 */
export async function saveWhole(host: Host, uuid: string, pipe: string, seconds: number): Promise<void> {
	// Of a run that was killed.
	await stopSaving(host, uuid);
	if ((await statusOf(host, uuid)) === "postmigrate") {
		// QEMU does not write a machine twice that has not gone on in between.
		await patiently(() => host.domains.resume(uuid));
		await patiently(() => host.domains.suspend(uuid));
	}
	const limit = await host.domains.qmp<{ "max-bandwidth": number }>(uuid, "query-migrate-parameters");
	try {
		await host.domains.qmp(uuid, "migrate-set-capabilities", IGNORE_SHARED);
		await host.domains.qmp(uuid, "migrate-set-parameters", { "max-bandwidth": MOST_BANDWIDTH });
		// For writing alone: a reader of its own pipe would wait for ever when nobody else reads.
		await host.domains.qmp(uuid, "migrate", { uri: await handedOver(host, uuid, pipe, "w") });
		await untilSaved(host, uuid, "its state", seconds);
	} finally {
		try {
			await stopSaving(host, uuid);
		} finally {
			await host.domains.qmp(uuid, "migrate-set-parameters", { "max-bandwidth": limit["max-bandwidth"] });
			await forgetFork(host, uuid);
		}
	}
}

/** QEMU tells that all is written a moment before the machine can go on. */
async function stopSaving(host: Host, uuid: string): Promise<void> {
	if (!(await isIdle(host, uuid))) {
		await host.domains.qmp(uuid, "migrate_cancel");
		await until(() => isIdle(host, uuid), "QEMU has not stopped to write the machine's state");
	}
	const isFinal = async () => (await statusOf(host, uuid)) !== "finish-migrate";
	await until(isFinal, "QEMU has not come to an end with the machine's state");
}

/** Whether its state is written by nobody. */
export async function isIdle(host: Host, uuid: string): Promise<boolean> {
	return IDLE.includes((await host.domains.qmp<{ status?: string }>(uuid, "query-migrate")).status ?? "none");
}

async function statusOf(host: Host, uuid: string): Promise<string> {
	return (await host.domains.qmp<{ status: string }>(uuid, "query-status")).status;
}

async function untilSaved(host: Host, uuid: string, path: string, seconds: number): Promise<void> {
	const isSaved = async () => {
		const { status, "error-desc": why } = await host.domains.qmp<{ status: string; "error-desc"?: string }>(
			uuid,
			"query-migrate",
		);
		if (status === "failed" || status === "cancelled")
			throw new Error(`QEMU could not write ${path}: ${why ?? status}`);
		return status === "completed";
	};
	await until(isSaved, `QEMU has not written ${path}`, seconds);
}

/** Of a machine that was started to wait for it; it stands still afterwards. @throws Error with QEMU's reason */
export async function loadDevices(host: Host, uuid: string, path: string): Promise<void> {
	await host.domains.qmp(uuid, "migrate-set-capabilities", IGNORE_SHARED);
	await host.domains.qmp(uuid, "migrate-incoming", { uri: await handOver(host, uuid, path, "r") });
	await until(async () => (await statusOf(host, uuid)) !== "inmigrate", `QEMU has not read ${path}`);
}

async function handOver(host: Host, uuid: string, path: string, flags: "r" | "w+"): Promise<string> {
	return (await opensFiles(host)) ? `file:${path}` : handedOver(host, uuid, path, flags);
}

/** A file that this computer opens. */
async function handedOver(host: Host, uuid: string, path: string, flags: "r" | "w" | "w+"): Promise<string> {
	await host.domains.qmp(uuid, "getfd", { fdname: FILE }, { files: [{ path, flags }] });
	return `fd:${FILE}`;
}

async function until(isDone: () => Promise<boolean>, complaint: string, seconds = DEADLINE_SECONDS): Promise<void> {
	const deadline = performance.now() + seconds * 1000;
	while (!(await isDone())) {
		if (performance.now() > deadline) throw new Error(`${complaint} within ${seconds} s`);
		await sleep(POLL_MS);
	}
}
