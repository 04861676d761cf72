import { z } from "zod";
import { domainSchema, waitForSchema } from "../../provider/domain/schema";
import { accessSchema } from "../../provider/init/access";
import { identifierComplaint } from "../../provider/init/identifiers";
import { mappingSchema, parametersShape } from "../../provider/init/parameters-schema";
import { scheduleSchema, scriptShape } from "../../provider/init/script";
import { cloneSourceSchema } from "../../provider/init/source/schema";
import { mebibytes, objectName, reference } from "../../provider/schema";
import { domainOverridesSchema, thinClonePoolSchema } from "../thin-clone-pool/schema";

const instanceId = z.int("allowed is a whole number").min(0).max(65_535);

const identifierSchema = z.string().superRefine((text, { addIssue }) => {
	const complaint = identifierComplaint(text);
	if (complaint !== undefined) addIssue({ code: "custom", message: complaint });
});
const identifiersSchema = z.union([identifierSchema, z.array(identifierSchema).min(1).max(6)]);

const settingSchema = z.union([
	z.string(),
	z.number(),
	z.boolean(),
	z.array(z.string()),
	mappingSchema.extend({ parameter: z.string().optional() }),
]);

export const initScriptSchema = z.strictObject({
	...scriptShape,
	name: scriptShape.name.optional(),
	library: z.string().optional(),
	with: z.record(z.string(), settingSchema).optional(),
	content: scriptShape.content.optional(),
	file: z.string().min(1).optional(),
	when: scheduleSchema.optional(),
	identifier: identifiersSchema.optional(),
});

export const initInstanceSchema = z.strictObject({
	instanceId: instanceId.optional(),
	memoryMiB: mebibytes.optional(),
	vcpus: domainSchema.shape.vcpus,
	running: z.boolean().optional(),
});

const cloneHostSchema = z.strictObject({
	uri: domainSchema.shape.uri,
	pool: reference.optional(),
	network: reference.optional(),
	source: reference.optional(),
});

const again = z.enum(["keep", "rerun", "parametersOnly"]);

export const clonedInstanceWithInitSchema = z.strictObject({
	uri: domainSchema.shape.uri.optional(),
	source: z.union([...thinClonePoolSchema.shape.base.options, z.strictObject({ forkPoint: reference })], {
		error:
			"allowed is a volume (its key or path), { domain: a domain's UUID or name } or { forkPoint: a ForkPoint's id }",
	}),
	withState: z.boolean().optional(),
	pool: reference.optional(),
	hosts: z.array(cloneHostSchema).min(1).max(64).optional(),
	placement: z.record(objectName, domainSchema.shape.uri).optional(),
	count: thinClonePoolSchema.shape.count,
	instances: z.union([z.array(objectName), z.record(objectName, initInstanceSchema)]).optional(),
	namePrefix: objectName.optional(),
	instanceIds: z.strictObject({ from: instanceId, to: instanceId.optional() }).optional(),
	identifier: identifiersSchema.optional(),
	parameters: parametersShape.optional(),
	init: z.array(initScriptSchema).max(99).optional(),
	customize: z.array(initScriptSchema).max(99).optional(),
	cleanup: z.array(initScriptSchema).max(99).optional(),
	afterwards: z.enum(["keep", "disable", "remove"]).optional(),
	onReboot: again.optional(),
	onReclone: again.optional(),
	onScriptChange: z.enum(["keep", "rerun", "parametersOnly", "replace"]).optional(),
	injectInto: z.enum(["image", "source", "seed"]).optional(),
	timeoutSeconds: z.number().min(0).max(86_400).optional(),
	domain: domainOverridesSchema
		.extend({ smbios: domainSchema.shape.smbios, cloneableBy: domainSchema.shape.cloneableBy })
		.optional(),
	network: reference.optional(),
	running: z.boolean().optional(),
	waitFor: waitForSchema.optional(),
	relations: z.strictObject({ server: objectName.optional(), clientsWait: z.boolean().optional() }).optional(),
	whenSourceBusy: z
		.strictObject({
			action: cloneSourceSchema.shape.action.unwrap().optional(),
			timeoutSeconds: z.number().min(1).max(86_400).optional(),
		})
		.optional(),
	afterClone: z.enum(["keep", "stopSource"]).optional(),
	elevatedCredentials: accessSchema.optional(),
	maxParallel: thinClonePoolSchema.shape.maxParallel,
});

export type ClonedInstanceWithInitInputs = z.output<typeof clonedInstanceWithInitSchema>;
