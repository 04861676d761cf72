/**
 * The steps of a template around a machine's way to another host. Before it leaves, a failure takes back what was done, and
 * it runs on where it is; once it has left, all goes forward. The record of it is part of its definition, and goes with it.
 */
import { look, type Seen } from "../domain/look";
import type { Host } from "../libvirt";
import type { Context } from "../lifecycle";
import type { MoveMode } from "../move/mode";
import { isCarrier, movingIn } from "../move/moving";
import { placeAtRest } from "../move/place";
import type { AgentPolicy } from "./agent-policy";
import { beforeMove, givenUp, onArrival } from "./course";
import { CompensatedError, type EngineStep, runSteps, takeBack } from "./engine";
import { at, goalOf, hasArrived, neededTools, recordOf } from "./in-place";
import type { Size } from "./instance-types";
import { journalOf } from "./journal";
import { NOTHING, planMorph } from "./planner";
import { probedShape } from "./probe";
import { refuseUnreachable } from "./reachable";
import { goOn, stepsOf } from "./steps";
import { hasPrograms, isForPause, type MorphTemplate, stepsIn } from "./template";
import { hasTools, permittedTools, removeTools, withoutLeavingTools } from "./tools";

export interface Move {
	uuid: string;
	name: string;
	/** Its former host. */
	there: Host;
	/** Its size when all is done; undefined where that stays, or waits for its next start. */
	wanted: Size | undefined;
	template: MorphTemplate | undefined;
	/** What may be added to its guest. */
	policy: AgentPolicy | undefined;
	/** Where it is, once what an earlier run has begun is at its end. */
	place(): Promise<"there" | "here" | "gone">;
	/** Looks whether it can go; changes nothing. */
	check(): Promise<{ mode: MoveMode } | undefined>;
	/** Brings it to its new host, from wherever an earlier run left off. @throws Error when it stays */
	move(): Promise<void>;
}

/**
 * Has a machine move, after the phases that come before that.
 *
 * @param context of the new host
 * @throws CompensatedError when it has stayed, and is as before; another error when it is half way, which the next call
 *   goes on from
 */
export async function moveWithSteps(context: Context, change: Move): Promise<void> {
	const before = await stepsBefore(context, change);
	await change.move().catch(async (error) => {
		throw before ? await stayed(context, change, before, error) : error;
	});
}

/** @returns what was done, to be taken back where it stays; undefined where nothing is to be done before */
async function stepsBefore({ host: here, ...context }: Context, change: Move): Promise<EngineStep[][] | undefined> {
	const { uuid, name, there, wanted, template, policy } = change;
	const { log, signal } = context;
	const source = { ...context, host: there };
	if ((await change.place()) !== "there") return undefined;
	const seen = await look(there, uuid);
	if (!seen || !takesSteps(seen)) return undefined;
	refuseUnreachable(there.uri, template);
	// Who is started anew goes through none of them.
	if ((await change.check())?.mode === "reboot") return undefined;
	const journal = journalOf(there, uuid);
	const around = { journal, log, signal };
	const goal = `${goalOf(wanted)}, on ${here.uri}`;
	const found = await journal.read();
	if (found && found.goal !== goal) {
		log(`an unfinished change to ${found.goal} is taken back`);
		const course = givenUp(found, there.uri);
		await takeBack(stepsOf(source, uuid, NOTHING, template, course), found, around);
		if (hasTools(found)) await removeTools(source, uuid, template?.tools);
		await journal.clear();
	}
	const same = found?.goal === goal ? found : undefined;
	const shape = await probedShape(source, uuid);
	const plan = wanted ? planMorph(same ? at(shape, same.origin) : shape, wanted, template) : NOTHING;
	if (!same && plan.steps.length === 0 && !hasPrograms(template)) return undefined;
	const to = (await here.info()).hostUuid;
	const fresh = { ...recordOf(goal, shape), move: { from: there.uri, to, toUri: here.uri } };
	const tools = await neededTools(source, change, template, policy);
	const steps = stepsOf(source, uuid, { ...plan, tools }, template, beforeMove(there.uri, here.uri));
	try {
		await withoutLeavingTools(source, uuid, template, () => runSteps(steps, same ?? fresh, around));
	} catch (error) {
		if (!(error instanceof CompensatedError)) throw error;
		await journal.clear();
		throw new CompensatedError(`${error.message} ${name} runs on as it was, on ${there.uri}.`, { cause: error });
	}
	return steps;
}

/** Steps are for a machine that goes on running. */
function takesSteps(seen: Seen): boolean {
	return seen.active && !isCarrier(seen, movingIn(seen));
}

/** @returns the error to throw */
async function stayed(context: Context, change: Move, steps: EngineStep[][], error: unknown): Promise<unknown> {
	const { uuid, there } = change;
	const { log, signal } = context;
	const place = await placeAtRest(context, there, change).catch(() => undefined);
	if (place !== "there" && !(place === undefined && (await runsOn(there, uuid)))) return error;
	const message = error instanceof Error ? error.message : String(error);
	const journal = journalOf(there, uuid);
	const record = await journal.read();
	if (!record || signal?.aborted) return error;
	await takeBack(steps, { ...record, reason: message }, { journal, log, signal });
	await journal.clear();
	return new CompensatedError(`${message}\nWhat was done before has been taken back.`, { cause: error });
}

/** What executes instructions where it was has not left, also where its new host does not answer any more. */
async function runsOn(there: Host, uuid: string): Promise<boolean> {
	const [found, job] = await Promise.all([there.domains.find(uuid), there.domains.job(uuid)]).catch(() => []);
	return found?.state === "running" && !job;
}

/**
 * What comes first when a machine is on its new host: programs of the hosts while it stands still, then it goes on, and
 * programs of the guest. It goes on as well when one of them fails.
 *
 * @throws Error when one fails: the next run goes on there
 */
export async function stepsOnArrival(
	context: Context,
	uuid: string,
	template: MorphTemplate | undefined,
	policy: AgentPolicy | undefined,
): Promise<void> {
	const { host, log, signal } = context;
	const journal = journalOf(host, uuid);
	const found = await journal.read();
	if (!found?.move || !(await hasArrived(context, found))) return;
	const inGuest = stepsIn(template ?? {}, "duringMigration").some((step) => !isForPause(step));
	const tools = inGuest ? permittedTools(template, policy) : [];
	const steps = stepsOf(context, uuid, { ...NOTHING, tools }, template, onArrival(found.move.from, host.uri));
	try {
		await runSteps(steps, found, { journal, log, signal });
	} finally {
		await goOn(context, uuid);
	}
}
