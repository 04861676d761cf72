/** A machine that goes on where a fork point stood still: what it is to be, and what it is by its own account. */
import { z } from "zod";
import { guestFileSchema } from "../domain/guest-file";
import { guestNetworkSchema } from "../domain/guest-network";
import type { Membership } from "../identity/directory/directory";
import { HOST_KEY_TYPES } from "../identity/host-keys";
import { poolAccess } from "../identity/lease/schema";
import { hostName, reference, wholeText } from "../schema";
import type { ChildUsage } from "./usage";

export const service = z
	.string()
	.regex(/^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,254}$/, "allowed is the name of a service, such as nginx or worker@1.service");

/** Programs with their arguments. */
export const commandsSchema = z.array(z.array(wholeText).min(1).max(256));

const licenceIdText = wholeText.min(1).max(256);

/** How a licence is renewed. */
export const licenceShape = {
	command: z.array(wholeText.min(1)).min(1, "allowed is a program with its arguments").max(256),
	timeoutSeconds: z.int().min(1).max(3600).default(30),
};

const address = wholeText.max(64, "allowed is an address");

/** What a forked child becomes before it has a network. */
export const forkedSchema = z.strictObject({
	/** UUID of the fork point. */
	point: reference,
	hostname: hostName,
	machineId: z
		.string()
		.regex(/^[0-9a-f]{32}$/, "allowed are 32 hex digits")
		.optional(),
	hostKeys: z
		.array(z.strictObject({ type: z.enum(HOST_KEY_TYPES), privateKey: wholeText, publicKey: wholeText }))
		.default([]),
	/** That its host name is of an identity, and the way to the pool of that: a secret. */
	lease: z.strictObject({ pool: poolAccess, epoch: z.int().min(0) }).optional(),
	files: z.array(guestFileSchema).default([]),
	/** Address with its prefix for the first NIC, as the program gives it: with another one it is forked again. */
	address: address.optional(),
	gateway: address.optional(),
	/**
	 * In place of both: all that its identity says of its network, where it has no DHCP server. A change that does not come
	 * with another identity, as of name servers, is used at the next fork.
	 */
	network: guestNetworkSchema.optional(),
	/** Addresses of its identity: it has to have one of them once it is connected. */
	ips: z.array(address).default([]),
	/** Its commands give it an address: none is waited for before. */
	addressLater: z.boolean().optional(),
	/** What renews its licence, once it is connected. */
	licence: z.strictObject({ id: licenceIdText, ...licenceShape }).optional(),
	/** Programs that run once it is somebody, before it has a NIC. */
	first: commandsSchema.optional(),
	/** Programs that run once it is connected, before its services are restarted. */
	commands: commandsSchema.default([]),
	restart: z.array(service).default([]),
	/** What a later power-on does: boots its own disk, or goes on from the fork point again, with a fresh disk. */
	powerOn: z.enum(["boot", "refork"]).default("boot"),
	/** Another value resets it; taking it away does not. */
	resetTrigger: wholeText.optional(),
	/** What a reset does, where `powerOn` leaves the choice. It stays who it is. */
	onReset: z.enum(["boot", "refork"]).default("boot"),
	/** While it is off and its next power-on goes on from the fork point: whether a QEMU waits for that. */
	warm: z.boolean().default(false),
	/** Whether it gives way to machines that are not preemptible, when the host runs short of memory. */
	preemptible: z.boolean().default(false),
	/** Computed: it has given way, and whether there is room for it again. */
	preempted: z.enum(["stays", "goesOn"]).optional(),
	/** What another fork point means for a child that exists. */
	onParentChange: z.enum(["keep", "replace"]).default("keep"),
	timeoutSeconds: z.number().min(1).max(3600).default(120),
});

export type ForkedInputs = z.output<typeof forkedSchema>;
export type ForkedArgs = z.input<typeof forkedSchema>;

/** A licence that was renewed. */
export interface ForkedLicence {
	/** Which one. */
	id: string;
	/** Last line of what the program said that renewed it, at most 200 characters. */
	outcome: string;
}

/** What a child really has, as it said itself, and how long the steps took. */
export interface ForkedFacts {
	/** Its host name. */
	hostname: string;
	/** Its /etc/machine-id. */
	machineId: string;
	/** SHA-256 of each ssh host key's public part, in hex. */
	hostKeys: string[];
	/** SHA-256 of 32 bytes of its random device, in hex. */
	random: string;
	/** Seconds that its clock was ahead of the host's (negative: behind). */
	clockOffsetSeconds: number;
	/** Its account in the directory of its identity, which took its credentials; absent without one. */
	membership?: Membership | undefined;
	/** MAC address of its first NIC; absent without one. */
	mac?: string | undefined;
	/** With their prefixes. */
	addresses: string[];
	/** Its licence; absent where none was to be renewed. */
	licence?: ForkedLicence | undefined;
	/** What it had for itself when it was connected. */
	usage: ChildUsage;
	/** Milliseconds of each step of the fork. */
	timings: {
		/** QEMU's start, as libvirt does it; absent for one that waited already. */
		startMs?: number | undefined;
		/** Reading the devices' state, until the guest goes on. */
		loadMs: number;
		/** From the guest's first instruction to its verified identity. */
		identityMs: number;
		/** The programs that run before it has a NIC; absent where there are none. */
		firstMs?: number | undefined;
		/** Plugging in data disks and NIC. */
		plugMs: number;
		/** Address, commands, services. */
		connectMs: number;
	};
}

/** What a machine was by its own account when it was forked last, as it is recorded in it; undefined where it never was. */
export function forkedIn(recorded: { forked?: string | undefined } | undefined): ForkedFacts | undefined {
	return recorded?.forked === undefined ? undefined : (JSON.parse(recorded.forked) as ForkedFacts);
}

/** What a change of the trigger comes to; undefined where there is none. */
export function resetBy(
	before: ForkedInputs | undefined,
	after: ForkedInputs | undefined,
): ForkedInputs["onReset"] | undefined {
	if (!before || !after || after.resetTrigger === undefined || before.resetTrigger === after.resetTrigger)
		return undefined;
	return after.powerOn === "refork" ? "refork" : after.onReset;
}
