/** What differs of a forked machine between what is recorded and what is wanted, and what that does to it. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { DomainFacts, DomainInputs } from "../domain/schema";
import type { Change, State } from "../lifecycle";
import { isUnknown } from "../unknown";
import { type ForkedInputs, resetBy } from "./forked";

type Olds = State<DomainInputs, DomainFacts> | DomainInputs;

/** What turning it on comes to. */
export function startNote(olds: Olds): string {
	const next = "nextStart" in olds ? olds.nextStart : undefined;
	if (next === "waiting") return "goes on from its parent in the QEMU that waits for it";
	return next === "fork" ? "goes on from its parent, with a fresh disk" : "started";
}

/** What a forked machine becomes it becomes once, before it has a network. */
export function forkChanges(olds: Olds, { fork: after, running }: DomainInputs): Change[] {
	const property = "fork";
	const before = olds.fork;
	if (isDeepStrictEqual(before, after)) return [];
	if (!before || !after || isUnknown(after)) {
		return [{ property, effect: "replace", note: "a machine either boots or goes on from a fork point" }];
	}
	if (!isDeepStrictEqual(identityOf(before), identityOf(after))) {
		return [
			{
				property,
				effect: "replace",
				note: "it is forked again, with another identity or set-up: what it wrote is lost",
			},
		];
	}
	const reset = resetBy(before, after);
	if (reset !== undefined) {
		const how = reset === "boot" ? "boots from its own disk" : "goes on from its parent again; what it wrote is lost";
		return [{ property, effect: "restart", note: `reset, as who it is: ${how}` }];
	}
	const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof ForkedInputs>;
	// What has become of one that gave way is said elsewhere.
	const differs = [...names].filter((name) => name !== "preempted" && !isDeepStrictEqual(before[name], after[name]));
	if (differs.length === 0) return [];
	if (isDeepStrictEqual(differs, ["preemptible"])) {
		const note = `${after.preemptible ? "gives" : "does not give"} way from now on when the host runs short of memory`;
		return [{ property, effect: "live", note }];
	}
	if (!isDeepStrictEqual(differs, ["warm"])) return [{ property, effect: "live", note: "used at the next fork" }];
	// What is said of its power says this as well.
	if (olds.running !== running) return [];
	if (running || ("nextStart" in olds && olds.nextStart === "boot")) {
		return [{ property, effect: "live", note: `recorded only: ${running ? "it runs" : "it boots from its own disk"}` }];
	}
	return [{ property, effect: "live", note: after.warm ? "waits in QEMU from now on" : "its waiting QEMU ends" }];
}

function identityOf(fork: ForkedInputs): object {
	const { lease, network, ips, licence, restart, powerOn, onParentChange, timeoutSeconds, warm, ...rest } = fork;
	const { resetTrigger, onReset, preemptible, preempted, ...identity } = rest;
	return identity;
}

/** What becomes of one that has given way to others, and is to run. */
export function preemptionChanges(olds: Olds, { fork, running }: DomainInputs): Change[] {
	if (!fork || isUnknown(fork) || running !== true || olds.running !== true) return [];
	const recorded = "preempted" in olds && olds.preempted === true;
	const change = (note: string): Change[] => [{ property: "running", effect: "live", note }];
	if (fork.preempted === "goesOn") return change(`there is room for it again: ${startNote(olds)}`);
	if (fork.preempted === "stays") return recorded ? [] : change("recorded: it has given way, and is off");
	return recorded ? change("recorded: it runs again") : [];
}
