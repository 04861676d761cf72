import { z } from "zod";
import { absolutePath, commonShape, objectName } from "../schema";

export const poolSchema = z.strictObject({
	...commonShape,
	name: objectName,
	path: absolutePath,
	autostart: z.boolean().default(true),
	deleteDirectory: z.boolean().default(false),
});

export type PoolInputs = z.output<typeof poolSchema>;

export interface PoolFacts {
	uuid: string;
}
