/** Instance types: sizes and devices of machines under one name. Built-in ones, and a user's own beside them. */
import { z } from "zod";
import { cpuModelSchema } from "../domain/cpu-schema";
import { nicSchema } from "../domain/nic-schema";
import { InputError } from "../lifecycle";
import { refuse, validate } from "../problems";
import { dataDisksSchema } from "../volume/data-disk";
import { attribute, parse, XmlError } from "../xml/element";
import { MEMORY_BLOCK_MIB } from "../xml/room";

/** How large a machine is, and what it has beside what is its own. */
export interface InstanceType {
	/** Number of vCPUs, 1 to 1024. */
	vcpus: number;
	/** Memory in MiB, a multiple of 4: the unit in which a running guest takes and gives memory. */
	memoryMiB: number;
	/** Which CPU its guest sees, where the machine does not say it itself. @default as without a type */
	cpu?: CpuOfType;
	/** NICs, after the machine's own: on a network by its name or UUID, on a bridge, or in user mode. @default none */
	nics?: NicOfType[];
	/**
	 * Other devices: elements as they are in `<devices>` of a definition, each with an `<alias>` whose name begins with
	 * `ua-`, by which it is told from others. Plugged in and out where the template has a step for devices, else by a
	 * restart. @default none
	 */
	devices?: string[];
	/**
	 * Disks, after the machine's own: empty at first, and gone with what is on them when the machine gets a type without
	 * them. Of machines of a `MorphMigration`, which makes their volumes. @default none
	 */
	disks?: DiskOfType[];
}

/** A disk that machines of a type have. */
export interface DiskOfType {
	/** Size in GiB. */
	sizeGiB: number;
	/** Format. @default "qcow2" */
	format?: "qcow2" | "raw";
	/** Serial number that the guest sees (`/dev/disk/by-id/virtio-<serial>`). @default "type-0", "type-1", ... */
	serial?: string;
}

/** A NIC that machines of a type have: exactly one of `network`, `bridge` and `user`. */
export interface NicOfType {
	/** Name or UUID of a libvirt network. */
	network?: string;
	/** A bridge device of the host. */
	bridge?: string;
	/** User-mode networking. */
	user?: boolean;
	/** Model of the network card. @default "virtio" */
	model?: "virtio" | "e1000" | "e1000e" | "rtl8139";
}

/** A CPU that machines of a type have: see `cpu` of a `Domain`, and `commonCpu`. */
export interface CpuOfType {
	/** Which CPU the guest sees. @default "custom" with a model */
	mode?: "host-passthrough" | "host-model" | "maximum" | "custom";
	/** CPU model. @default none */
	model?: string;
	/** CPU features by name, beside what the model has. @default those of the model */
	features?: Record<string, "require" | "disable">;
	/** Whether the machine is not started where the host gives another CPU. @default libvirt's */
	check?: "none" | "partial" | "full";
}

/** The size alone. */
export type Size = Pick<InstanceType, "vcpus" | "memoryMiB">;

/** The built-in types. */
export const INSTANCE_TYPES = {
	nano: { vcpus: 1, memoryMiB: 512 },
	micro: { vcpus: 1, memoryMiB: 1024 },
	small: { vcpus: 1, memoryMiB: 2048 },
	medium: { vcpus: 2, memoryMiB: 4096 },
	large: { vcpus: 2, memoryMiB: 8192 },
	xlarge: { vcpus: 4, memoryMiB: 16_384 },
	"2xlarge": { vcpus: 8, memoryMiB: 32_768 },
} as const satisfies Record<string, Size>;

/** Name of a built-in type. */
export type InstanceTypeName = keyof typeof INSTANCE_TYPES;

const NAMES = Object.keys(INSTANCE_TYPES) as InstanceTypeName[];

/** Memory that a running guest can be brought to: whole blocks of it. */
export const blocksOfMemory = z
	.int("allowed is a whole number of MiB")
	.min(MEMORY_BLOCK_MIB)
	.max(67_108_864)
	.refine((amount) => amount % MEMORY_BLOCK_MIB === 0, `allowed are multiples of ${MEMORY_BLOCK_MIB}`);

const DEVICE =
	'allowed is one element as in <devices>, such as <watchdog model="i6300esb"><alias name="ua-watchdog"/></watchdog>';

const deviceSchema = z.string().refine(isNamedDevice, `${DEVICE}, with an alias that begins with ua-`);

function isNamedDevice(xml: string): boolean {
	try {
		return attribute(parse(xml), "alias", "name")?.startsWith("ua-") === true;
	} catch (error) {
		if (error instanceof XmlError) return false;
		throw error;
	}
}

const typeSchema = z.strictObject({
	vcpus: z.int().min(1).max(1024),
	memoryMiB: blocksOfMemory,
	cpu: cpuModelSchema.optional(),
	// Many machines have it: none of them its address.
	nics: z
		.array(nicSchema.omit({ mac: true }))
		.max(16)
		.optional(),
	devices: z.array(deviceSchema).max(16).optional(),
	disks: dataDisksSchema.optional(),
});

export const instanceTypeSchema = z.union([z.enum(NAMES), typeSchema], {
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
		const schema = z.strictObject(Object.fromEntries(Object.keys(own).map((name) => [name, typeSchema])));
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
export function sizeOf(type: InstanceTypeName | Size): Size {
	return typeof type === "string" ? INSTANCE_TYPES[type] : type;
}
