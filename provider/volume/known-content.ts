/** What a program knows of a volume's content before it is made, and in the preview of an update, which knows no outputs. */
import * as pulumi from "@pulumi/pulumi";
import type { Volume } from "./resource";

type ContentId = pulumi.Output<string | undefined>;

const given = new WeakMap<Volume, ContentId>();

export function rememberContent(volume: Volume, contentId: ContentId | undefined): void {
	if (contentId) given.set(volume, contentId);
}

/** The volume's `contentId`, as early as it is known. */
export function contentIdOf(volume: Volume): ContentId {
	const known = given.get(volume);
	if (!known) return volume.contentId;
	return known.apply((contentId) => (contentId === undefined ? volume.contentId : pulumi.output(contentId)));
}
