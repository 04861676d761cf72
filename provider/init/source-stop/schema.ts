import { z } from "zod";
import { commonShape, reference } from "../../schema";
import { accessSchema } from "../access";

export const sourceStopSchema = z.strictObject({
	...commonShape,
	/** The domain that was cloned. */
	domain: reference,
	/** Seconds that its guest has for shutting down. */
	timeoutSeconds: z.number().min(1).max(86_400).default(300),
	/** Used where one's own access is denied. */
	elevatedCredentials: accessSchema.optional(),
});

export type SourceStopInputs = z.output<typeof sourceStopSchema>;
