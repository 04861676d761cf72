/** Disks that are empty at first, as components make them for their machines. */
import { z } from "zod";

export const gibibytes = z.number().positive("allowed is a number of GiB above 0").max(65_536);

export const dataDisksSchema = z
	.array(
		z.strictObject({
			sizeGiB: gibibytes,
			format: z.enum(["qcow2", "raw"]).optional(),
			serial: z
				.string()
				.regex(/^[A-Za-z0-9_.-]{1,20}$/, "allowed are 1 to 20 letters, digits, dots, underscores and hyphens")
				.optional(),
		}),
	)
	.max(24);
