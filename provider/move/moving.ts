/** What is recorded in a machine for as long as it moves. */
import type { Seen } from "../domain/look";
import { note } from "../domain/note";
import type { Host } from "../libvirt";

export interface Moving {
	/** URI of the host that it goes to. */
	to: string;
	/** Paths there of the volumes that it is sent into. */
	disks: string[];
	/** Paths of those that are the same files on both hosts, on the new one. */
	shared?: string[] | undefined;
	/** It is off, and what is sent carries its disks: no instruction of a guest runs in between. */
	off: boolean;
	/** Aliases of devices that were unplugged because they are not there. */
	without?: string[] | undefined;
	/** Its memory, where that has been saved, or is about to be. */
	saved?: Saved | undefined;
}

export interface Saved {
	/** Paths of the file, on the host that it leaves and on the other one. */
	there: string;
	here: string;
	/** When it was, in milliseconds since 1970. */
	at: number;
	/** Of a machine whose disks have come: when each of them was written to last. Its memory goes with no others. */
	disks?: string[];
}

export type HasSaved = Moving & { saved: Saved };

export function hasSaved(moving: Moving | undefined): moving is HasSaved {
	return moving?.saved !== undefined;
}

export function movingIn({ config }: Pick<Seen, "config">): Moving | undefined {
	const moving = config.recorded?.moving;
	return moving === undefined ? undefined : (JSON.parse(moving) as Moving);
}

export async function noteMoving(host: Host, uuid: string, moving: Moving | undefined): Promise<void> {
	await note(host, uuid, { moving: moving && JSON.stringify(moving) }, ["config"]);
}

/** One that stands still to have its disks sent, and was never to run. */
export function isCarrier({ state }: Pick<Seen, "state">, moving: Moving | undefined): boolean {
	return moving?.off === true && state === "paused";
}
