/**
 * The guest's own call to be forked: `guest/fork/fork-now` writes to a port, and QEMU keeps what was written until it is
 * asked for through its monitor. So nobody has to listen when the guest asks, and hosts may be remote. The scripts of a
 * child tell of their end there.
 */
import { poll } from "../domain/patience";
import type { Host } from "../libvirt";
import { InputError } from "../lifecycle";
import type { Point } from "./point";
import type { ForkPointInputs } from "./schema";

const PORT = "pulumi-libvirt-clones.fork";
/** As a guest has it. */
export const PORT_FILE = `/dev/virtio-ports/${PORT}`;
/** What fork-now says. */
const CALL = "fork";
const BUFFER = "fork-port";
/** More than a child says of itself with its keys; what nobody has heard in time is overwritten. */
const BUFFER_BYTES = 65536;
/** The last port that a controller has: libvirt counts from the first. */
const NUMBER = 30;
const SLOWEST_MS = 200;
/** How long after a script has told of its end it may take to end. */
const ENDING_MS = 1000;
/** After how long without a word the agent is asked. */
const UNHEARD_MS = 2000;
/** After how long the link comes up all the same. */
const UNUSED_MS = 3000;

/** Arguments of QEMU for the port; the devices of parent and children have to be the same. */
export function portArguments(): string[] {
	const bus = "virtio-serial0.0";
	const port = { driver: "virtserialport", id: `${BUFFER}-device`, bus, nr: NUMBER, chardev: BUFFER, name: PORT };
	// QEMU makes devices that are given as JSON last: libvirt gives the port's controller so.
	return ["-chardev", `ringbuf,id=${BUFFER},size=${BUFFER_BYTES}`, "-device", JSON.stringify(port)];
}

/** @throws Error when the guest does not ask within the time */
export async function untilAsked(host: Host, uuid: string, seconds: number): Promise<void> {
	// Scripts have told of their end there, in a parent that went on from another one.
	let said = "";
	const heard = async () => {
		said += await hear(host, uuid);
		return said.includes(CALL) ? true : undefined;
	};
	if (await poll(seconds, heard, { slowestMs: SLOWEST_MS })) return;
	throw new Error(
		`the guest has not asked to be forked within ${seconds} s (timeoutSeconds); with trigger "guest" a program in it has to call fork-now`,
	);
}

/** What is done when a child's script tells something; each once. */
export interface Told {
	/** It is somebody, and this is what it says of itself. */
	somebody?: ((said: string) => Promise<void>) | undefined;
	/** The guest uses its NIC, or has not for long. */
	linked?: (() => Promise<void>) | undefined;
}

/**
 * For a child, whose scripts tell of their end on the port, too.
 * @returns what tells whether to ask the agent for that: it may have ended; or nothing has been heard for long, as of
 *   a script that was killed
 */
export function endHeard(host: Host, uuid: string, { somebody, linked }: Told): () => Promise<boolean> {
	let unusedUntil = performance.now() + UNUSED_MS;
	let unheardUntil = performance.now() + UNHEARD_MS;
	let heardAt = Number.NEGATIVE_INFINITY;
	let said = "";
	return async () => {
		said += await hear(host, uuid);
		const whole = somebody && /^([\s\S]*?)^somebody\n/m.exec(said);
		if (whole) {
			said = said.slice(whole[0].length);
			await somebody!(whole[1]!);
			somebody = undefined;
			unusedUntil = performance.now() + UNUSED_MS;
		}
		const now = performance.now();
		if (linked && !somebody && (/^(linked|ended)\n/m.test(said) || now > unusedUntil)) {
			await linked();
			linked = undefined;
		}
		if (/^ended\n/m.test(said)) {
			heardAt = now;
			said = "";
		}
		if (now < unheardUntil && now > heardAt + ENDING_MS) return false;
		unheardUntil = now + UNHEARD_MS;
		return true;
	};
}

/** What the guest has written since it was asked last. */
async function hear(host: Host, uuid: string): Promise<string> {
	return host.domains.qmp<string>(uuid, "ringbuf-read", { device: BUFFER, size: BUFFER_BYTES });
}

/** @throws InputError when the guest is to ask, and the fork point that it goes on from was made without the port */
export function refuseWithoutPort({ trigger }: ForkPointInputs, parent: Point | undefined): void {
	if (trigger !== "guest" || !parent || parent.port) return;
	throw new InputError(
		"trigger",
		`got "guest" with the parent ${parent.name}, whose machine has no port to ask on: it was made by an earlier version of this package; allowed is "provider", or a parent that was made anew`,
	);
}
