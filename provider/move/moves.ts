/** Whether another address of a machine's or volume's host is another host's, and what that means for it. */
import { z } from "zod";
import { connect } from "../libvirt";
import { InputError } from "../lifecycle";
import { commonShape } from "../schema";
import { MOVE_MODES } from "./mode";

export const movesSchema = z.strictObject({
	/** URI of the host where it is. */
	from: commonShape.uri,
	/** What is seen of it there. */
	how: z.enum(["running", "off", "arrived"]),
	/** Of one that runs. */
	mode: z.enum(MOVE_MODES).optional(),
	/** What keeps it from going on there as it is. */
	because: z.array(z.string()).optional(),
	/** What is done about devices that are not there. */
	adapting: z.array(z.string()).optional(),
});

export type Moves = z.output<typeof movesSchema>;

/** Undefined where one of them cannot be asked: what is not known to be elsewhere is not moved. */
export async function isAnotherHost(before: string, now: string): Promise<boolean | undefined> {
	try {
		const [one, other] = await Promise.all([connect(before).info(), connect(now).info()]);
		const both = one.driver.toUpperCase() === "QEMU" && other.driver.toUpperCase() === "QEMU";
		return both && one.hostUuid !== other.hostUuid;
	} catch {
		return undefined;
	}
}

/** For a `uri` that has changed where one of both hosts does not answer, and what is looked for is not on the new one. */
export function untold({ from, to }: { from: string; to: string }, what: string, why: string): InputError {
	return new InputError(
		"uri",
		`got ${to}; whether ${what} goes there from ${from} cannot be told: ${why}\n` +
			"Allowed is the former uri, or another one while both hosts answer",
	);
}
