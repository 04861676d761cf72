import { z } from "zod";
import { commonShape } from "../schema";

export const guardSchema = z.strictObject({ ...commonShape });

export type GuardInputs = z.output<typeof guardSchema>;
