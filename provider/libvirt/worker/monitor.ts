/** Commands to QEMU's monitor (QMP) and to the guest agent, through libvirt. */
import { closeSync, openSync } from "node:fs";
import type { OpenFile } from "../api";
import { LibvirtError } from "../errors";
import { currentCall, libvirt } from "./ffi";
import type { Handle } from "./signatures";

interface Answer {
	return?: unknown;
	error?: { class?: string; desc?: string };
}

function compose(command: string, args: object | undefined): string {
	return JSON.stringify(args === undefined ? { execute: command } : { execute: command, arguments: args });
}

function returned(text: string, command: string): unknown {
	const answer = JSON.parse(text) as Answer;
	if (answer.error === undefined) return answer.return;
	throw new LibvirtError({
		reason: answer.error.desc ?? text,
		libvirtCode: 0,
		errorName: "QMP_ERROR",
		errorDomain: "VIR_FROM_QEMU",
		call: command,
		uri: currentCall.shownUri,
		qmpClass: answer.error.class ?? "GenericError",
	});
}

/** virDomainQemuMonitorCommand, with files virDomainQemuMonitorCommandWithFiles */
export function qmp(
	domain: Handle<"domain">,
	command: string,
	args: object | undefined,
	files: readonly OpenFile[],
): unknown {
	const text = compose(command, args);
	const result: [string | null] = [null];
	if (files.length === 0) libvirt.virDomainQemuMonitorCommand(domain, text, result, 0);
	else withOpen(files, (descriptors) => sendWithFiles(domain, text, descriptors, result));
	return returned(result[0] ?? "{}", command);
}

function sendWithFiles(domain: Handle<"domain">, text: string, descriptors: number[], result: [string | null]): void {
	// No command in use here answers with descriptors; libvirt wants a place for them all the same.
	libvirt.virDomainQemuMonitorCommandWithFiles(domain, text, descriptors.length, descriptors, [0], [null], result, 0);
}

/** Opens all or none; QEMU has its own copies afterwards, so ours are closed. */
function withOpen(files: readonly OpenFile[], use: (descriptors: number[]) => void): void {
	const descriptors: number[] = [];
	try {
		for (const { path, flags } of files) descriptors.push(openSync(path, flags));
		use(descriptors);
	} finally {
		descriptors.forEach(closeSync);
	}
}

/** virDomainQemuAgentCommand. libvirt waits a little shorter than the caller, so that it is libvirt that gives up. */
export function agent(domain: Handle<"domain">, command: string, args: object | undefined): unknown {
	const seconds = Math.max(1, Math.floor(currentCall.deadlineSeconds) - 1);
	return returned(libvirt.virDomainQemuAgentCommand(domain, compose(command, args), seconds, 0), command);
}
