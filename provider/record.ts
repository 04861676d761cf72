/**
 * What is recorded about an object beside its settings: the address of its host, its owner, and whether it is to be
 * retained. The record on the host has to follow the program, because the sweep goes by it.
 */
import type { Change, RecordedInputs } from "./lifecycle";

type Record = Pick<RecordedInputs, "uri" | "ownerId" | "retain"> & { moves?: { from: string } | undefined };

/** Pure. An object that nothing else changes about is updated for these alone. */
export function recordChanges(olds: Record, news: Record): Change[] {
	const found: Change[] = [];
	const live = (property: string, note: string) => found.push({ property, effect: "live", note });
	if (olds.uri !== news.uri && news.moves?.from !== olds.uri)
		live("uri", "recorded: the same host is reached by another address (nothing moves)");
	if (olds.ownerId !== news.ownerId) live("ownerId", `recorded: it belongs to "${news.ownerId}" from now on`);
	if ((olds.retain ?? false) !== (news.retain ?? false)) {
		live("retain", news.retain ? "recorded: it stays when its resource goes" : "recorded: it goes with its resource");
	}
	return found;
}
