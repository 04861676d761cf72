/** Instance types: sizes of machines under one name. Built-in ones, and a user's own beside them. */
import { z } from "zod";
import { InputError } from "../lifecycle";
import { refuse, validate } from "../problems";
import { MEMORY_BLOCK_MIB } from "../xml/room";

/** How large a machine is. */
export interface InstanceType {
	/** Number of vCPUs, 1 to 1024. */
	vcpus: number;
	/** Memory in MiB, a multiple of 4: the unit in which a running guest takes and gives memory. */
	memoryMiB: number;
}

/** The built-in types. */
export const INSTANCE_TYPES = {
	nano: { vcpus: 1, memoryMiB: 512 },
	micro: { vcpus: 1, memoryMiB: 1024 },
	small: { vcpus: 1, memoryMiB: 2048 },
	medium: { vcpus: 2, memoryMiB: 4096 },
	large: { vcpus: 2, memoryMiB: 8192 },
	xlarge: { vcpus: 4, memoryMiB: 16_384 },
	"2xlarge": { vcpus: 8, memoryMiB: 32_768 },
} as const satisfies Record<string, InstanceType>;

/** Name of a built-in type. */
export type InstanceTypeName = keyof typeof INSTANCE_TYPES;

const NAMES = Object.keys(INSTANCE_TYPES) as InstanceTypeName[];

/** Memory that a running guest can be brought to: whole blocks of it. */
export const blocksOfMemory = z
	.int("allowed is a whole number of MiB")
	.min(MEMORY_BLOCK_MIB)
	.max(67_108_864)
	.refine((amount) => amount % MEMORY_BLOCK_MIB === 0, `allowed are multiples of ${MEMORY_BLOCK_MIB}`);

const sizeSchema = z.strictObject({ vcpus: z.int().min(1).max(1024), memoryMiB: blocksOfMemory });

export const instanceTypeSchema = z.union([z.enum(NAMES), sizeSchema], {
	error: `allowed are ${NAMES.join(", ")}, or { vcpus, memoryMiB }`,
});

/**
 * A catalogue of the built-in types and your own, for `instanceType`:
 *
 * ```ts
 * const types = new InstanceTypes({ web: { vcpus: 2, memoryMiB: 3072 } });
 * new Domain("web", { instanceType: types.of("web") });
 * ```
 */
export class InstanceTypes<Own extends Record<string, InstanceType> = Record<never, InstanceType>> {
	/** All types, by name. */
	readonly all: Readonly<Record<string, InstanceType>>;

	/**
	 * @param own your types; one of a built-in type's name takes its place
	 * @throws InputError naming the type, the value got and what is allowed
	 */
	constructor(own: Own) {
		if (typeof own !== "object" || own === null || Array.isArray(own)) {
			throw new InputError("InstanceTypes", "allowed is a group of names with { vcpus, memoryMiB } each");
		}
		const schema = z.strictObject(Object.fromEntries(Object.keys(own).map((name) => [name, sizeSchema])));
		refuse("InstanceTypes", validate(schema as z.ZodType<object>, own).problems);
		this.all = { ...INSTANCE_TYPES, ...own };
	}

	/** The type of a name. @throws InputError when there is none */
	of(name: (keyof Own & string) | InstanceTypeName): InstanceType {
		const type = Object.hasOwn(this.all, name) ? this.all[name] : undefined;
		if (type) return type;
		throw new InputError("InstanceTypes", `got "${name}"; allowed are ${Object.keys(this.all).join(", ")}`);
	}
}

/** The size that an `instanceType` stands for. */
export function sizeOf(type: InstanceTypeName | InstanceType): InstanceType {
	return typeof type === "string" ? INSTANCE_TYPES[type] : type;
}
