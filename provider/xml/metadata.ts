/**
 * What we record in an object's `<metadata>`: whose it is and what it was made from. One element, because libvirt finds
 * metadata by namespace and takes one top-level element of each.
 */
import type { CommonInputs } from "../lifecycle";
import { guardTag, METADATA_NAMESPACE, METADATA_PREFIX } from "../owner";
import {
	type Attributes,
	attribute,
	child,
	childInNamespace,
	children,
	type Element,
	element,
	remove,
	text,
} from "./element";

export interface Recorded {
	/** The owner id: `organization/project/stack/logical name`. */
	owner: string;
	/** What the object was made from. */
	lineage?: { base: string; baseContentId: string } | undefined;
	/**
	 * The definition as it was before `extraXml` was merged into it; kept where it cannot be built again, which is so
	 * for a machine that was made from a template.
	 */
	underlay?: string | undefined;
	/** What is to be done once in the guest has been done, or was never asked for. */
	setUp?: boolean | undefined;
	/** Changes that wait for the next start, and the number of the run that they wait for the end of. */
	pending?: { properties: string[]; liveId: string } | undefined;
	/** Tag of the guard that watches over the object: `guardTag(uri)`. */
	guard?: string | undefined;
	/** Left on the host on purpose when its resource goes: never swept. */
	retain?: boolean | undefined;
	/** Of a child that runs and has not become somebody yet: hash of the definition that it was started with. */
	nobody?: string | undefined;
	/** Of a forked machine that gives way when the host runs short: seconds that its guest gets to shut down. */
	preemptible?: number | undefined;
	/** It has given way; whether it is off still, the machine itself tells. */
	preempted?: boolean | undefined;
	/** Of a forked machine: what it was by its own account when it became somebody, as JSON. */
	forked?: string | undefined;
	/** Whether its room for memory is one for modules, made by us. */
	moduleRoom?: boolean | undefined;
	/** Whether changes of it may not use its guest agent. */
	agentBarred?: boolean | undefined;
	/** Patterns of stacks that may clone it; absent for whoever the host lets in. */
	cloneableBy?: string[] | undefined;
	/** Patterns of stacks that may fork it; absent for whoever the host lets in. */
	forkableBy?: string[] | undefined;
	/** Of a fork point: the files beside its disk. */
	fork?: RecordedFork | undefined;
	/** How far a change of its shape has come that is not at its end: see `provider/morph/record.ts`. */
	morph?: string | undefined;
	/** That it is on its way to another host, as JSON: see `provider/move/move.ts`. */
	moving?: string | undefined;
}

/** The memory and the devices of a machine that was stopped for good, so that others go on from there. */
export interface RecordedFork {
	/** Hash of what it was made from. */
	spec: string;
	/** Path of the memory's file. */
	memory: string;
	/** Path of the devices' state. */
	state: string;
	/** Whether its machine has the port on which a guest asks to be forked. */
	port: boolean;
	/** Whether its scripts tell there when the guest has put its NIC to use. */
	linked: boolean;
	/** Whether both have been written, and the guest's last words. */
	complete: boolean;
}

/** What is to be recorded for a resource with these inputs. */
export function recordOf(inputs: CommonInputs, lineage?: Recorded["lineage"]): Recorded {
	return { owner: inputs.ownerId, guard: guardTag(inputs.uri), retain: inputs.retain, lineage };
}

/** `<clones:object xmlns:clones="..."><clones:owner guard="...">...</clones:owner><clones:base contentId="...">...</clones:base></clones:object>` */
export function recordElement(recorded: Recorded): Element {
	const namespace = { [`xmlns:${METADATA_PREFIX}`]: METADATA_NAMESPACE };
	return build(recorded, `${METADATA_PREFIX}:`, namespace);
}

/** The same as virDomainSetMetadata takes it: without the namespace, which libvirt puts on it. */
export function bareRecordElement(recorded: Recorded): Element {
	return build(recorded, "", {});
}

