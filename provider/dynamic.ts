/**
 * The Pulumi side of a resource: how a class of ours becomes a dynamic resource that the engine creates through
 * `provider/index.ts`.
 */
import * as pulumi from "@pulumi/pulumi";
import { lacksInput } from "./lacking-inputs";
import { isLater } from "./later";
import { guardTag } from "./owner";
import type { Path } from "./problems";
import { secretPaths } from "./secret-inputs";
import { plainStacksOfSdk, shortStacks } from "./short-stacks";
import type { About } from "./wire";

/** Arguments that every resource takes. */
export interface HostArgs {
	/**
	 * libvirt URI of the host.
	 * @default configuration `pulumi-libvirt-clones:uri`, else the environment's `LIBVIRT_DEFAULT_URI`, else `qemu:///system`
	 * @example "qemu+ssh://root@hypervisor-1/system"
	 */
	uri?: pulumi.Input<string>;
	/**
	 * Take over an object of that name which exists already (made by hand, by another tool or another stack) instead of
	 * refusing it. From then on it is managed, and deleted, like one made here.
	 * @default false
	 */
	adopt?: pulumi.Input<boolean>;
	/**
	 * Owner ids (`organization/project/stack/name`) under which the object was made, after a rename of the resource, the
	 * project or the stack.
	 * @default none
	 */
	previousOwnerIds?: pulumi.Input<pulumi.Input<string>[]>;
}

/** Anything with an id: a resource of this package or of `@pulumi/libvirt`, or the id, name or path itself. */
export type Reference = pulumi.Input<string> | { readonly id: pulumi.Input<string> };

/** The id, name or path that a reference stands for. */
export function idOf(reference: Reference): pulumi.Input<string>;
export function idOf(reference: Reference | undefined): pulumi.Input<string> | undefined;
export function idOf(reference: Reference | undefined): pulumi.Input<string> | undefined {
	if (reference === undefined) return undefined;
	// A bare resource is awaited by its id alone; `output()` would wait for all of its properties.
	return isIdentified(reference) ? reference.id : (reference as pulumi.Input<string>);
}

function isIdentified(reference: Reference): reference is { readonly id: pulumi.Input<string> } {
	return typeof reference === "object" && reference !== null && !isLater(reference) && "id" in reference;
}

/** Whether a reference is a resource of `@pulumi/libvirt`, or an output of one. */
export function isOfPulumiLibvirt(reference: Reference | undefined): boolean {
	// Neither is in the SDK's public types.
	type Known = { resources(): Iterable<unknown> };
	const named = pulumi.Output.isInstance(reference) ? [...(reference as unknown as Known).resources()] : [reference];
	return named.some((resource) =>
		String((resource as { __pulumiType?: unknown } | undefined)?.__pulumiType).startsWith("libvirt:"),
	);
}

/** `organization/project/stack/logical name`: what the objects on the host are labelled with. */
export function ownerIdOf(name: string): string {
	return [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack(), name].join("/");
}

/** The URI that applies where none is given. */
export function defaultUri(): string {
	return new pulumi.Config("pulumi-libvirt-clones").get("uri") || process.env.LIBVIRT_DEFAULT_URI || "qemu:///system";
}

/** Set by components for their children. */
interface LaneArgs {
	lane?: { name: string; width: number } | undefined;
}

/** A resource whose life is that of the provider's handler called `kind`. */
export abstract class DynamicResource extends pulumi.CustomResource {
	/**
	 * @param kind name of the handler that `provider/index.ts` exports, and last part of the type
	 * @param facts names of the outputs that are not inputs
	 * @param given arguments as the program gave them, where `args` are made of them: they tell best what is secret
	 */
	protected constructor(
		kind: string,
		name: string,
		args: LaneArgs & Record<string, unknown>,
		facts: ReadonlyArray<string>,
		opts: pulumi.CustomResourceOptions = {},
		given: object = args,
	) {
		const type = `pulumi-nodejs:dynamic/clones:${kind}`;
		refuseSecond(kind, name, opts.parent);
		// Each property costs the SDK some twenty promises: what is not given is none.
		const present = Object.entries(args).filter(([, value]) => value !== undefined);
		const props: Record<string, unknown> = {
			...Object.fromEntries(facts.map((fact) => [fact, undefined])),
			...Object.fromEntries(present),
			ownerId: ownerIdOf(name),
			...(opts.retainOnDelete && { retain: true }),
			about: about(urnAlone(name, type, opts.parent), secretPaths(given), lacksInput(args)),
			// The SDK evaluates this text in the provider process. It never changes, so that the state stays small and new
			// code takes effect at once; nothing of the program is captured in it.
			__provider: `exports.handler=()=>require("pulumi-libvirt-clones/provider").${kind};`,
		};
		plainStacksOfSdk();
		const restore = shortStacks();
		try {
			// Without it a tainted resource's create would take over the old object, and the delete that follows remove it.
			super(type, name, props, { deleteBeforeReplace: true, ...opts });
		} finally {
			restore();
		}
	}
}

