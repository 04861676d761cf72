/** Scripts for Windows: which image they make, and what is not to be had there. */
import { InputError } from "../../lifecycle";
import { shown } from "../../problems";
import type { DescribedScript, Description } from "../description";

/** An image has one system. Where only some of the scripts are for Windows it is Linux, on which these are skipped. */
export function isForWindows(scripts: ReadonlyArray<Pick<DescribedScript, "onlyOn">>): boolean {
	return scripts.length > 0 && scripts.every(({ onlyOn }) => onlyOn?.os === "windows");
}

/** @throws InputError about what one of the scripts cannot have on its system */
export function checkSystem({ scripts, identifier, parameters, policy }: Description): void {
	if (!isForWindows(scripts)) {
		for (const script of scripts) refuseInterpreter(script);
		return;
	}
	const asked = [...identifier, ...scripts.flatMap((script) => script.identifier ?? []), ...parameters.identifiers];
	if (asked.includes("tpm")) {
		throw new InputError("identifier", 'got "tpm" with scripts for windows; allowed are the other identifiers');
	}
	for (const [name, own] of Object.entries({ reboot: "keep", reclone: "rerun" }) as Array<["reboot", string]>) {
		if (policy[name] === own) continue;
		const property = name === "reboot" ? "onReboot" : "onReclone";
		throw new InputError(property, `got ${shown(policy[name])} with scripts for windows; allowed is ${shown(own)}`);
	}
	for (const script of scripts) refuseMissing(script);
}

/** The interpreters that Windows has are none elsewhere. */
function refuseInterpreter({ kind, name, content }: DescribedScript): void {
	if (content.startsWith("#!")) return;
	throw new InputError(
		kind,
		`${name}: content: got ${shown(firstLine(content))}, which is for windows; allowed is #! and a path, or onlyOn: { os: "windows" } for all scripts`,
	);
}

function refuseMissing({ kind, name, source, content, when }: DescribedScript): void {
	const refuse = (property: string, message: string) => {
		throw new InputError(kind, `${name}: ${property}: ${message}`);
	};
	if (source !== undefined) {
		refuse("library", "is given with onlyOn.os windows; allowed is content or file: the library is for Linux");
	}
	if (content.startsWith("#!")) {
		const got = shown(firstLine(content));
		refuse("content", `got ${got} with onlyOn.os windows; allowed as first line are #ps1 (PowerShell) and rem cmd`);
	}
	if (when?.program !== undefined) {
		refuse("when", `got program with onlyOn.os windows, where nothing tells before a program starts; ${OTHERS}`);
	}
	if (when?.datagram !== undefined) {
		refuse("when", `got datagram with onlyOn.os windows, whose firewall keeps datagrams away; ${OTHERS}`);
	}
}

const OTHERS = "allowed are everyBoot, afterSeconds, dailyAt and firstLogin";

function firstLine(content: string): string {
	return content.split(/\r?\n/, 1)[0]!;
}
