/** What is said of one script: the part of a schema that programs and payloads share. */
import { z } from "zod";
import { wholeText } from "../schema";

export const LARGEST_SCRIPT_BYTES = 256 * 1024;
export const DEFAULT_TIMEOUT_SECONDS = 300;

const YEAR_SECONDS = 31_536_000;

/** Names are part of paths and of units' names in the guest. */
export const scriptName = z
	.string()
	.regex(
		/^[a-z0-9][a-z0-9-]{0,39}$/,
		"allowed are 1 to 40 lower-case letters, digits and hyphens, starting with a letter or digit",
	);

const SCHEDULES = ["everyBoot", "afterSeconds", "dailyAt", "firstLogin", "program", "datagram"] as const;

/** When a script runs: one of these, or none for the first boot. */
export const scheduleSchema = z
	.strictObject({
		everyBoot: z.boolean().optional(),
		afterSeconds: z.int("allowed is a whole number of seconds").min(1).max(YEAR_SECONDS).optional(),
		dailyAt: z
			.string()
			.regex(/^([01]\d|2[0-3]):[0-5]\d$/, "allowed is a time from 00:00 to 23:59")
			.optional(),
		firstLogin: z.boolean().optional(),
		program: z
			.string()
			.regex(
				/^((\/[\w@.+-]+)+|[\w@.-]+)$/,
				"allowed is the absolute path of a program or the name of a service, of letters, digits and @ . _ + -",
			)
			.max(200, "allowed are at most 200 characters")
			.optional(),
		datagram: z
			.strictObject({
				port: z.int("allowed is a whole number").min(1).max(65_535),
				text: z
					.string()
					.regex(
						/^[!-~]([ -~]{0,198}[!-~])?$/,
						"allowed are 1 to 200 printable ASCII characters without spaces at the ends",
					)
					.optional(),
			})
			.optional(),
	})
	.refine(
		(when) => SCHEDULES.filter((name) => when[name] !== undefined && when[name] !== false).length <= 1,
		`allowed is one of ${SCHEDULES.join(", ")}, or none for the first boot`,
	);

export type Schedule = z.output<typeof scheduleSchema>;

const word = z
	.string()
	.regex(
		/^[a-z0-9][a-z0-9._-]{0,63}$/,
		"allowed is a word of lower-case letters, digits, dots, underscores and hyphens",
	);

const instanceId = z.int("allowed is a whole number").min(0).max(65_535);

export const onlyOnSchema = z.strictObject({
	instanceIds: z
		.strictObject({ from: instanceId, to: instanceId.optional() })
		.refine(({ from, to = from }) => from <= to, "allowed are a first and a last number that is not below it")
		.optional(),
	os: word.optional(),
	arch: word.optional(),
	hypervisor: word.optional(),
	firmware: z.enum(["bios", "uefi"]).optional(),
});

export const scriptShape = {
	name: scriptName,
	content: wholeText
		.regex(
			/^(#! ?\/\S|#ps1\s|rem cmd\s)/i,
			"allowed is a script whose first line names its interpreter, such as #!/bin/sh, or for Windows #ps1 or rem cmd",
		)
		.refine((text) => !text.includes("\0"), "allowed is a script without zero bytes")
		.refine(
			(text) => Buffer.byteLength(text) <= LARGEST_SCRIPT_BYTES,
			`allowed are at most ${LARGEST_SCRIPT_BYTES / 1024} KiB: put what is longer into the image, or have the script fetch it`,
		),
	/** Names of parameters. */
	arguments: z.array(z.string()).max(32).optional(),
	stage: z.enum(["early", "network", "late"]).optional(),
	when: scheduleSchema.optional(),
	onlyOn: onlyOnSchema.optional(),
	timeoutSeconds: z.int("allowed is a whole number of seconds").min(1).max(86_400).optional(),
	/** Name of the script that it runs straight after. */
	after: z.string().optional(),
};

/** Whether it runs at the boot, in a stage, and not at a time of its own. */
export function isOfBoot(when: Schedule | undefined): boolean {
	return ["first-boot", "every-boot"].includes(scheduleText(when));
}

/** As the plan in the guest has it. */
export function scheduleText(when: Schedule = {}): string {
	if (when.everyBoot) return "every-boot";
	if (when.afterSeconds !== undefined) return `after ${when.afterSeconds}`;
	if (when.dailyAt !== undefined) return `daily ${when.dailyAt}`;
	if (when.firstLogin) return "first-login";
	if (when.program !== undefined) return `program ${when.program.replace(/\.service$/, "")}`;
	if (when.datagram)
		return `datagram ${[when.datagram.port, when.datagram.text].filter((part) => part !== undefined).join(" ")}`;
	return "first-boot";
}
