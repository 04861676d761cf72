import { z } from "zod";
import { commonShape, reference } from "../../schema";
import { accessSchema } from "../access";

export const cloneSourceSchema = z.strictObject({
	...commonShape,
	/** The domain that is cloned. */
	domain: reference,
	/** What is done when it runs. */
	action: z.enum(["fail", "wait", "shutdown", "copy", "powerOn"]).default("fail"),
	timeoutSeconds: z.number().min(1).max(86_400).default(300),
	/** Used where one's own access is denied. */
	elevatedCredentials: accessSchema.optional(),
});

export type CloneSourceInputs = z.output<typeof cloneSourceSchema>;

export interface CloneSourceFacts {
	/** Of the domain; also the resource's id. */
	uuid: string;
	/** Ids of its hardware: a machine that has one of them is no clone. */
	ids: Array<{ identifier: string; value: string }>;
}
