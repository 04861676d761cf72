/**
 * Files that are being filled: `.NAME.MAKER-PROCESS-RANDOM.partial`. A process that is killed leaves its own; who comes
 * next removes it, at once where it can tell that the maker is gone, else when it is old.
 */
import { randomBytes } from "node:crypto";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { hasEnded, processTag } from "../process-ids";

const PARTIAL = /^\..+\.([0-9a-f]{8}-\d+-\d+)-[0-9a-f]{12}\.partial$/;
/** Filling one takes milliseconds. */
const LEFT_BEHIND_MS = 10 * 60_000;

/** A name for the file to be filled that is going to be `name`. */
export function partialName(name: string): string {
	return `.${name}.${TAG}-${randomBytes(6).toString("hex")}.partial`;
}

const TAG = processTag();
const swept = new Map<string, Promise<void>>();

/** Removes what killed processes left in a directory, once in a process. */
export function sweepPartialsOnce(directory: string): Promise<void> {
	const known = swept.get(directory) ?? sweepPartials(directory);
	swept.set(directory, known);
	return known;
}

/** Removes what killed processes left in a directory. Never rejects: nothing depends on it. */
export async function sweepPartials(directory: string): Promise<void> {
	try {
		for (const name of await readdir(directory)) {
			const match = PARTIAL.exec(name);
			const file = join(directory, name);
			if (match && (isMakerGone(match) || (await isOld(file)))) await rm(file, { force: true });
		}
	} catch {
		// It is tried again by the next process.
	}
}

/** Whether somebody, who is not known to be gone, fills a file that is going to be `name`, beside one's `own`. */
export async function isAtWork(directory: string, name: string, own: string): Promise<boolean> {
	return (await readdir(directory)).some((file) => {
		const match = PARTIAL.exec(file);
		const isOfName = file.replace(/\.[^.]*\.partial$/, "") === `.${name}`;
		return match !== null && isOfName && file !== own && !isMakerGone(match);
	});
}

function isMakerGone([, maker]: RegExpExecArray): boolean {
	return hasEnded(maker!) === true;
}

async function isOld(file: string): Promise<boolean> {
	const found = await lstat(file).catch(() => undefined);
	return found !== undefined && Date.now() - found.mtimeMs > LEFT_BEHIND_MS;
}
