/** Which machines a pool has, what they are called, and how each of them is customised. */
import { checkArgs } from "../args";
import { checkName, instancesOf } from "../instances";
import type { CustomizeArgs, InstanceArgs, ThinClonePoolArgs } from "./args";
import { customizeRules } from "./rules";
import { customizeSchema } from "./schema";

/** An instance as it is going to be made: the pool's arguments with its own over them. */
export interface Planned {
	index: number;
	name: string;
	own: InstanceArgs;
	customize: CustomizeArgs | undefined;
}

/** @throws InputError naming the pool, for a name that is none and a customisation that is wrong */
export function planInstances(pool: string, args: ThinClonePoolArgs): Planned[] {
	const prefix = args.namePrefix ?? pool;
	return instancesOf<InstanceArgs>(prefix, args.count, args.instances).map(({ index, name, own }) => {
		const customize = customizationOf(pool, args, own, { index, name });
		checkName(`ThinClonePool ${pool}`, prefix, name, longestSuffix(args, customize));
		return { index, name, own, customize };
	});
}

function customizationOf(
	pool: string,
	args: ThinClonePoolArgs,
	own: InstanceArgs,
	instance: { index: number; name: string },
): CustomizeArgs | undefined {
	const what = `ThinClonePool ${pool}: customize of ${instance.name}`;
	const general = typeof args.customize === "function" ? called(what, args.customize, instance) : args.customize;
	if (!general && !own.customize) return undefined;
	if (general) checkArgs(what, customizeSchema, general);
	const merged = { ...general, ...own.customize };
	checkArgs(what, customizeSchema, merged, customizeRules);
	return merged;
}

function called<T>(what: string, customize: (instance: T) => CustomizeArgs | undefined, instance: T) {
	try {
		return customize(instance);
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		throw new Error(`${what}: the function failed: ${message}. Mend it; it is called once for each clone`, {
			cause: error,
		});
	}
}

/** What the names of a clone's volumes have after the clone's own. */
function longestSuffix(
	{ dataDisks = [], identityPool }: ThinClonePoolArgs,
	customize: CustomizeArgs | undefined,
): string {
	if ((customize || identityPool) && customize?.channel !== "guest-agent") return "-seed-01234567-01234567.iso";
	return dataDisks.length > 0 ? "-data-00-01234567.qcow2" : "-01234567.qcow2";
}
