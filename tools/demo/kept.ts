import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDirectory } from "../cache";

/** What is needed to find a kept demo again. */
export interface KeptDemo {
	/** Folder of the program's copy. */
	directory: string;
	/** Name of the private host; absent where the user's own libvirt is used. */
	host?: string | undefined;
}

const file = () => join(cacheDirectory(), "demo.json");

export function keptDemo(): KeptDemo | undefined {
	try {
		return JSON.parse(readFileSync(file(), "utf8")) as KeptDemo;
	} catch {
		return undefined;
	}
}

export function keepDemo(demo: KeptDemo): void {
	mkdirSync(dirname(file()), { recursive: true });
	writeFileSync(file(), JSON.stringify(demo));
}

export function forgetDemo(): void {
	rmSync(file(), { force: true });
}
