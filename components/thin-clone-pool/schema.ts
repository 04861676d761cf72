import { z } from "zod";
import { domainSchema, healthCheckSchema, waitForSchema } from "../../provider/domain/schema";
import { poolAccess } from "../../provider/identity/lease/schema";
import { macAddress, mebibytes, objectName, reference, wholeText } from "../../provider/schema";
import { dataDisksSchema, gibibytes } from "../../provider/volume/data-disk";
import { cloudInitSchema } from "../../provider/volume/schema";

const cloneFileSchema = cloudInitSchema.shape.files.unwrap().element.omit({ owner: true });

export const customizeSchema = z.strictObject({
	channel: z.enum(["cloud-init", "guest-agent", "fw-cfg"]).optional(),
	hostname: cloudInitSchema.shape.hostname,
	files: z.array(cloneFileSchema).optional(),
	userData: wholeText.optional(),
	networkConfig: wholeText.optional(),
	extraXml: z.string().optional(),
});

export const instanceSchema = z.strictObject({
	customize: customizeSchema.optional(),
	mac: macAddress.optional(),
	memoryMiB: mebibytes.optional(),
	vcpus: z.int().min(1).max(1024).optional(),
	diskSizeGiB: gibibytes.optional(),
	independent: z.boolean().optional(),
	running: z.boolean().optional(),
});

export const rollingSchema = z.strictObject({
	batchSize: z.int("allowed is a whole number of machines").min(1).max(100_000).optional(),
	healthCheck: healthCheckSchema.optional(),
	pauseSeconds: z.number().min(0).max(86_400).optional(),
});

export const domainOverridesSchema = domainSchema
	.omit({
		uri: true,
		ownerId: true,
		previousOwnerIds: true,
		adopt: true,
		retain: true,
		lane: true,
		plan: true,
		name: true,
		uuid: true,
		smbios: true,
		init: true,
		migration: true,
		moves: true,
		batch: true,
		memberCheck: true,
		among: true,
		templateFrom: true,
		cloneableBy: true,
		disks: true,
		template: true,
		running: true,
		waitFor: true,
		healthCheck: true,
		guestSetup: true,
		lineage: true,
		fork: true,
	})
	.partial();

export const thinClonePoolSchema = z.strictObject({
	uri: domainSchema.shape.uri.optional(),
	base: z.union([reference, z.strictObject({ domain: reference })], {
		error: "allowed is a volume (its key or path) or { domain: a domain's UUID or name }",
	}),
	pool: reference.optional(),
	count: z.int("allowed is a whole number").min(0).max(100_000).optional(),
	instances: z.union([z.array(objectName), z.record(objectName, instanceSchema)]).optional(),
	namePrefix: objectName.optional(),
	cloning: z.enum(["auto", "overlay", "reflink"]).optional(),
	domain: domainOverridesSchema.optional(),
	network: reference.optional(),
	customize: customizeSchema.optional(),
	identityPool: poolAccess.optional(),
	diskSizeGiB: gibibytes.optional(),
	dataDisks: dataDisksSchema.optional(),
	running: z.boolean().optional(),
	waitFor: waitForSchema.optional(),
	onBaseChange: z.enum(["keep", "replace", "rolling", "rebase"]).optional(),
	rolling: rollingSchema.optional(),
	independent: z.boolean().optional(),
	maxParallel: z.int().min(1).max(1000).optional(),
});

export type ThinClonePoolInputs = z.output<typeof thinClonePoolSchema>;
