import { InputError } from "../../provider/lifecycle";

/**
 * In the file of an environment a name stands for a resource; a program has the resource itself.
 * @throws InputError
 */
export function refuseName(what: string, point: unknown, property = "parent"): void {
	if (typeof point !== "string") return;
	throw new InputError(
		property,
		`${what}: ${property}: got "${point}"; allowed is a ForkPoint, or { uuid, disk, pool } of one of another stack`,
	);
}
