/** A file that is written into a guest. */
import { z } from "zod";
import { absolutePath, fileEncoding, wholeText } from "../schema";

export const guestFileSchema = z.strictObject({
	path: absolutePath,
	content: wholeText,
	mode: z
		.string()
		.regex(/^0?[0-7]{3,4}$/, "allowed is an octal mode such as 0644")
		.default("0644"),
	encoding: fileEncoding,
});
