/**
 * Files that are being filled: `.NAME.MAKER-PROCESS-RANDOM.partial`. A process that is killed leaves its own; who comes
 * next removes it, at once where it can tell that the maker is gone, else when it is old.
 */
import { createHash, randomBytes } from "node:crypto";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { processSpace, startedAt } from "../process-ids";

const PARTIAL = /^\..+\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{12}\.partial$/;
/** The process space of a machine that does not tell. */
const NOWHERE = "00000000";
/** Filling one takes milliseconds. */
const LEFT_BEHIND_MS = 10 * 60_000;

/** A name for the file to be filled that is going to be `name`. */
export function partialName(name: string): string {
	return `.${name}.${SPACE}-${process.pid}-${START}-${randomBytes(6).toString("hex")}.partial`;
}

/** As a name of a file can have it. */
const SPACE = spaceTag();
const START = startedAt(process.pid) ?? 0;
const swept = new Map<string, Promise<void>>();

function spaceTag(): string {
	const space = processSpace();
	return space === undefined ? NOWHERE : createHash("sha256").update(space).digest("hex").slice(0, 8);
}

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

function isMakerGone([, space, pid, start]: RegExpExecArray): boolean {
	if (space === NOWHERE || space !== SPACE) return false;
	return startedAt(Number(pid)) !== Number(start);
}

async function isOld(file: string): Promise<boolean> {
	const found = await lstat(file).catch(() => undefined);
	return found !== undefined && Date.now() - found.mtimeMs > LEFT_BEHIND_MS;
}
