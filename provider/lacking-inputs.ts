/**
 * Arguments that will never be known in this run, because what they come from could not be made
 * (`pulumi up --continue-on-error`). The engine skips a resource that depends on it; but it asks for a check first, with
 * such values left out, and a complaint about one that is missing would end the program, and with it the others.
 */
import * as pulumi from "@pulumi/pulumi";
import { latersIn } from "./later";

/** Whether there are any; undefined when not, and in a preview, where whatever is not known yet is sent as such. */
export async function lacksInput(args: object): Promise<true | undefined> {
	if (pulumi.runtime.isDryRun()) return undefined;
	return (await lacks(args)) ? true : undefined;
}

/** Parts of an `Output` that are not in its public type. */
interface Internals {
	isKnown: Promise<boolean>;
	promise(): Promise<unknown>;
}

async function lacks(value: unknown): Promise<boolean> {
	for (const { later } of latersIn(value)) {
		if (later instanceof Promise) {
			if (await lacks(await later)) return true;
			continue;
		}
		const output = later as unknown as Internals;
		// What `apply` returned may have outputs inside.
		if (!(await output.isKnown) || (await lacks(await output.promise()))) return true;
	}
	return false;
}
