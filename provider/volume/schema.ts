import { z } from "zod";
import { computed } from "../allowed";
import { batchSchema } from "../batch";
import { guestFileSchema } from "../domain/guest-file";
import { HOST_KEY_TYPES } from "../identity/host-keys";
import { injectedSchema } from "../init/injected";
import { movesSchema } from "../move/moves";
import { absolutePath, commonShape, hostName, mebibytes, objectName, reference, sha256, wholeText } from "../schema";
import { fitsIntoTar } from "./tar";

/** Data for cloud-init's NoCloud source. */
export const cloudInitSchema = z.strictObject({
	hostname: hostName.optional(),
	instanceId: objectName.optional(),
	userData: wholeText.optional(),
	networkConfig: wholeText.optional(),
	files: z.array(guestFileSchema.extend({ owner: wholeText.optional() })).optional(),
	hostKeys: z
		.array(
			z.strictObject({
				type: z.enum(HOST_KEY_TYPES),
				privateKey: wholeText,
				publicKey: wholeText,
			}),
		)
		.optional(),
});

const archivedFile = cloudInitSchema.shape.files.unwrap().element.omit({ owner: true });

export const archiveSchema = z.strictObject({
	files: z.array(
		archivedFile.extend({
			path: absolutePath.refine(fitsIntoTar, "allowed are paths of at most 255 bytes, the name at most 100 of them"),
		}),
	),
});

export const sourceSchema = z.strictObject({
	file: z.string().min(1).optional(),
	url: z
		.string()
		.regex(/^https:\/\//, "allowed is an https URL")
		.optional(),
	sha256: sha256.optional(),
	cloudInit: cloudInitSchema.optional(),
	archive: archiveSchema.optional(),
});

export const volumeSchema = z.strictObject({
	...commonShape,
	pool: reference,
	name: objectName,
	format: z.enum(["qcow2", "raw"]).default("qcow2"),
	sizeMiB: mebibytes.optional(),
	source: sourceSchema.optional(),
	base: reference.optional(),
	baseDomain: reference.optional(),
	baseContentId: z.string().optional(),
	/** The base is a resource of `@pulumi/libvirt`. Computed by the class. */
	foreignBase: computed(z.boolean().optional()),
	cloning: z.enum(["auto", "overlay", "reflink", "copy"]).default("auto"),
	onBaseChange: z.enum(["keep", "replace", "rebase"]).default("replace"),
	independent: z.boolean().optional(),
	movable: z.boolean().optional(),
	batch: computed(batchSchema.optional()),
	/** Scripts that are put into an overlay on the base. Given by a component. */
	injected: computed(injectedSchema.optional()),
	/** A reflink or copy is made of the disk of a machine that may run. Given by a component. */
	whileRunning: computed(z.boolean().optional()),
	/** An empty one of the size of a volume on another host. Given by a component. */
	sizeOf: computed(z.strictObject({ uri: commonShape.uri, volume: reference }).optional()),
	/** By a look at the hosts: it is on another one than `uri`, and what it holds comes by itself. */
	moves: computed(movesSchema.pick({ from: true }).optional()),
	/** It is to hold what a volume on another host holds. Given by a component. */
	replicaOf: computed(
		z.strictObject({ uri: commonShape.uri, volume: reference, contentId: z.string().optional() }).optional(),
	),
});

export type VolumeInputs = z.output<typeof volumeSchema>;
export type CloudInit = z.output<typeof cloudInitSchema>;

/** Where a volume's content came from. */
export interface Lineage {
	/** Path of the volume this one was made from. */
	base: string;
	/** `sha256:...` of the base's content where known, else `stat:...`: its size and time of change. */
	baseContentId: string;
	/** Paths of the whole backing chain, nearest first; empty for a copy or reflink. */
	chain: string[];
}

export interface VolumeFacts {
	/** libvirt's key; the path for file-based pools. Also the resource's id. */
	key: string;
	path: string;
	/** The pool, whatever it is called. */
	poolUuid?: string | undefined;
	capacityBytes: number;
	/** How the content came to be. */
	made: "empty" | "upload" | "overlay" | "reflink" | "copy" | "replica" | "shared" | "adopted";
	/** `sha256:...`: of an uploaded volume's content, or of what an image with scripts is made of. */
	contentId?: string | undefined;
	lineage?: Lineage | undefined;
	/** Milliseconds that the create took. */
	timings: { createMs: number };
}
