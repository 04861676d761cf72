/** A machine on its way to another host, as the interface has it: see `api.ts`. */

/** How a machine goes to another host. */
export interface Migration {
	/** libvirt URI by which the daemon of its host reaches that of the other one. */
	peerUri: string;
	/** `tcp://ADDRESS` or `unix:///PATH`: where QEMU listens there. */
	migrateUri: string;
	/** `unix:///PATH`: where it listens for the content of disks. @default by TCP, at the same address */
	disksUri?: string;
	/** Definition of what is to run there. */
	xml: string;
	/** What is to be its definition there when it is off. */
	persistentXml: string;
	/** Disks ("vda") whose content is sent. */
	disks: string[];
	/** Of those: all of it, or what they have beside a backing store that is there as well. */
	copy: "all" | "top";
	/** Whether the other disks are known to be safe to go on from there: libvirt's own check is left out. @default false */
	safe?: boolean;
	/** Whether it runs while its memory is sent; else it stands still from when that begins. @default true */
	live?: boolean;
	/** Whether it stands still there until it is resumed. */
	paused?: boolean;
	/** Whether QEMU slows the guest down where that changes its memory faster than it is sent. @default false */
	throttle?: boolean;
	/** Whether memory and disks are sent encrypted, by the certificates of QEMU on both hosts. @default false */
	tls?: boolean;
	/** At most so much is sent in a second. @default as much as goes */
	bandwidthMiBps?: number | undefined;
}

/** How far a job on a machine is. */
export interface DomainJob {
	isMigration: boolean;
	doneBytes: number;
	/** May grow. */
	totalBytes: number;
	/** Of a migration that goes out. */
	memory: MemoryProgress;
}

/** How far a migration is with the guest's memory; all 0 while the disks are sent. */
export interface MemoryProgress {
	/** 1 while it is sent for the first time, then one more whenever what has changed meanwhile is sent. */
	pass: number;
	remainingBytes: number;
	sentBytesPerSecond: number;
	/** How fast the guest changes what was sent; 0 until QEMU knows. */
	dirtiedBytesPerSecond: number;
	/** By how much the guest is slowed down; 0 when it is not. */
	throttlePercent: number;
}

/** A migration that came to its end. */
export interface Migrated {
	/** For how long the guest stood still. */
	pauseMs: number;
	totalMs: number;
}
