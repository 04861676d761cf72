/**
 * What a payload has placed elsewhere than in its own folder, so that another payload, or its removal, takes it away again.
 * The record lies in that folder: a line for each, `file PATH` or `line PATH TEXT`, with a tab after the path.
 */
import { OWN_FOLDER, type Payload } from "../payload-type";

export const PLACED_FILE = `${OWN_FOLDER}/placed`;

/** What to take away. */
export interface Former {
	paths: ReadonlyArray<string>;
	lines: Payload["lines"];
}

/** Puts nothing in, so that what an earlier payload has put in goes. */
export const NOTHING: Payload = { files: [], links: [], lines: [], version: "" };

/** Text of the record of a payload. */
export function placedOf(payload: Payload): string {
	return placed(payload).join("");
}

/** What an earlier payload has placed and this one has not. */
export function formerlyPlaced(record: string | undefined, payload: Payload): Former {
	const now = new Set(placed(payload));
	const gone = (record ?? "").split("\n").filter((entry) => !now.has(`${entry}\n`));
	return {
		paths: gone.flatMap((entry) => /^file (\/.+)$/.exec(entry)?.[1] ?? []),
		lines: gone.flatMap((entry) => {
			const [, path, line] = /^line (\/[^\t]+)\t(.*)$/.exec(entry) ?? [];
			return path === undefined || line === undefined ? [] : [{ path, line }];
		}),
	};
}

function placed({ files, links, lines }: Payload): string[] {
	const elsewhere = [...files, ...links].filter(({ path }) => !path.startsWith(`${OWN_FOLDER}/`));
	return [
		...elsewhere.map(({ path }) => `file ${path}\n`),
		...lines.map(({ path, line }) => `line ${path}\t${line}\n`),
	];
}
