/** Faults of the storage itself, in words that say where it is and what to do. */
import type { Host } from "../libvirt/api";
import { forgetPools, type Pool, usablePool } from "./pools";
import { MIB } from "./wanted";

/** For `catch` around work on a pool's files. @throws the error, explained where the storage is full, read-only or gone */
export async function explainFault(host: Host, pool: Pool, error: unknown): Promise<never> {
	const message = error instanceof Error ? error.message : String(error);
	const where = placeOf(host, pool);
	if (/ENOSPC|EDQUOT|no space left|quota exceeded/i.test(message)) {
		throw new Error(
			`${where} is full${await freeOf(host, pool)}: ${message}\n` +
				"Nothing was left behind. Free space there or make the file system larger, then run pulumi up again.",
			{ cause: error },
		);
	}
	if (/EROFS|read-only file system/i.test(message)) {
		throw new Error(
			`${where} is on a file system that is read-only: ${message}\n` +
				"Nothing was changed. Mount it writable (a file system with errors is mounted read-only: look at dmesg), then run " +
				"pulumi up again.",
			{ cause: error },
		);
	}
	if (/storage pool .*is not active|storage pool not found/i.test(message)) {
		// It was there a moment ago.
		forgetPools(host);
		await usablePool(host, pool.name);
	}
	throw error;
}

/** The pool, for a message. */
export function placeOf(host: Host, pool: Pool): string {
	return `the storage pool "${pool.name}" (${pool.directory ?? pool.type}) on ${host.uri}`;
}

/** @returns what is free in a pool, in brackets; nothing where it does not tell */
export async function freeOf(host: Host, { uuid }: Pool): Promise<string> {
	try {
		await host.pools.refresh(uuid);
		const { availableBytes, capacityBytes } = await host.pools.space(uuid);
		return ` (${Math.floor(availableBytes / MIB)} of ${Math.floor(capacityBytes / MIB)} MiB are free now)`;
	} catch {
		return "";
	}
}

/** Whether an error says that there is a volume or file of that name. */
export function isTaken(error: unknown): boolean {
	if ((error as NodeJS.ErrnoException)?.code === "EEXIST") return true;
	return (
		error instanceof Error && /already exists|exists already|File exists|VIR_ERR_STORAGE_VOL_EXIST/.test(error.message)
	);
}
