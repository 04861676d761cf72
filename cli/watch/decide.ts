/** Whether a rule asks for another number of machines. Pure. */
import type { WatchRule } from "./rules";

/** What is known of a rule from before. */
export interface Memory {
	/** Seconds since when the load is above or below without a break. */
	aboveSince?: number | undefined;
	belowSince?: number | undefined;
	/** Seconds at which the count was changed last. */
	changedAt?: number | undefined;
}

export interface Decision {
	memory: Memory;
	/** The number that is wanted, where that is another. */
	count?: number;
	/** For the log: what was measured and why what follows. */
	reason: string;
}

/**
 * @param load percent; undefined where nothing could be measured, which is no reason for anything
 * @param now seconds
 * @param count as it is declared
 */
export function decide(
	rule: WatchRule,
	memory: Memory,
	load: number | undefined,
	now: number,
	count: number,
): Decision {
	if (load === undefined) return { memory: { changedAt: memory.changedAt }, reason: "nothing to measure" };
	const said = `${rule.of} ${load.toFixed(0)} %`;
	const aboveSince = load > rule.above ? (memory.aboveSince ?? now) : undefined;
	const belowSince = rule.below !== undefined && load < rule.below ? (memory.belowSince ?? now) : undefined;
	const next: Memory = { aboveSince, belowSince, changedAt: memory.changedAt };
	const stay = (reason: string): Decision => ({ memory: next, reason: `${said}: ${reason}` });
	const up = aboveSince !== undefined && now - aboveSince >= rule.forSeconds;
	const down = belowSince !== undefined && now - belowSince >= rule.belowForSeconds;
	if (!up && !down) {
		if (aboveSince !== undefined) return stay(`above ${rule.above} % for ${Math.round(now - aboveSince)} s`);
		if (belowSince !== undefined) return stay(`below ${rule.below} % for ${Math.round(now - belowSince)} s`);
		return stay("as it should be");
	}
	const wanted = Math.min(rule.max, Math.max(rule.min, count + (up ? rule.step : -rule.step)));
	// A count beyond the bounds was somebody's own decision.
	if (wanted === count || (up ? wanted < count : wanted > count)) {
		return stay(`${count} machines, which is as ${up ? "many" : "few"} as there may be`);
	}
	const left = memory.changedAt === undefined ? 0 : memory.changedAt + rule.cooldownSeconds - now;
	if (left > 0) return stay(`the last change was not long ago; none for another ${Math.ceil(left)} s`);
	const why = up
		? `above ${rule.above} % for ${rule.forSeconds} s`
		: `below ${rule.below} % for ${rule.belowForSeconds} s`;
	return { memory: { changedAt: now }, count: wanted, reason: `${said}, ${why}: ${count} to ${wanted} machines` };
}