/** What is on a host, under the eyes of the stack's guard there. */
export abstract class LibvirtResource extends DynamicResource {
	protected constructor(
		kind: string,
		name: string,
		args: Pick<HostArgs, "uri"> & LaneArgs & Record<string, unknown>,
		facts: ReadonlyArray<string>,
		opts: pulumi.CustomResourceOptions = {},
		given: object = args,
	) {
		const uri = args.uri ?? defaultUri();
		if (kind === "Volume" && opts.retainOnDelete) currentRun().retained.add(name);
		const guard = kind === "Guard" ? [] : guardOf(uri);
		const dependsOn = opts.dependsOn
			? pulumi.output(opts.dependsOn).apply((resources) => [...[resources].flat(), ...guard] as pulumi.Resource[])
			: guard;
		super(kind, name, { ...args, uri }, facts, { ...opts, dependsOn }, given);
	}
}

/** What the provider has to know beside the arguments: one promise, because the SDK takes a stack trace for each. */
async function about(
	resourceUrn: Promise<string>,
	secretInputs: Promise<Path[] | undefined>,
	lacksInput: Promise<true | undefined>,
): Promise<About> {
	return { resourceUrn: await resourceUrn, secretInputs: await secretInputs, lacksInput: await lacksInput };
}

/** The part before the name of the URNs of a type, by parent. */
const urnPrefixes = new WeakMap<pulumi.Resource, Map<string, Promise<string>>>();

/**
 * The URN as a value without dependencies: as an output it would make a child depend on its parent component, which
 * waits for all of its children.
 */
async function urnAlone(name: string, type: string, parent: pulumi.Resource | undefined): Promise<string> {
	const prefixed = () =>
		new Promise<string>((resolve) => {
			pulumi.createUrn("", type, parent).apply(resolve);
		});
	if (!parent) return (await prefixed()) + name;
	const prefixes = urnPrefixes.get(parent) ?? new Map<string, Promise<string>>();
	urnPrefixes.set(parent, prefixes);
	const prefix = prefixes.get(type) ?? prefixed();
	prefixes.set(type, prefix);
	return (await prefix) + name;
}

/**
 * Watches over one host on behalf of a stack: made before anything else there and deleted last, when it removes what an
 * interrupted run made but could not record. Made by the other resources; not for use in programs.
 * @internal
 */
class Guard extends LibvirtResource {
	constructor(uri: string) {
		super("Guard", `libvirt-clones-guard-${guardTag(uri)}`, { uri, retained: retainedInRun() }, []);
	}
}

/**
 * The volumes of this run that have `retainOnDelete`. Everything else waits for the guard, so it can wait no longer than
 * for the program to have been read once: what a program declares after it has waited for something is not seen.
 */
function retainedInRun(): Promise<string[] | undefined> {
	const { retained } = currentRun();
	return Promise.resolve().then(() => (retained.size === 0 ? undefined : [...retained].sort()));
}

/** What a run has made so far. Inline programs of the Automation API share a process, so this belongs to a stack. */
interface Run {
	/** Guards by URI. */
	guards: Map<string, Guard>;
	/** `kind name` of every resource. */
	names: Set<string>;
	/** Names of the volumes that are to be retained. */
	retained: Set<string>;
}

const runs = new WeakMap<object, Run>();

function currentRun(): Run {
	const stack = pulumi.runtime.getStackResource() ?? runs;
	const run = runs.get(stack) ?? { guards: new Map(), names: new Set(), retained: new Set<string>() };
	runs.set(stack, run);
	return run;
}

/**
 * The engine tells resources of one name apart by their parents; on the host they would be one owner, and the second
 * would take over what the first has made.
 */
function refuseSecond(kind: string, name: string, parent: pulumi.Resource | undefined): void {
	const { names } = currentRun();
	if (names.has(`${kind} ${name}`)) {
		throw new pulumi.RunError(
			`${labelOf(parent)}there are two resources ${kind} named "${name}" in this stack, under different parents. Objects on the host ` +
				"belong to a name: give one of them another (for the machines of a ThinClonePool, by its namePrefix).",
		);
	}
	names.add(`${kind} ${name}`);
}

/** `ThinClonePool web: ` of what is inside one. */
function labelOf(parent: pulumi.Resource | undefined): string {
	const { __pulumiType: type, __name: name } = (parent ?? {}) as { __pulumiType?: string; __name?: string };
	return type?.startsWith("pulumi-libvirt-clones:") && name ? `${type.split(":").at(-1)} ${name}: ` : "";
}

/** One guard a stack and URI. A URI that is only known later gets none: `sweep` on the command line serves there. */
function guardOf(uri: pulumi.Input<string>): Guard[] {
	if (typeof uri !== "string") return [];
	const { guards } = currentRun();
	const guard = guards.get(uri) ?? new Guard(uri);
	guards.set(uri, guard);
	return [guard];
}
