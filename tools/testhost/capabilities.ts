import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../cache";
import type { HostState } from "./state";

/*
 * At the first use of a QEMU binary libvirtd runs it to find out what it can do, which takes seconds, and keeps what it
 * found in its cache directory. New hosts start with what earlier ones found. libvirt itself throws it away when libvirt,
 * QEMU, the kernel, the microcode or the access to /dev/kvm is another.
 */

export function restoreCapabilities(state: HostState): void {
	if (!existsSync(kept(state))) return;
	cpSync(kept(state), inHost(state), {
		recursive: true,
		preserveTimestamps: true,
		filter: (file) => !isPartial(file),
	});
}

/** Keeps what the host has found out, where that is newer than what is kept. */
export function keepCapabilities(state: HostState): void {
	const found = inHost(state);
	if (!existsSync(found)) return;
	mkdirSync(kept(state), { recursive: true });
	for (const file of readdirSync(found)) {
		const target = join(kept(state), file);
		if (modifiedAt(target) >= modifiedAt(join(found, file))) continue;
		const partial = `${target}.${process.pid}.part`;
		cpSync(join(found, file), partial, { preserveTimestamps: true });
		renameSync(partial, target);
	}
}

function modifiedAt(file: string): number {
	return Math.trunc(statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}

function isPartial(file: string): boolean {
	return file.endsWith(".part");
}

function inHost({ directory }: HostState): string {
	return join(directory, "cache/qemu/capabilities");
}

function kept({ hasKvm }: HostState): string {
	return join(cacheDirectory(), hasKvm ? "libvirt-capabilities" : "libvirt-capabilities-emulation");
}
