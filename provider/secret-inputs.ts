/**
 * Which arguments hold secrets. The engine gives a dynamic provider plain values; so the resource's class, which still
 * can tell, sends along where they are.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Path } from "./problems";

/** Where in the arguments secrets are; undefined when there are none, so that nothing is sent. */
export async function secretPaths(args: object): Promise<Path[] | undefined> {
	const found: Path[] = [];
	await collect(args, [], found);
	return found.length > 0 ? found : undefined;
}

async function collect(value: unknown, path: Path, found: Path[]): Promise<void> {
	if (value === null || typeof value !== "object" || pulumi.Resource.isInstance(value)) return;
	if (value instanceof Promise) return collect(await value, path, found);
	if (pulumi.Output.isInstance(value)) {
		if (await pulumi.isSecret(value)) found.push(path);
		// What `apply` returned may have outputs inside. (`promise` is not in the public type.)
		else await collect(await (value as unknown as { promise(): Promise<unknown> }).promise(), path, found);
		return;
	}
	const entries: Array<[string | number, unknown]> = Array.isArray(value)
		? [...value.entries()]
		: Object.entries(value);
	for (const [key, inner] of entries) await collect(inner, [...path, key], found);
}
