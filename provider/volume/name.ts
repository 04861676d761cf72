/**
 * Default names of volumes. A name is all that a volume can carry, so it says whose the volume is and, where its content
 * came from the program, which content:
 *
 * - `web-0-5c1f2a90.qcow2`: made by the resource `web-0` of the stack 5c1f2a90
 * - `gold-3cde9cbd-5c1f2a90.qcow2`: of content 3cde9cbd, so that the next generation can be there before this one goes
 * - `web-0-seed-0f3aa1c2-5c1f2a90.iso`: a cloud-init seed
 */
import { stackTag } from "../owner";

const MARKED = /^(.+?)(?:-([0-9a-f]{8}))?-([0-9a-f]{8})\.(qcow2|raw|img|iso)$/;

/** @param content eight hex digits; absent for a volume whose content does not come from the program */
export function defaultName(name: string, ownerId: string, extension: string, content?: string): string {
	return [name, ...(content === undefined ? [] : [content]), stackTag(ownerId)].join("-") + `.${extension}`;
}

/** The tag of the stack at the end of a default name; undefined for any other name. */
export function tagIn(name: string): string | undefined {
	return MARKED.exec(name)?.[3];
}

/** Whether a name is that of a seed: its content is the program's, and can be made again at any time. */
export function isSeedName(name: string): boolean {
	return MARKED.exec(name)?.[4] === "iso";
}

/** Whether two names are of the same volume with different content. */
export function areGenerations(one: string, other: string): boolean {
	const [a, b] = [MARKED.exec(one), MARKED.exec(other)];
	if (!a?.[2] || !b?.[2]) return false;
	return a[1] === b[1] && a[3] === b[3] && a[2] !== b[2];
}
