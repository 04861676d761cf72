import { z } from "zod";
import { computed } from "../allowed";
import { morphSchema } from "../morph/template";
import { objectName, recordedShape } from "../schema";

/** On no host: its machines' own definitions have the steps that are under way. */
export const morphTemplateSchema = z
	.strictObject({
		...recordedShape,
		name: objectName,
		/** From a file: read by the class. */
		steps: morphSchema.extend({ file: z.string().min(1).optional() }),
		/** Logical names of the machines of this run that refer to it. */
		machines: computed(z.array(z.string()).optional()),
	})
	.omit({ adopt: true, previousOwnerIds: true });

export type MorphTemplateInputs = z.output<typeof morphTemplateSchema>;