function build(recorded: Recorded, prefix: string, namespace: Attributes) {
	const { owner, guard, retain, lineage, underlay, setUp, pending, nobody, forked, cloneableBy, fork } = recorded;
	const { preemptible, preempted, moduleRoom, agentBarred, morph, moving, forkableBy } = recorded;
	const marks = {
		preempted: preempted || undefined,
		moduleRoom: moduleRoom || undefined,
		agentBarred: agentBarred || undefined,
	};
	return element(
		`${prefix}object`,
		{ ...namespace, setUp: setUp || undefined, nobody, preemptible, ...marks },
		element(`${prefix}owner`, { guard, retain: retain || undefined }, owner),
		lineage && element(`${prefix}base`, { contentId: lineage.baseContentId }, lineage.base),
		pending && element(`${prefix}pending`, { liveId: pending.liveId }, pending.properties.join(" ")),
		underlay === undefined ? undefined : element(`${prefix}underlay`, {}, underlay),
		forked === undefined ? undefined : element(`${prefix}forked`, {}, forked),
		cloneableBy && element(`${prefix}cloneableBy`, {}, cloneableBy.join(" ")),
		forkableBy && element(`${prefix}forkableBy`, {}, forkableBy.join(" ")),
		fork && forkElement(`${prefix}fork`, fork),
		morph === undefined ? undefined : element(`${prefix}morph`, {}, morph),
		moving === undefined ? undefined : element(`${prefix}moving`, {}, moving),
	);
}

function forkElement(name: string, { port, linked, complete, ...paths }: RecordedFork): Element {
	const marks = { port: port || undefined, linked: linked || undefined, complete: complete || undefined };
	return element(name, { ...paths, ...marks });
}

/** What is recorded in the XML of a domain or network; undefined when it is not ours. */
export function recordedIn(root: Element): Recorded | undefined {
	const ours = childInNamespace(child(root, "metadata"), METADATA_NAMESPACE);
	// Inside our element nobody else's prefix is expected: the local part of the name is enough.
	const part = (name: string) => children(ours).find((item) => item.tagName.split(":").pop() === name);
	const owner = part("owner");
	if (!owner?.textContent) return undefined;
	const base = part("base");
	const contentId = attribute(base, "", "contentId");
	const guard = attribute(owner, "", "guard");
	const pending = part("pending");
	const liveId = attribute(pending, "", "liveId");
	const underlay = text(part("underlay"));
	const nobody = attribute(ours, "", "nobody");
	const forked = text(part("forked"));
	const preemptible = attribute(ours, "", "preemptible");
	const patterns = (name: string) => {
		const list = part(name);
		return list && { [name]: (text(list) ?? "").split(" ").filter(Boolean) };
	};
	const morph = text(part("morph"));
	const moving = text(part("moving"));
	return {
		owner: owner.textContent,
		...(guard === undefined ? {} : { guard }),
		...(attribute(owner, "", "retain") === "yes" ? { retain: true } : {}),
		...(base && contentId !== undefined ? { lineage: { base: text(base) ?? "", baseContentId: contentId } } : {}),
		...(attribute(ours, "", "setUp") === "yes" ? { setUp: true } : {}),
		...(nobody === undefined ? {} : { nobody }),
		...(forked === undefined ? {} : { forked }),
		...(preemptible === undefined ? {} : { preemptible: Number(preemptible) }),
		...(attribute(ours, "", "preempted") === "yes" ? { preempted: true } : {}),
		...(attribute(ours, "", "moduleRoom") === "yes" ? { moduleRoom: true } : {}),
		...(attribute(ours, "", "agentBarred") === "yes" ? { agentBarred: true } : {}),
		...(liveId === undefined ? {} : { pending: { properties: text(pending)?.split(" ") ?? [], liveId } }),
		...(underlay === undefined ? {} : { underlay }),
		...patterns("cloneableBy"),
		...patterns("forkableBy"),
		...(part("fork") === undefined ? {} : { fork: forkIn(part("fork")!) }),
		...(morph === undefined ? {} : { morph }),
		...(moving === undefined ? {} : { moving }),
	};
}

function forkIn(fork: Element): RecordedFork {
	const value = (name: string) => attribute(fork, "", name) ?? "";
	return {
		spec: value("spec"),
		memory: value("memory"),
		state: value("state"),
		port: value("port") === "yes",
		linked: value("linked") === "yes",
		complete: value("complete") === "yes",
	};
}

/** Writes our record into the XML of a domain or network, and leaves other people's metadata as it is. */
export function setRecord(root: Element, recorded: Recorded): void {
	let metadata = child(root, "metadata");
	if (!metadata) {
		metadata = element("metadata");
		root.appendChild(metadata);
	}
	remove(childInNamespace(metadata, METADATA_NAMESPACE));
	metadata.appendChild(recordElement(recorded));
}
