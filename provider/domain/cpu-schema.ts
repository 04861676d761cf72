import { z } from "zod";

/** Which CPU a guest sees, whatever their number. */
export const cpuModelSchema = z.strictObject({
	mode: z.enum(["host-passthrough", "host-model", "maximum", "custom"]).optional(),
	model: z
		.string()
		.regex(/^[A-Za-z0-9._-]{1,63}$/, "allowed is a CPU model name such as qemu64 or Skylake-Server")
		.optional(),
	features: z
		.record(
			z.string().regex(/^[A-Za-z0-9._-]{1,63}$/, "allowed are names of CPU features such as avx2"),
			z.enum(["require", "disable"]),
		)
		.optional(),
	check: z.enum(["none", "partial", "full"]).optional(),
});

export const cpuSchema = cpuModelSchema.extend({
	sockets: z.int().min(1).max(1024).optional(),
	cores: z.int().min(1).max(1024).optional(),
	threads: z.int().min(1).max(16).optional(),
});

export type CpuInputs = z.output<typeof cpuSchema>;
