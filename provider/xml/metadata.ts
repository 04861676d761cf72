/**
 * What we record in an object's `<metadata>`: whose it is and what it was made from. One element, because libvirt finds
 * metadata by namespace and takes one top-level element of each.
 */
import { METADATA_NAMESPACE, METADATA_PREFIX } from "../owner";
import { attribute, child, childInNamespace, children, type Element, element, remove, text } from "./element";

export interface Recorded {
	/** The owner id: `organization/project/stack/logical name`. */
	owner: string;
	/** What the object was made from. */
	lineage?: { base: string; baseContentId: string } | undefined;
}

/** `<clones:object xmlns:clones="..."><clones:owner>...</clones:owner><clones:base contentId="...">...</clones:base></clones:object>` */
export function recordElement(recorded: Recorded): Element {
	return element(
		`${METADATA_PREFIX}:object`,
		{ [`xmlns:${METADATA_PREFIX}`]: METADATA_NAMESPACE },
		element(`${METADATA_PREFIX}:owner`, {}, recorded.owner),
		recorded.lineage &&
			element(`${METADATA_PREFIX}:base`, { contentId: recorded.lineage.baseContentId }, recorded.lineage.base),
	);
}

/** What is recorded in the XML of a domain or network; undefined when it is not ours. */
export function recordedIn(root: Element): Recorded | undefined {
	const ours = childInNamespace(child(root, "metadata"), METADATA_NAMESPACE);
	// Inside our element nobody else's prefix is expected: the local part of the name is enough.
	const part = (name: string) => children(ours).find((item) => item.tagName.split(":").pop() === name);
	const owner = part("owner")?.textContent;
	if (!owner) return undefined;
	const base = part("base");
	const contentId = attribute(base, "", "contentId");
	return { owner, ...(base && contentId ? { lineage: { base: text(base) ?? "", baseContentId: contentId } } : {}) };
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
