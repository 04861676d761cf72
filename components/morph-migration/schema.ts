import { z } from "zod";
import { memberCheckSchema } from "../../provider/domain/health-schema";
import { domainSchema } from "../../provider/domain/schema";
import { instanceTypeSchema } from "../../provider/morph/instance-types";
import { macAddress, objectName, reference } from "../../provider/schema";
import { domainOverridesSchema, thinClonePoolSchema } from "../thin-clone-pool/schema";

const { uri, headroom, morph, migration, onRestartRequired } = domainSchema.shape;

const hostSchema = z.strictObject({
	uri: uri.optional(),
	base: reference,
	pool: reference.optional(),
	network: reference.optional(),
	migration,
});

const memberSchema = z.strictObject({
	instanceType: instanceTypeSchema.optional(),
	host: objectName.optional(),
	morph,
	mac: macAddress.optional(),
	running: z.boolean().optional(),
});

export const morphMigrationSchema = z.strictObject({
	hosts: z.record(objectName, hostSchema).refine((hosts) => Object.keys(hosts).length > 0, "allowed is at least one"),
	host: objectName.optional(),
	count: thinClonePoolSchema.shape.count,
	members: z.union([z.array(objectName), z.record(objectName, memberSchema)]).optional(),
	namePrefix: objectName.optional(),
	instanceType: instanceTypeSchema.optional(),
	headroom,
	morph,
	maxParallel: thinClonePoolSchema.shape.maxParallel,
	healthCheck: memberCheckSchema.optional(),
	onRestartRequired: onRestartRequired.unwrap().optional(),
	domain: domainOverridesSchema
		.omit({
			instanceType: true,
			headroom: true,
			morph: true,
			vcpus: true,
			maxVcpus: true,
			memoryMiB: true,
			maxMemoryMiB: true,
			onRestartRequired: true,
		})
		.optional(),
	diskSizeGiB: thinClonePoolSchema.shape.diskSizeGiB,
	dataDisks: thinClonePoolSchema.shape.dataDisks,
	running: z.boolean().optional(),
	waitFor: thinClonePoolSchema.shape.waitFor,
});

export type MorphMigrationInputs = z.output<typeof morphMigrationSchema>;
