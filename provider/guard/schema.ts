import { z } from "zod";
import { commonShape } from "../schema";

export const guardSchema = z.strictObject({
	...commonShape,
	/** Logical names of the volumes that have `retainOnDelete`: a volume itself has no place to say so. */
	retained: z.array(z.string()).optional(),
});

export type GuardInputs = z.output<typeof guardSchema>;
