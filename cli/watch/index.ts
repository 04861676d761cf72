/** Changes the declared number of a stack's machines by how busy they are: never a machine that is not declared. */
import { setTimeout as sleep } from "node:timers/promises";
import { FORKS_KEY } from "../../components/forked-vm-set/configured";
import { bringAbout, openStack } from "../../operations/stack";
import { connect } from "../../provider/libvirt";
import { decide, type Memory } from "./decide";
import { Measure } from "./measure";
import { readWatch, type WatchRule } from "./rules";

/** The stack's part: what is declared, and how another number of it is brought about. */
export interface Declared {
	count(key: string): Promise<number>;
	declare(key: string, count: number): Promise<void>;
	/** `pulumi up` */
	bringAbout(): Promise<void>;
}

export interface WatchOptions {
	file: string;
	/** libvirt URI of rules that name none. */
	uri: string;
	/** Whether counts are really changed. */
	yes: boolean;
	log(line: string): void;
	/** Ends the watch. */
	signal: AbortSignal;
	/** @default the stack of the file, by Pulumi's Automation API */
	declared?: Declared;
}

/** @throws Error for a file that is wrong, and for a stack that is not there */
export async function watch({ file, uri, yes, log, signal, declared }: WatchOptions): Promise<void> {
	const settings = await readWatch(file);
	const stack = declared ?? (await declaredBy(settings, log));
	const watched = settings.rules.map(
		(rule): Watched => ({
			rule,
			measure: new Measure(connect(rule.uri ?? uri), rule),
			memory: {},
			unfinished: false,
		}),
	);
	log(
		`watching ${settings.rules.length} counts of ${settings.stack}${yes ? "" : "; nothing is changed without --yes"}`,
	);
	while (!signal.aborted) {
		for (const own of watched) {
			if (!signal.aborted) await once(own, stack, { yes, log });
		}
		await sleep(settings.intervalSeconds * 1000, undefined, { signal }).catch(() => {});
	}
}

interface Watched {
	rule: WatchRule;
	measure: Measure;
	memory: Memory;
	/** Whether what was declared last has not been brought about yet. */
	unfinished: boolean;
}

async function once(own: Watched, stack: Declared, { yes, log }: Pick<WatchOptions, "yes" | "log">): Promise<void> {
	const { rule, measure, memory } = own;
	try {
		if (!own.unfinished) {
			const count = await stack.count(rule.count);
			const decision = decide(rule, memory, await measure.load(), performance.now() / 1000, count);
			log(`${rule.count}: ${decision.reason}`);
			own.memory = decision.memory;
			if (decision.count === undefined || !yes) return;
			await stack.declare(rule.count, decision.count);
			own.unfinished = true;
		}
		await stack.bringAbout();
		own.unfinished = false;
	} catch (error) {
		// A host that does not answer, or an `up` that failed: the next look tries again.
		log(`${rule.count}: ${error instanceof Error ? error.message : String(error)}`);
	}
}

/** The stack itself, by Pulumi's Automation API. @throws Error for one that is not there */
export async function declaredBy(
	{ project, stack: name }: { project: string; stack: string },
	log: (line: string) => void,
): Promise<Declared> {
	const stack = await openStack(project, name);
	// A key of the program's own, or what is configured of a set, which is a part of one key.
	const isPart = (key: string) => key.startsWith(`${FORKS_KEY}.`);
	return {
		async count(key) {
			const { value } = await stack.getConfig(key, isPart(key));
			const count = Number(value);
			if (/^\d+$/.test(value)) return count;
			throw new Error(`got ${JSON.stringify(value)} in the configuration; allowed is a whole number`);
		},
		declare: (key, count) => stack.setConfig(key, { value: String(count) }, isPart(key)),
		bringAbout: () => bringAbout(stack, log),
	};
}
