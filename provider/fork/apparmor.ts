/**
 * Whether AppArmor keeps QEMU from the files of a fork point, which libvirt does not know of: as the host's own rules say
 * it, as far as they can be read.
 */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hostCapabilities } from "../domain/accelerator";
import type { Host } from "../libvirt";
import { isLocalUri } from "../local-uri";
import { children, text } from "../xml/element";

const RULES = "/etc/apparmor.d";
/** What libvirt makes each machine's profile of. */
const TEMPLATE = "libvirt/TEMPLATE.qemu";
const DEEPEST = 8;
/** A rule in the other order, which is rare: `rw /srv/**,` */
const MODE_FIRST = /^(?:(?:audit|allow|deny|owner|file)\s+)*[rwaxmklipPuUcC]+\s+["/@{]/;

/** What lets QEMU open files of a folder. */
export function appArmorRemedy(path: string): string {
	return `add "${dirname(path)}/* rwk," to ${RULES}/local/abstractions/libvirt-qemu (docs/forks.md)`;
}

/** @returns what is missing; undefined where nothing is, and where that cannot be known: on another machine, say */
export async function appArmorComplaint(host: Host, path: string, access: "r" | "rw"): Promise<string | undefined> {
	if (!isLocalUri(host.uri)) return undefined;
	const models = children(await hostCapabilities(host), "secmodel");
	if (!models.some((model) => text(model, "model") === "apparmor")) return undefined;
	return (await mayOpen(path, access)) === false
		? `AppArmor confines QEMU there, and no rule lets it open ${dirname(path)}: ${appArmorRemedy(path)}`
		: undefined;
}

/** @returns undefined when the rules do not tell */
export async function mayOpen(path: string, access: "r" | "rw", folder = RULES): Promise<boolean | undefined> {
	try {
		const rules = await rulesIn(folder, TEMPLATE);
		if (rules.some((line) => /^profile\b.*\b(complain|unconfined)\b/.test(line))) return undefined;
		if (rules.some((line) => MODE_FIRST.test(line))) return undefined;
		return allows(rules, path, access);
	} catch {
		return undefined;
	}
}

/** All lines of a file, those that it includes in their places. @throws Error when one that has to be there is not */
async function rulesIn(folder: string, name: string, depth = 0): Promise<string[]> {
	if (depth > DEEPEST) throw new Error(`${name} is included too deeply`);
	const lines = (await readFile(join(folder, name), "utf8")).split("\n").map((line) => line.trim());
	const all = lines.map(async (line) => {
		const [, ifExists, included] = /^#?include\s+(if exists\s+)?[<"]([^>"]+)[>"]/.exec(line) ?? [];
		if (included === undefined) return line.startsWith("#") ? [] : [line];
		return includedFrom(folder, included, depth + 1).catch((error) => {
			if (ifExists !== undefined && error.code === "ENOENT") return [];
			throw error;
		});
	});
	return (await Promise.all(all)).flat();
}

/** A file, or all files of a folder. */
async function includedFrom(folder: string, name: string, depth: number): Promise<string[]> {
	const path = name.startsWith("/") ? name.slice(folder.length + 1) : name;
	const names = await readdir(join(folder, path)).catch((error) => {
		if (error.code === "ENOTDIR") return undefined;
		throw error;
	});
	if (names === undefined) return rulesIn(folder, path, depth);
	return (await Promise.all(names.map((item) => rulesIn(folder, join(path, item), depth)))).flat();
}

/** Pure. A variable may stand for anything, so that what is not allowed for certain is not. */
export function allows(lines: ReadonlyArray<string>, path: string, access: "r" | "rw"): boolean {
	const given = new Set<string>();
	const denied = new Set<string>();
	for (const line of lines) {
		const [, before = "", quoted, plain, mode = ""] =
			/^((?:(?:audit|allow|deny|owner|file)\s+)*)(?:"([^"]+)"|([/@{]\S*))\s+([a-zA-Z]+)\s*,/.exec(line) ?? [];
		const glob = quoted ?? plain;
		if (/^(allow\s+)?file,/.test(line)) for (const letter of "rw") given.add(letter);
		if (glob === undefined || !fits(glob, path)) continue;
		for (const letter of mode) (/\bdeny\b/.test(before) ? denied : given).add(letter);
	}
	return [...access].every((letter) => given.has(letter) && !denied.has(letter));
}

const WILD: Record<string, string> = { "**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|" };

function fits(glob: string, path: string): boolean {
	const parts = glob.match(/@\{\w+\}|\*\*|\[[^\]]*\]|./gs) ?? [];
	let depth = 0;
	const pattern = parts.map((part) => {
		if (part.startsWith("@{")) return ".*";
		if (part.length > 1 && part.startsWith("[")) return part;
		if (part === "{") depth++;
		if (part === "}") depth--;
		if (part === "," && depth === 0) return part;
		return WILD[part] ?? part.replace(/[.+^$()|[\]\\]/g, "\\$&");
	});
	return new RegExp(`^${pattern.join("")}$`, "s").test(path);
}
