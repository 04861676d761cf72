/**
 * Default names of volumes. A name is all that a volume can carry, so it says whose the volume is and, where its content
 * came from the program, which content:
 *
 * - `web-0-5c1f2a90.qcow2`: made by the resource `web-0` of the stack 5c1f2a90
 * - `gold-3cde9cbd-5c1f2a90.qcow2`: of content 3cde9cbd, so that the next generation can be there before this one goes
 * - `web-0-seed-0f3aa1c2-5c1f2a90.iso`: a cloud-init seed; with `.tar` an archive of files
 */
import { logicalNameOf, stackTag } from "../owner";

const MARKED = /^(.+?)(?:-([0-9a-f]{8}))?-([0-9a-f]{8})\.(qcow2|raw|img|iso|tar)$/;

/** @param content eight hex digits; absent for a volume whose content does not come from the program */
export function defaultName(name: string, ownerId: string, extension: string, content?: string): string {
	return [name, ...(content === undefined ? [] : [content]), stackTag(ownerId)].join("-") + `.${extension}`;
}

/** The tag of the stack at the end of a default name; undefined for any other name. */
export function tagIn(name: string): string | undefined {
	return MARKED.exec(name)?.[3];
}

/** Whether a name is a default one of the resource of this logical name. */
export function isOfResource(name: string, logicalName: string): boolean {
	const match = MARKED.exec(name);
	if (!match) return false;
	// A logical name may itself end with what looks like a content.
	return match[1] === logicalName || `${match[1]}-${match[2]}` === logicalName;
}

/** Whether a name is that of a seed: its content is the program's, and can be made again at any time. */
export function isSeedName(name: string): boolean {
	return ["iso", "tar"].includes(MARKED.exec(name)?.[4] ?? "");
}

/**
 * Whether a name is the owner's default one, and the other differs from it only by what a rename of the resource, the
 * project or the stack changes: a volume that exists keeps its name then.
 */
export function isSameContent(before: string, now: string, ownerId: string): boolean {
	const [old, next] = [MARKED.exec(before), MARKED.exec(now)];
	if (!old || !next || next[1] !== logicalNameOf(ownerId) || next[3] !== stackTag(ownerId)) return false;
	return old[2] === next[2] && old[4] === next[4];
}

/** The eight digits of the content in the default name of an uploaded image; undefined for seeds and any other name. */
export function contentIn(name: string): string | undefined {
	return isSeedName(name) ? undefined : MARKED.exec(name)?.[2];
}
