/** Where a machine is in a change that goes from one batch of its component to the next; for the preview. */
import { z } from "zod";

export const batchSchema = z.strictObject({
	number: z.int().min(1),
	of: z.int().min(1),
	/** Such as "web-0 is healthy". */
	after: z.string().optional(),
});

export type Batch = z.output<typeof batchSchema>;

/** "batch 2 of 3, after web-0 is healthy" */
export function batchText({ number, of, after }: Batch): string {
	return `batch ${number} of ${of}${after === undefined ? "" : `, after ${after}`}`;
}
