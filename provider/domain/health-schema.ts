/** What a machine has to show, and in which time. */
import { z } from "zod";
import { wholeText } from "../schema";

/** A command that is run again and again until it succeeds. */
export const healthCheckShape = {
	exec: z
		.array(wholeText.max(65_536, "allowed are at most 65536 characters"))
		.min(1)
		.max(256)
		.refine(([program]) => program !== "", "allowed is a program and its arguments; the program is empty"),
	timeoutSeconds: z.number().min(1).max(86_400).default(120),
	intervalSeconds: z.number().min(1).max(3600).default(5),
};

const { exec, ...times } = healthCheckShape;

/** Exactly one of `exec`, `hostExec` and `connect`. */
export const memberCheckSchema = z.strictObject({
	exec: exec.optional(),
	hostExec: exec.optional(),
	connect: z
		.strictObject({
			port: z.int().min(1).max(65_535),
			address: z
				.string()
				.regex(/^[A-Za-z0-9.:-]{1,253}$/, "allowed is a host name or an address, without a port")
				.optional(),
		})
		.optional(),
	...times,
});

export type MemberCheck = z.output<typeof memberCheckSchema>;

/** The ways, of which a check is one. */
export const MEMBER_CHECKS = ["exec", "hostExec", "connect"] as const;
