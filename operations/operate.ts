/** One call: another configuration of a set, seen in a preview first, then declared and brought about. */
import { z } from "zod";
import { refuse, shown, validate } from "../provider/problems";
import { objectName } from "../provider/schema";
import { type Ask, decided } from "./decide";
import type { ChildrenOf, Outcome } from "./index";
import { beside, refuseContrary, refusePending } from "./judge";
import { childOf, type KnownSet, setIn } from "./sets";
import { forksIn, withForks } from "./settings";
import { bringAbout, openStack, previewWith, readIfThere, settingsFile, writeSettings } from "./stack";

const givenSchema = z.strictObject({
	stack: z.string().min(1, "allowed is the name of a stack"),
	set: objectName,
	children: z.array(objectName).min(1, "allowed are names of children, at least one").optional(),
	count: z.int("allowed is a whole number").min(0).max(100_000).optional(),
	onReset: z.enum(["boot", "refork"]).optional(),
});

/** How the command line calls it. */
export interface Operated extends ChildrenOf {
	/** Aborted by Ctrl-C, too, of which Pulumi hears by itself where it runs: what has not begun does not begin. */
	interrupted?: AbortSignal;
}

/** @throws Error that says what was refused, before anything is touched; or what failed */
export async function operate(of: Operated, asked: Ask): Promise<Outcome> {
	const { project = ".", stack: name, set, log = () => {}, signal, interrupted } = of;
	const goOn = () => {
		signal?.throwIfAborted();
		interrupted?.throwIfAborted();
	};
	check(of, asked);
	goOn();
	const file = await settingsFile(project, name);
	const stack = await openStack(project, name);
	goOn();
	const known = setIn((await stack.exportStack()).deployment, name, set);
	const { ask, machines } = named(known, asked);

	const settings = (await readIfThere(file)) ?? "";
	const changed = edited(file, settings, set, ask);
	goOn();
	const steps = await previewWith(stack, changed, signal);
	goOn();
	refuseContrary(steps, known, asked);
	const others = of.withPending === true ? [] : beside(steps, known, machines, ask);
	if (others.length > 0) refusePending(name, others, await previewWith(stack, settings, signal));
	const changes = steps.map(({ name, type, operation }) => ({ name, type, operation }));
	for (const step of steps) log(`${of.dryRun ? "would " : ""}${step.operation} ${step.name} (${step.type})`);
	if (of.dryRun) return { changes, done: false };

	// What somebody has said there meanwhile was in no preview.
	if (((await readIfThere(file)) ?? "") !== settings) {
		throw new Error(`${file} was changed by somebody else meanwhile; nothing was changed. Try again`);
	}
	goOn();
	await writeSettings(file, changed);
	if (steps.length === 0) return { changes, done: true };
	try {
		await bringAbout(stack, log, signal);
	} catch (error) {
		await explain(error as Error, { file, name, settings, changed });
	}
	return { changes, done: true };
}

function check({ stack, set }: ChildrenOf, ask: Ask): void {
	const { children } = ask;
	const count = "count" in ask ? ask.count : undefined;
	const onReset = "onReset" in ask ? ask.onReset : undefined;
	const { problems } = validate(givenSchema, { stack, set, children, count, onReset } as Record<string, unknown>);
	refuse(ask.operation, problems);
	if (ask.operation !== "create" && ask.operation !== "destroy") return;
	if ((children === undefined) === (count === undefined)) {
		const got = children === undefined ? "neither children nor count" : "children and count";
		throw new Error(
			`${ask.operation}: got ${got}; allowed is one of them: which children, or how many there are to be`,
		);
	}
}

/** What is asked, with children as the set calls them. @throws Error for one that is (not) there */
function named(set: KnownSet, ask: Ask): { ask: Ask; machines: string[] | undefined } {
	if (ask.children === undefined) {
		return { ask, machines: "count" in ask && ask.count !== undefined ? undefined : set.machines };
	}
	const found = ask.children.map((given) => ({ given, child: childOf(set, given) }));
	if (ask.operation === "create") {
		const there = found.find(({ child }) => child !== undefined);
		if (there)
			throw new Error(`children: got ${shown(there.given)}; ${set.name} has it already: ${there.child!.machine}`);
		return { ask, machines: undefined };
	}
	// What is said of a child that is gone can be taken back all the same.
	const missing = found.find(({ child }) => child === undefined && ask.operation !== "revert");
	if (missing) {
		const there = set.machines.slice(0, 20).join(", ") || "none: it has none";
		const more = set.machines.length > 20 ? ", ..." : "";
		const called = set.machines.every((own) => own.startsWith(`${set.name}-`)) ? "" : ", without its namePrefix";
		throw new Error(
			`children: got ${shown(missing.given)}; allowed are children of ${set.name}${called}: ${there}${more}`,
		);
	}
	return {
		ask: { ...ask, children: found.map(({ given, child }) => child?.name ?? given) },
		machines: found.flatMap(({ child }) => child?.machine ?? []),
	};
}

function edited(file: string, settings: string, set: string, ask: Ask): string {
	const forks = forksIn(file, settings);
	return withForks(file, settings, { ...forks, [set]: decided(forks[set] ?? {}, ask) });
}

/** @throws Error that says what is to be done */
async function explain(
	error: Error,
	{ file, name, settings, changed }: { file: string; name: string; settings: string; changed: string },
): Promise<never> {
	const { ConcurrentUpdateError } = await import("@pulumi/pulumi/automation/index.js");
	const cause = (error.cause ?? error) as Error;
	if (cause instanceof ConcurrentUpdateError && (await readIfThere(file)) === changed) {
		await writeSettings(file, settings);
		throw new Error(
			`${name} is being updated by somebody else; nothing was changed. Try again when that is over; of a run that was ` +
				"killed, pulumi cancel takes the lock away",
			{ cause: error },
		);
	}
	throw new Error(
		`${error.message}\nThe configuration of ${name} says what was asked for (${file}); pulumi up carries on.`,
		{ cause: error },
	);
}
