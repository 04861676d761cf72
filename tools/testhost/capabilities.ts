import {
	cpSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	statSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
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

/** Takes a feature out of the CPU that the host has found out; as old as before, so that it is not kept for others. */
export function hideFeature(state: HostState, feature: string): void {
	for (const file of readdirSync(inHost(state)).map((name) => join(inHost(state), name))) {
		const { atime, mtime } = statSync(file);
		const line = new RegExp(`(<property name='${feature}' type='boolean' value=)'true'[^/]*/>`, "g");
		writeFileSync(file, readFileSync(file, "utf8").replace(line, "$1'false'/>"));
		utimesSync(file, atime, mtime);
	}
}

/** Takes something out of what the host's QEMU can do, by libvirt's name for it; as old as before. */
export function hideFlag(state: HostState, flag: string): void {
	for (const file of readdirSync(inHost(state)).map((name) => join(inHost(state), name))) {
		const { atime, mtime } = statSync(file);
		writeFileSync(file, readFileSync(file, "utf8").replace(`<flag name='${flag}'/>`, ""));
		utimesSync(file, atime, mtime);
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
