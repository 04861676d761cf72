/** Arguments that are known later: outputs and promises. */
import * as pulumi from "@pulumi/pulumi";
import type { Path } from "./problems";

export type Later = pulumi.Output<unknown> | Promise<unknown>;

/** Whether a value has to be waited for. */
export function isLater(value: unknown): value is Later {
	return pulumi.Output.isInstance(value) || value instanceof Promise;
}

/** All in a value that has to be waited for, with the ways to it. Resources are left alone. */
export function latersIn(value: unknown, path: Path = []): Array<{ path: Path; later: Later }> {
	if (isLater(value)) return [{ path, later: value }];
	if (value === null || typeof value !== "object" || pulumi.Resource.isInstance(value)) return [];
	const entries: Array<[string | number, unknown]> = Array.isArray(value)
		? [...value.entries()]
		: Object.entries(value);
	return entries.flatMap(([key, inner]) => latersIn(inner, [...path, key]));
}
