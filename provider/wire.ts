/** What properties and failures look like on the engine's wire. */
import { IncompleteError, InputError } from "./lifecycle";
import type { Path, Problem } from "./problems";
import type { Hide } from "./secrets";

export type Properties = Record<string, unknown>;

/** What a resource's class tells its provider beside the arguments, as the input `about` of a check. */
export interface About {
	/** Progress is shown under it. */
	resourceUrn?: string | undefined;
	/** Nothing of these is shown. */
	secretInputs?: Path[] | undefined;
	/** Some argument comes from what could not be made. */
	lacksInput?: true | undefined;
}

export function aboutOf(news: Properties): About {
	return (news.about ?? {}) as About;
}

export interface CheckFailure {
	property: string;
	reason: string;
}

/** Turns an `IncompleteError` into the engine's partial failure; any other error passes. */
export async function recordingIncomplete<T>(inputs: Properties, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof IncompleteError)) throw error;
		// An error with an `id` is what the engine records as made but unfinished; only its reasons are shown.
		throw Object.assign(new Error(error.message), {
			id: error.id,
			reasons: [error.message],
			properties: definedOnly({
				...inputs,
				...(error.state as object),
				__provider: inputs.__provider,
				incomplete: true,
			}),
		});
	}
}

/** Without the stack, which the SDK shows to users: of errors that are a program's and not a programmer's it says nothing. */
export function presentable(error: unknown): unknown {
	const isBug = [TypeError, ReferenceError, RangeError].some((kind) => error instanceof kind);
	if (error instanceof Error && !isBug) error.stack = "";
	return error;
}

/**
 * A diff's refusal with the resource it is about: the engine also asks for diffs of what depends on a resource that it is
 * about to replace, and shows their errors under that one.
 */
export function namingResource<T>(kind: string, ownerId: string, hide: Hide, work: () => T): T {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof InputError)) throw error;
		const name = ownerId.split("/").at(-1);
		throw presentable(new Error(hide(`${kind} ${name}: ${error.property}: ${error.message}`)));
	}
}

/**
 * Without what is the engine's or the preview's.
 * @throws Error when inputs are missing that come from a resource which could not be made
 */
export function stripped(properties: Properties): Properties {
	if (properties.lacksInput) throw new Error("it depends on something that could not be made");
	const { __provider, plan: _plan, ...rest } = properties;
	return rest;
}

/** Without arguments that are not given: the SDK sends a secret of `undefined` as null. */
export function withoutNothing(given: Properties): Properties {
	return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** The wire has no `undefined`, at any depth. */
export function definedOnly(properties: object): Properties {
	return JSON.parse(JSON.stringify(properties)) as Properties;
}

export function topLevel(property: string): string {
	return /^[^.[]+/.exec(property)?.[0] ?? property;
}

/** Without the property's name, which the reason begins with: the engine would show the value with it, secret or not. */
export function asFailure(problem: Problem | InputError, hide: Hide): CheckFailure {
	return { property: "", reason: hide(`${problem.property}: ${problem.message}`) };
}
