/** Which stacks may use what belongs to another one, where its owner says so: patterns in the object's metadata. */
import { z } from "zod";
import type { CommonInputs } from "./lifecycle";
import { isOwnedBy, stackOf } from "./owner";

/** Stacks, as their resources' owner ids begin. */
const stackPattern = z
	.string()
	.regex(
		/^[A-Za-z0-9._*-]{1,100}(\/[A-Za-z0-9._*-]{1,100}){2}$/,
		"allowed are patterns such as acme/web/prod and acme/*/*: organization, project and stack, with * for any",
	);

export const stackPatterns = z.array(stackPattern).max(256);

/** @param patterns of stacks beside its own; undefined for whoever the host lets in */
export function isPermitted(
	inputs: Pick<CommonInputs, "ownerId" | "previousOwnerIds">,
	owner: string,
	patterns: ReadonlyArray<string> | undefined,
): boolean {
	const stack = stackOf(inputs.ownerId);
	if (!patterns || stackOf(owner) === stack || isOwnedBy(owner, inputs)) return true;
	return patterns.some((pattern) => fits(pattern, stack));
}

/** As a complaint names them. */
export function shownPatterns(patterns: ReadonlyArray<string> = []): string {
	return patterns.length === 0 ? "no other stacks" : patterns.join(", ");
}

function fits(pattern: string, stack: string): boolean {
	const parts = pattern.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
	return new RegExp(`^${parts.join("[^/]*")}$`).test(stack);
}
