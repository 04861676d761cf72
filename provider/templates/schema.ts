import { z } from "zod";
import { computed } from "../allowed";
import { objectName, recordedShape } from "../schema";
import { configurationSchema } from "./configuration";

const templateSchema = z.strictObject({
	name: z.string(),
	parent: z.string().optional(),
	configuration: configurationSchema,
});

/** What the program says, and what has been decided by it and by all before. */
export const templateRequestsSchema = z
	.strictObject({
		...recordedShape,
		name: objectName,
		templates: z.array(templateSchema),
		bootable: z.array(z.string()),
		requests: z.array(z.strictObject({ set: z.string(), configuration: configurationSchema })),
		keepAfter: z.int().min(1),
		maxLevels: z.int().min(1),
		forget: z.array(z.string()),
		// Among the inputs, so that a preview knows them.
		counts: computed(z.record(z.string(), z.int()).optional()),
		choices: computed(z.array(z.strictObject({ set: z.string(), key: z.string(), template: z.string() })).optional()),
		automatic: computed(z.array(templateSchema).optional()),
	})
	.omit({ adopt: true });

export type TemplateRequestsInputs = z.output<typeof templateRequestsSchema>;
