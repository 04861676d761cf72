/**
 * What an operator does with the children of a `ForkedVMSet`, as calls. Each changes what the stack declares, in its
 * configuration (`pulumi-libvirt-clones:forks`), which the set reads beside its arguments, and runs `pulumi up`: what
 * is there is what is declared, before and after.
 *
 * @example
 * import { powerResetChildren } from "pulumi-libvirt-clones/operations";
 * await powerResetChildren({ stack: "prod", set: "desk", children: ["ann"] });
 */
import { operate } from "./operate";

/** Whose children, and how. */
export interface ChildrenOf {
	/** Name of the stack, as `pulumi stack select` takes it. */
	stack: string;
	/** Folder of its project. @default the working directory */
	project?: string;
	/** Name of the `ForkedVMSet`; of a set of a catalog it is "<catalog>-<set>". */
	set: string;
	/** Whether it is only said what would be done, by a preview. @default false */
	dryRun?: boolean;
	/**
	 * Whether what the program has changed beside this, and nobody has brought about yet, is done along with it.
	 * @default false: refused, naming it
	 */
	withPending?: boolean;
	/** Takes lines of progress. @default none is told */
	log?: (line: string) => void;
	/** Ends it: what has begun is finished or taken back as after Ctrl-C. */
	signal?: AbortSignal;
}

/** Children that there are, by what the set calls them ("ann", "0"), or by the names of their machines. */
export interface NamedChildrenOf extends ChildrenOf {
	/** Which ones. @default all of the set */
	children?: string[];
}

/** Children that are to be reset. */
export interface ResetChildrenOf extends NamedChildrenOf {
	/** What it comes to: `refork` loses what the child wrote to its system disk. @default as the set says */
	onReset?: "boot" | "refork";
}

/** Children that are to be made, or to go: by `children` or by `count`, one of both. */
export interface CountedChildrenOf extends ChildrenOf {
	/** Which ones, by what the set is to call them, or calls them. @default none, with `count` */
	children?: string[];
	/** The number of counted children that there are to be. @default none, with `children` */
	count?: number;
}

/** What was done to one resource, or would be. */
export interface Change {
	/** Its name: that of a machine for a machine and its disk. */
	name: string;
	/** "Domain", "Volume", ... */
	type: string;
	/** "create", "update", "replace" or "delete". */
	operation: string;
}

/** What came of a call. */
export interface Outcome {
	/** All that an `up` changes, and nothing where all of it was so already. */
	changes: Change[];
	/** Whether the configuration says so now, and it was brought about; not with `dryRun`. */
	done: boolean;
}

/**
 * Makes children.
 * @throws Error for a child that is there, and a `count` that is not more than there are
 */
export function createChildren(of: CountedChildrenOf): Promise<Outcome> {
	return operate(of, { operation: "create", children: of.children, count: of.count });
}

/**
 * Destroys children with their disks, and gives their identities back.
 * @throws Error for a child that is not there, and a `count` that is not less than there are
 */
export function destroyChildren(of: CountedChildrenOf): Promise<Outcome> {
	return operate(of, { operation: "destroy", children: of.children, count: of.count });
}

/** Turns children on: each boots its own disk, or goes on from its parent, as the set says. @throws Error */
export function powerOnChildren(of: NamedChildrenOf): Promise<Outcome> {
	return operate(of, { operation: "powerOn", children: of.children });
}

/** Turns children off. They stay who they are. @throws Error */
export function powerOffChildren(of: NamedChildrenOf): Promise<Outcome> {
	return operate(of, { operation: "powerOff", children: of.children });
}

/**
 * Resets children that run: each boots its own disk, or is forked again with a fresh one. They stay who they are.
 * @throws Error
 */
export function powerResetChildren(of: ResetChildrenOf): Promise<Outcome> {
	const trigger = new Date().toISOString();
	return operate(of, { operation: "reset", children: of.children, onReset: of.onReset, trigger });
}

/** Takes what calls have said of children from the configuration: the program alone says it again. @throws Error */
export function revertChildren(of: NamedChildrenOf): Promise<Outcome> {
	return operate(of, { operation: "revert", children: of.children });
}
