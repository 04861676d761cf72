import { z } from "zod";
import { computed } from "../allowed";
import { batchSchema } from "../batch";
import { type ForkedFacts, forkedSchema } from "../fork/forked";
import { initSchema, type ScriptFacts } from "../init/awaited";
import { agentPolicySchema } from "../morph/agent-policy";
import { blocksOfMemory, instanceTypeSchema } from "../morph/instance-types";
import type { Shape } from "../morph/shape";
import { morphSchema, storedTemplate } from "../morph/template";
import type { ToolReport } from "../morph/tools";
import { movesSchema } from "../move/moves";
import { migrationSchema } from "../move/way";
import { stackPatterns } from "../permitted";
import { absolutePath, commonShape, hostName, mebibytes, objectName, reference } from "../schema";
import { MEMORY_ROOMS } from "../xml/room";
import { cpuSchema } from "./cpu-schema";
import { guestFileSchema } from "./guest-file";
import { guestNetworkSchema } from "./guest-network";
import { healthCheckShape, memberCheckSchema } from "./health-schema";
import type { FormerLease } from "./leases";
import { nicSchema } from "./nic-schema";

/** Text that comes back from libvirt's XML as it went in. */
const xmlText = z
	.string()
	// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
	.regex(/^[^\u0000-\u0008\u000b-\u001f\ufffe\uffff]*$/, "allowed are printable characters, tabs and line feeds")
	.refine((text) => !/\p{Surrogate}/u.test(text), "half of a surrogate pair is not allowed");

/** One line that every guest can read. */
const smbiosText = z.string().regex(/^[\x20-\x7e]{1,255}$/, "allowed are 1 to 255 printable ASCII characters");

const target = z.string().regex(/^(vd|sd|hd)[a-z]{1,2}$/, "allowed is a device name such as vda or sdb");

export const diskSchema = z.strictObject({
	volume: reference,
	/** Looked up on the host when not given. */
	format: z.enum(["qcow2", "raw"]).optional(),
	device: z.enum(["disk", "cdrom"]).default("disk"),
	target: target.optional(),
	bus: z.enum(["virtio", "scsi", "sata"]).optional(),
	readOnly: z.boolean().default(false),
	serial: z
		.string()
		.regex(/^[A-Za-z0-9_.-]{1,20}$/, "allowed are 1 to 20 letters, digits, dots, underscores and hyphens")
		.optional(),
	cache: z.enum(["default", "none", "writeback", "writethrough", "directsync", "unsafe"]).default("default"),
	bootOrder: z.int().min(1).max(99).optional(),
});

/** What the firmware tells the guest of the machine (SMBIOS). */
export const smbiosSchema = z.strictObject({
	serial: smbiosText.optional(),
	oemStrings: z.array(smbiosText).min(1).max(64).optional(),
});

/** What the guest agent does once, right after the first start. */
export const guestSetupSchema = z.strictObject({
	hostname: hostName.optional(),
	files: z.array(guestFileSchema).default([]),
	network: guestNetworkSchema.optional(),
});

export const waitForSchema = z.strictObject({
	agent: z.boolean().default(false),
	address: z.enum(["none", "auto", "lease", "agent", "arp"]).default("none"),
	timeoutSeconds: z.number().min(1).max(86_400).default(120),
});

/** What a guest has to show before it counts as made. */
export const healthCheckSchema = z.strictObject(healthCheckShape);

/** What a machine can grow to while it runs. */
export const headroomSchema = z.strictObject({
	maxVcpus: z.int().min(1).max(1024).default(16),
	maxMemoryMiB: blocksOfMemory.default(65_536),
	/** Without a default: the record of a machine that does not say it stays as it is. */
	memoryBy: z.enum(MEMORY_ROOMS).optional(),
});

/**
 * Inputs without a default here have one all the same (`defaults.ts`), except where a `template` is named: its hardware
 * then stands for what is not given.
 */
