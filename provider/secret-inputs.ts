/**
 * Which arguments hold secrets. The engine gives a dynamic provider plain values; so the resource's class, which still
 * can tell, sends along where they are.
 */
import * as pulumi from "@pulumi/pulumi";
import { latersIn } from "./later";
import type { Path } from "./problems";

/** Where in the arguments secrets are; undefined when there are none, so that nothing is sent. */
export async function secretPaths(args: object): Promise<Path[] | undefined> {
	const found: Path[] = [];
	await collect(args, [], found);
	return found.length > 0 ? found : undefined;
}

async function collect(value: unknown, path: Path, found: Path[]): Promise<void> {
	for (const { path: inner, later } of latersIn(value, path)) {
		if (later instanceof Promise) await collect(await later, inner, found);
		else if (await pulumi.isSecret(later)) found.push(inner);
		// What `apply` returned may have outputs inside. (`promise` is not in the public type.)
		else await collect(await (later as unknown as { promise(): Promise<unknown> }).promise(), inner, found);
	}
}
