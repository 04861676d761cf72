/** Whether what a preview shows is what was asked for. Pure. */

import { isCounted } from "../components/forked-vm-set/configured";
import type { Ask } from "./decide";
import type { KnownSet } from "./sets";

/** What is done to one resource. */
export interface Step {
	/** The resource's URN. */
	urn: string;
	/** URN of what it is a part of. */
	parent: string | undefined;
	/** Its name: that of a machine for a machine and its disk. */
	name: string;
	/** "Domain", "Volume", ... */
	type: string;
	/** "create", "update", "replace" or "delete". */
	operation: string;
}

/**
 * A number says both: to create does not destroy, and the other way round.
 * @throws Error for a number that comes to something else than was asked for, or to nothing
 */
export function refuseContrary(
	steps: ReadonlyArray<Step>,
	{ urn, name, machines }: KnownSet,
	{ operation, ...ask }: Ask,
): void {
	const count = "count" in ask ? ask.count : undefined;
	if (count === undefined || (operation !== "create" && operation !== "destroy")) return;
	const own = steps.filter(({ parent, type }) => parent === urn && type === "Domain");
	const [wanted, contrary, other] =
		operation === "create" ? (["create", "delete", "destroy"] as const) : (["delete", "create", "create"] as const);
	const wrong = own.filter((step) => step.operation === contrary).map((step) => step.name);
	if (wrong.length > 0) {
		throw new Error(`count: got ${count}, which would ${other} ${wrong.join(", ")}; allowed is that with ${other}`);
	}
	if (own.some((step) => step.operation === wanted)) return;
	throw new Error(
		`count: got ${count}; ${name} has ${machines.length} children, and there is nothing to ${operation}: allowed is ` +
			`${operation === "create" ? "more" : "less"}`,
	);
}

/**
 * @param machines that a call names, or all of the set; undefined where it makes new ones, or lets go of a number of them:
 * those that it names are asked for then, else those of the count
 * @returns what is not of that
 */
export function beside(
	steps: ReadonlyArray<Step>,
	{ urn, name: set }: KnownSet,
	machines: ReadonlyArray<string> | undefined,
	{ operation, children }: Ask,
): Step[] {
	return steps.filter((step) => {
		if (step.parent !== urn) return true;
		if (machines === undefined) {
			const isWanted = step.operation === (operation === "create" ? "create" : "delete");
			const called = callings(set, step.name.replace(/-data-\d+$/, ""));
			return !(isWanted && called.some((child) => children?.includes(child) ?? isCounted(child)));
		}
		const isOfOne = machines.some((own) => step.name === own || step.name.startsWith(`${own}-data-`));
		return !isOfOne || (operation === "destroy") !== (step.operation === "delete");
	});
}

/** What a set may call a machine: with a namePrefix that is not known, any end of its name. */
function callings(set: string, machine: string): string[] {
	if (machine.startsWith(`${set}-`)) return [machine.slice(set.length + 1)];
	const parts = machine.split("-");
	return parts.slice(1).map((_, index) => parts.slice(index + 1).join("-"));
}

/**
 * What others have changed is not to come about because somebody resets a machine.
 * @param others what is done beside what was asked for
 * @param before what would be done without it @throws Error that names what of the others is
 */
export function refusePending(stack: string, others: ReadonlyArray<Step>, before: ReadonlyArray<Step>): void {
	const pending = others.filter(({ urn, operation }) =>
		before.some((step) => step.urn === urn && step.operation === operation),
	);
	if (pending.length === 0) return;
	const what = pending.slice(0, 10).map((step) => `${step.operation} ${step.name} (${step.type})`);
	throw new Error(
		`the program of ${stack} has changes that nobody has brought about yet: ${what.join(", ")}` +
			`${pending.length > 10 ? ", ..." : ""}. Run pulumi up first, or let them be done along with this (--with-pending)`,
	);
}
