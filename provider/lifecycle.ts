/**
 * What a resource is, without Pulumi: a schema of its inputs and the five things that can be done with it. `resource.ts`
 * turns such a lifecycle into a dynamic resource; anything else (a native provider plugin, a command line) can use it
 * as it is.
 */
import type { z } from "zod";
import type { Host } from "./libvirt";

/** Inputs that every resource has; computed by the resource classes, never typed by a user. */
export interface RecordedInputs {
	/** libvirt URI of the host; absent where a resource is on none. */
	uri?: string | undefined;
	/** Deterministic name of the owner: `organization/project/stack/logical name`. */
	ownerId: string;
	/** Owner ids under which the object may still be recorded on the host, after a rename. */
	previousOwnerIds?: string[] | undefined;
	/** Take over an existing object instead of refusing it. */
	adopt?: boolean | undefined;
	/** The resource has Pulumi's `retainOnDelete`: what is left on the host on purpose is never swept. */
	retain?: boolean | undefined;
	/** Creates, updates and deletes of the same lane run at most `width` at a time. */
	lane?: { name: string; width: number } | undefined;
}

/** The same of what is on a host. */
export interface CommonInputs extends RecordedInputs {
	uri: string;
}

export interface Context {
	/** Absent for a resource without a `uri`, which is on no host. */
	host: Host;
	/** A line of progress, shown under the resource. */
	log(message: string): void;
	/** Type of the component that the resource is a part of: "ThinClonePool". It has arguments of its own. */
	component?: string | undefined;
	/** Aborted when the engine is gone: work that takes long ends then, in order. */
	signal?: AbortSignal | undefined;
	/** In a plan: `anew` for a replacement of what is recorded, false where that stays. @default "new" */
	makes?: "new" | "anew" | false | undefined;
	/** The stack's guard has swept the host: what an interrupted run left is gone. Only in a delete that waited for it. */
	afterSweep?: boolean | undefined;
}

/** What changing one property does to the object, most disruptive last. */
export type Effect = "live" | "restart" | "replace";

export interface Change {
	/** Name of the input, with its path where that helps: `disks[1]`. */
	property: string;
	effect: Effect;
	/** One clause for the preview: what will be done, and why it cannot be done in a milder way. */
	note: string;
	/** Of a replacement: the new object is there before the old one goes. */
	createsFirst?: boolean | undefined;
}

/** Outputs: the inputs as they were applied (or found), and facts about what was made. */
export type State<Inputs, Facts> = Inputs & Facts & { incomplete?: boolean | undefined };

export interface Lifecycle<Inputs extends RecordedInputs, Facts extends object> {
	/** Name of the resource, and the last part of its type token. */
	name: string;
	/** Validates and normalises the inputs; strict, so that a misspelt property is an error. */
	schema: z.ZodType<Inputs>;
	/** Inputs whose values must not be shown in errors, plans or logs. */
	sensitive?: ReadonlyArray<keyof Inputs & string>;
	/** What leaving inputs out amounts to where the schema does not tell, because it depends on the others. */
	defaults?(inputs: Inputs): Partial<Inputs>;
	/** Inputs that programs read as outputs of the resource. */
	outputs?: ReadonlyArray<keyof Inputs & string>;
	/** Rules across properties; each returns the complaint, or undefined. Not run while a property it needs is unknown. */
	rules?: ReadonlyArray<Rule<Inputs>>;
	/**
	 * Values that only this machine or a store can tell, such as the content hash of a local file; must not touch the host.
	 * Throws an `InputError` when something is wrong with them.
	 */
	resolve?(inputs: Inputs): Promise<Inputs>;
	/**
	 * Keeps what is recorded where the new inputs only say it in another way: a pool by its name instead of its UUID, the
	 * default name of a volume after a rename of its owner. May look at the host, and keeps nothing when that fails; may
	 * see `UNKNOWN` at any depth of `news`.
	 */
	settle?(olds: Inputs, news: Inputs, context: Context): Promise<Inputs>;
	/** What differs and what that means. Pure; used for the diff and for the plan. May see `UNKNOWN` at any depth of `news`. */
	changes(olds: State<Inputs, Facts> | Inputs, news: Inputs): Change[];
	/**
	 * Facts that `changes` goes by, as a look at the host tells them: a plan is made where what is recorded of them is not
	 * known. Changes nothing.
	 */
	facts?(olds: Inputs, context: Context): Promise<Partial<Facts>>;
	/**
	 * Lines for the preview that only a look at the host can give (which accelerator, how the clone is made, what is in
	 * the way). Changes nothing. Not called while an input is unknown.
	 */
	plan?(inputs: Inputs, context: Context): Promise<string[]>;
	/** What of that the name alone tells, for a new object of which other inputs are unknown. */
	planByName?(inputs: Pick<Inputs, keyof RecordedInputs> & { name: string }, context: Context): Promise<string[]>;
	/** Makes the object, or takes over the one that an interrupted create of the same owner left. */
	create(inputs: Inputs, context: Context): Promise<{ id: string; state: State<Inputs, Facts> }>;
	/** Looks at the object; undefined when it is gone. Returns what was found, in the shape of the inputs. */
	read(id: string, state: State<Inputs, Facts>, context: Context): Promise<State<Inputs, Facts> | undefined>;
	/** Whether the object is on the host, where `read` does not tell: it may know how to get one back that is gone. */
	exists?(id: string, context: Context): Promise<boolean>;
	/** Whether `update` takes a `uri` of another host: it has the object go there. @default false */
	moves?: boolean;
	/** Applies new inputs; also finishes an object that was left incomplete. */
	update(id: string, olds: State<Inputs, Facts>, news: Inputs, context: Context): Promise<State<Inputs, Facts>>;
	/** Removes the object; succeeds when it is gone already; refuses what others depend on. */
	delete(id: string, state: State<Inputs, Facts>, context: Context): Promise<void>;
}

export interface Rule<Inputs> {
	/** The property the complaint is about. */
	property: string;
	/** Properties that have to be known. */
	needs: ReadonlyArray<keyof Inputs & string>;
	check(inputs: Inputs): string | undefined;
}

/** Something is wrong with one input: the message says what was got and what is allowed. */
export class InputError extends Error {
	/** As in `pulumi.RunError`: what a program gives to a component is told without a stack trace. */
	readonly __pulumiRunError = true;

	constructor(
		readonly property: string,
		message: string,
	) {
		super(message);
		this.name = "InputError";
	}
}

/** A delete is refused because something depends on the object. */
export class InUseError extends Error {
	constructor(
		message: string,
		/** Who: domains by name or UUID, volumes by path. */
		readonly users: { domains: ReadonlyArray<string>; volumes: ReadonlyArray<string> },
	) {
		super(message);
		this.name = "InUseError";
	}
}

/** The object exists but is not what was asked for: it is recorded, and the next `update` finishes it. */
export class IncompleteError<Inputs, Facts> extends Error {
	constructor(
		readonly id: string,
		readonly state: State<Inputs, Facts>,
		message: string,
		options?: ErrorOptions,
	) {
		super(message, options);
		this.name = "IncompleteError";
	}
}
