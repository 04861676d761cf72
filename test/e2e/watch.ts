/** Watches this machine for a text that nobody should be able to read, while something runs. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Sightings {
	/** How often it was looked. */
	looks: number;
	/** Command lines of processes that showed the text. */
	commandLines: string[];
	/** Files that held the text, with all permissions that they were seen with, in octal. */
	files: Map<string, Set<string>>;
}

/** Looks again and again, until `work` has ended, at all command lines and at the files below some folders. */
export async function watching<T>(
	text: string,
	folders: string[],
	work: () => Promise<T>,
): Promise<{ result: T; seen: Sightings }> {
	const seen: Sightings = { looks: 0, commandLines: [], files: new Map() };
	let over = false;
	const looking = (async () => {
		while (!over) {
			seen.commandLines.push(...(await commandLinesWith(text)));
			for (const { path, mode } of await filesWith(text, folders)) {
				seen.files.set(path, (seen.files.get(path) ?? new Set()).add(mode));
			}
			seen.looks++;
			await sleep(5);
		}
	})();
	try {
		return { result: await work(), seen };
	} finally {
		over = true;
		await looking;
	}
}

async function commandLinesWith(text: string): Promise<string[]> {
	const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
	const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
	return lines.filter((line) => line.includes(text)).map((line) => line.replaceAll("\0", " "));
}

/** Files below the folders that hold the text in clear, or in base64 at any place in it. Large ones are not read. */
export async function filesWith(text: string, folders: string[]): Promise<Array<{ path: string; mode: string }>> {
	const found: Array<{ path: string; mode: string }> = [];
	for (const folder of folders) {
		const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
		for (const entry of entries) {
			const path = join(folder, entry.name);
			if (entry.isDirectory()) found.push(...(await filesWith(text, [path])));
			if (!entry.isFile()) continue;
			try {
				const { size, mode } = await stat(path);
				if (size > 4 << 20 || !holds(await readFile(path, "latin1"), text)) continue;
				found.push({ path, mode: (mode & 0o777).toString(8) });
			} catch {
				// It has gone meanwhile.
			}
		}
	}
	return found;
}

/** Whether a text shows another one, in clear, in hex, or in base64 (which looks different at each offset). */
export function holds(haystack: string, text: string): boolean {
	const encoded = [0, 1, 2].map((offset) => {
		const base64 = Buffer.from(" ".repeat(offset) + text).toString("base64");
		// The first and last digits depend on what stands beside the text.
		return base64.slice(offset === 0 ? 0 : 4, -4);
	});
	return [text, Buffer.from(text).toString("hex"), ...encoded].some((form) => haystack.includes(form));
}
