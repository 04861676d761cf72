/** Commands for the children of a set: each is a call of `pulumi-libvirt-clones/operations`. */
import {
	createChildren,
	destroyChildren,
	type NamedChildrenOf,
	type Outcome,
	powerOffChildren,
	powerOnChildren,
	powerResetChildren,
	revertChildren,
} from "../operations";
import type { Operated } from "../operations/operate";
import { type Arguments, countOf, onResetOf } from "./arguments";

type Call = (of: NamedChildrenOf & Operated, given: Arguments) => Promise<Outcome>;

const calls: Record<string, Call> = {
	"fork power-on": powerOnChildren,
	"fork power-off": powerOffChildren,
	"fork reset": (of, given) => powerResetChildren({ ...of, onReset: onResetOf(given["on-reset"]) }),
	"fork revert": revertChildren,
	"fork create": (of, given) => createChildren({ ...of, count: countOf(given.count) }),
	"fork destroy": (of, given) => destroyChildren({ ...of, count: countOf(given.count) }),
};

export function isOnChildren(command: string): boolean {
	return Object.hasOwn(calls, command);
}

/** @throws Error that says what was refused, or what failed */
export async function onChildren(
	given: Arguments,
	how: Required<Pick<Operated, "log" | "signal" | "interrupted">>,
): Promise<Outcome> {
	const [set, ...children] = given.names;
	refuseOthers(given);
	if (given.stack === "") throw new Error('--stack: got ""; allowed is the name of a stack');
	const of = {
		stack: given.stack,
		project: given.project,
		set: set!,
		...(children.length > 0 && { children }),
		dryRun: !given.yes,
		withPending: given["with-pending"],
		...how,
	};
	return calls[given.command]!(of, given);
}

/** Options that go with some of the commands only: one that was left out of account would do more than was meant. */
const WITH: Array<["count" | "on-reset", string[]]> = [
	["count", ["fork create", "fork destroy"]],
	["on-reset", ["fork reset"]],
];

/** @throws Error */
function refuseOthers(given: Arguments): void {
	for (const [option, allowed] of WITH) {
		if (given[option] === undefined || allowed.includes(given.command)) continue;
		const got = `got ${JSON.stringify(given[option])} with ${given.command}`;
		throw new Error(`--${option}: ${got}; allowed is it with ${allowed.join(" and ")}`);
	}
}
