import { z } from "zod";
import { commonShape, reference } from "../../schema";

const hostSchema = z.strictObject({
	uri: commonShape.uri,
	pool: reference,
	/** Of the first NIC. */
	network: reference.optional(),
	/** Volume there that is said to hold what the source holds, with what is known of either's content. */
	source: z
		.strictObject({
			volume: reference,
			contentId: z.string().optional(),
			wantedContentId: z.string().optional(),
		})
		.optional(),
	/** Names of the clones that are made there. */
	clones: z.array(z.string()),
});

export const cloneHostsSchema = z.strictObject({
	...commonShape,
	hosts: z.array(hostSchema),
});

export type CloneHost = z.output<typeof hostSchema>;
export type CloneHostsInputs = z.output<typeof cloneHostsSchema>;
