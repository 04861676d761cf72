import { z } from "zod";
import { computed } from "../../allowed";
import { recordedShape } from "../../schema";
import { poolAccess } from "../lease/schema";

export const lesseesSchema = z
	.strictObject({
		...recordedShape,
		pool: poolAccess,
		lessees: z.array(z.string()).default([]),
		/** What a refresh saw of leases whose resources are gone; among the inputs, as it shows no difference in others. */
		orphans: computed(z.array(z.string()).optional()),
	})
	.omit({ adopt: true });

export type LesseesInputs = z.output<typeof lesseesSchema>;
