import { z } from "zod";
import { computed } from "../allowed";
import { guestFileSchema } from "../domain/guest-file";
import { domainSchema, healthCheckSchema } from "../domain/schema";
import { injectedSchema } from "../init/injected";
import { stackPatterns } from "../permitted";
import { commonShape, objectName, reference, wholeText } from "../schema";
import type { Lineage } from "../volume/schema";
import { MOST_SPARE_ROOT_PORTS } from "../xml/ports";
import { commandsSchema, service } from "./forked";

/** What of a machine can be set through `domain`: all but what a fork point sets itself. */
export const forkDomainSchema = domainSchema
	.pick({
		type: true,
		machine: true,
		firmware: true,
		memoryMiB: true,
		maxMemoryMiB: true,
		vcpus: true,
		maxVcpus: true,
		cpu: true,
		boot: true,
		consoleLog: true,
		graphics: true,
	})
	.partial()
	.extend({ spareRootPorts: z.int().min(0).max(MOST_SPARE_ROOT_PORTS).optional() })
	.strict();

export const forkPointSchema = z.strictObject({
	...commonShape,
	name: objectName,
	pool: reference,
	base: reference.optional(),
	parent: reference.optional(),
	source: reference.optional(),
	takeTrigger: wholeText.optional(),
	baseContentId: z.string().optional(),
	domain: forkDomainSchema.default({}),
	network: reference.optional(),
	files: z.array(guestFileSchema).default([]),
	commands: commandsSchema.default([]),
	startBeforeFork: z.array(service).default([]),
	restartAfterFork: z.array(service).default([]),
	ready: healthCheckSchema.optional(),
	trigger: z.enum(["provider", "guest"]).default("provider"),
	timeoutSeconds: z.number().min(1).max(86_400).default(300),
	forkableBy: stackPatterns.optional(),
	/** Set by ClonedInstanceWithInit: scripts for the children. */
	injected: computed(injectedSchema.optional()),
});

export type ForkPointInputs = z.output<typeof forkPointSchema>;

/** What was frozen, and how long that took. */
export interface ForkPointFacts {
	/** Of the machine that children take their hardware from; also the id. */
	uuid: string;
	/** Its name on the host. */
	domainName: string;
	/** Path of its disk, which the children's disks are overlays of. */
	disk: string;
	/** Path of what its memory held. */
	memory: string;
	/** Path of what its devices held. */
	devices: string;
	/** Size of its memory. */
	memoryMiB: number;
	/** Eight hex digits of a hash of all that it was made from. */
	contentId: string;
	/** What its disk was made from. */
	lineage: Lineage;
	/** Milliseconds of each step of the create. */
	timings: {
		/** Milliseconds of the whole create. */
		createMs: number;
		/** From the start to the guest agent's first answer; as the others absent where it was found. */
		bootMs?: number | undefined;
		/** From there to the fork: files, commands, services, what `ready` waited for, and until the guest asked. */
		prepareMs?: number | undefined;
		/** The guest stands still and is written. */
		saveMs?: number | undefined;
	};
}