export const domainSchema = z.strictObject({
	...commonShape,
	name: objectName,
	uuid: z
		.string()
		.regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, "allowed is a UUID in its usual form")
		.transform((uuid) => uuid.toLowerCase())
		.optional(),
	description: xmlText.max(4096).optional(),
	template: reference.optional(),
	type: z.enum(["auto", "kvm", "qemu"]).default("auto"),
	arch: z.enum(["x86_64", "aarch64"]).optional(),
	machine: z
		.string()
		.regex(/^[a-z0-9._-]{1,63}$/, "allowed is a machine type such as q35 or pc-q35-7.2")
		.optional(),
	firmware: z.enum(["bios", "uefi", "uefi-secure"]).optional(),
	memoryMiB: mebibytes.optional(),
	maxMemoryMiB: mebibytes.optional(),
	vcpus: z.int().min(1).max(1024).optional(),
	maxVcpus: z.int().min(1).max(1024).optional(),
	instanceType: instanceTypeSchema
		.refine((type) => typeof type === "string" || type.disks === undefined, {
			path: ["disks"],
			error:
				"allowed is a type without, as a machine's disks are volumes: give them in disks, or have a MorphMigration, to which " +
				"the type is known from the beginning (no output), make those of the type",
		})
		.optional(),
	headroom: headroomSchema.optional(),
	/** From a file, or stored: read by the class. */
	morph: morphSchema.extend({ file: z.string().min(1).optional(), template: storedTemplate.optional() }).optional(),
	agentPolicy: agentPolicySchema.optional(),
	cpu: cpuSchema.optional(),
	smbios: smbiosSchema.optional(),
	disks: z.array(diskSchema).default([]),
	nics: z.array(nicSchema).optional(),
	boot: z
		.strictObject({
			kernel: absolutePath,
			initrd: absolutePath.optional(),
			cmdline: xmlText
				.max(2048)
				.regex(/^[^\n\t]*$/, "allowed is one line")
				.optional(),
		})
		.optional(),
	consoleLog: absolutePath.optional(),
	agent: z.boolean().optional(),
	rng: z.boolean().optional(),
	graphics: z.enum(["none", "vnc"]).optional(),
	running: z.boolean().default(true),
	autostart: z.boolean().default(false),
	shutdownTimeoutSeconds: z.number().min(0).max(86_400).default(60),
	onRestartRequired: z.enum(["restart", "defer"]).default("restart"),
	guestSetup: guestSetupSchema.optional(),
	waitFor: waitForSchema.optional(),
	healthCheck: healthCheckSchema.optional(),
	cloneableBy: stackPatterns.optional(),
	lineage: z.strictObject({ base: reference, baseContentId: reference }).optional(),
	migration: migrationSchema.optional(),
	/** By a look at the hosts: it is on another one than `uri`. */
	moves: computed(movesSchema.optional()),
	/** Set by MorphMigration: when its turn is, what it has to show then, and the hosts among which it moves. */
	batch: computed(batchSchema.optional()),
	memberCheck: computed(memberCheckSchema.optional()),
	among: computed(z.array(commonShape.uri).optional()),
	/** Set by ForkedVMSet. */
	fork: computed(forkedSchema.optional()),
	/** Set by ClonedInstanceWithInit: the template is on another host, or may run. */
	templateFrom: computed(
		z.strictObject({ uri: commonShape.uri.optional(), mayRun: z.boolean().optional() }).optional(),
	),
	/** Set by ClonedInstanceWithInit. */
	init: computed(initSchema.optional()),
	extraXml: z.string().optional(),
});

export type DomainInputs = z.output<typeof domainSchema>;
export type DiskInputs = z.output<typeof diskSchema>;
export type { CpuInputs } from "./cpu-schema";
export type { NicInputs } from "./nic-schema";

/** What a template said where the inputs are silent; so that a later change is seen as what it is. */
export type Inherited = Partial<
	Pick<
		DomainInputs,
		| "arch"
		| "machine"
		| "firmware"
		| "memoryMiB"
		| "maxMemoryMiB"
		| "vcpus"
		| "maxVcpus"
		| "nics"
		| "agent"
		| "rng"
		| "graphics"
	>
> & {
	/** How the template's first disk is connected, which the first of `disks` then is as well. */
	bootDisk?: { bus?: string | undefined; target?: string | undefined; cache?: string | undefined } | undefined;
};

export interface DomainFacts {
	/** Also the resource's id; kept over updates. */
	uuid: string;
	/** MAC address of each NIC, in the order of `nics`; kept over updates. */
	macs: string[];
	/** Addresses seen when the machine was made; empty unless `waitFor.address` asked for them. */
	addresses: string[];
	/** The accelerator that `type` came to: "kvm" or "qemu" (TCG). */
	accelerator: "kvm" | "qemu";
	/** Hardware that was taken over from the template; absent without one. */
	inherited?: Inherited | undefined;
	/** Changes that wait for the next start, because `onRestartRequired` is "defer"; absent when there are none. */
	pendingRestart?: { properties: string[]; liveId: string } | undefined;
	/** What it is like now, where a plan is made; never recorded. */
	shape?: Shape | undefined;
	/** Of a forked machine: what it is by its own account, as of its last fork. */
	forked?: ForkedFacts | undefined;
	/**
	 * Of a forked machine: what its next power-on does. It boots from its own disk, goes on from its parent, or goes on
	 * from its parent in a QEMU that waits for that already.
	 */
	nextStart?: "boot" | "fork" | "waiting" | undefined;
	/** Of a forked machine: whether it is off because it has given way to others, or found no room. */
	preempted?: boolean | undefined;
	/** Of a clone with init scripts: what has become of them, as of its first start. */
	scripts?: ScriptFacts[] | undefined;
	/** What has become of the tools that the last change needed in the guest; absent when there were none. */
	morphTools?: ToolReport | undefined;
	/** What its NICs had before a start after which it was waited for in vain; absent once it has been seen. */
	formerLeases?: FormerLease[] | undefined;
	/** URI of the host from which it has moved to the present one. */
	cameFrom?: string | undefined;
	/** Milliseconds of each step of the create; a step that was not taken is absent. */
	timings: {
		defineMs: number;
		startMs?: number | undefined;
		agentMs?: number | undefined;
		addressMs?: number | undefined;
		guestSetupMs?: number | undefined;
		initMs?: number | undefined;
		healthyMs?: number | undefined;
		/** From the start of the create to the first thing the guest was seen to do. */
		firstGuestActionMs?: number | undefined;
	};
}
