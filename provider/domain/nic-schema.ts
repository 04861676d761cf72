import { z } from "zod";
import { macAddress, reference } from "../schema";

export const nicSchema = z.strictObject({
	network: reference.optional(),
	bridge: z
		.string()
		.regex(/^[A-Za-z0-9._-]{1,15}$/, "allowed are 1 to 15 letters, digits, dots, underscores and hyphens")
		.optional(),
	user: z.boolean().optional(),
	mac: macAddress.optional(),
	model: z.enum(["virtio", "e1000", "e1000e", "rtl8139"]).default("virtio"),
});

export type NicInputs = z.output<typeof nicSchema>;
