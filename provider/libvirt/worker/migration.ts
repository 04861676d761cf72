/** Migrations of `Domains`, and how far they are. */
import type { DomainJob, Migrated, Migration } from "../migration";
import { libvirt } from "./ffi";
import { koffi } from "./koffi";
import type { Handle } from "./signatures";

/** By virDomainMigrateFlags. */
const FLAGS = {
	live: 1,
	peerToPeer: 2,
	persist: 8,
	undefine: 16,
	paused: 32,
	copyAll: 64,
	copyTop: 128,
	unsafe: 512,
	autoConverge: 8192,
	tls: 65536,
};

/** VIR_DOMAIN_JOB_BOUNDED and VIR_DOMAIN_JOB_UNBOUNDED: those that run. */
const RUNNING_JOBS = [1, 2];
const STATS_RUNNING = 0;
/** VIR_DOMAIN_JOB_STATS_COMPLETED, and _KEEP_COMPLETED: who asks again is told again. */
const STATS_COMPLETED = 1 | 2;
/** VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN and VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT */
const MIGRATIONS = [4, 5];

/** `struct _virTypedParameter`: char[80], int, and eight bytes of value. */
const PARAMETER_BYTES = 96;
const PARAMETER_NAME_BYTES = 80;
const PARAMETER_VALUE = 88;
/** VIR_TYPED_PARAM_INT and VIR_TYPED_PARAM_UINT: the value has four bytes. */
const SHORT_TYPES = [1, 2];

export function migrate(domain: Handle<"domain">, migration: Migration): void {
	const { peerUri, migrateUri, disksUri, xml, persistentXml, disks, copy } = migration;
	const { live = true, paused, throttle, bandwidthMiBps, tls, safe } = migration;
	const given: Array<[string, string]> = [
		["migrate_uri", migrateUri],
		["destination_xml", xml],
		["persistent_xml", persistentXml],
		...disks.map((disk): [string, string] => ["migrate_disks", disk]),
		...(disksUri === undefined || disks.length === 0 ? [] : [["disks_uri", disksUri] as [string, string]]),
	];
	const copies = disks.length === 0 ? 0 : copy === "all" ? FLAGS.copyAll : FLAGS.copyTop;
	const wished = (throttle ? FLAGS.autoConverge : 0) | (tls ? FLAGS.tls : 0) | (paused ? FLAGS.paused : 0);
	const always = FLAGS.peerToPeer | FLAGS.persist | FLAGS.undefine;
	const how = always | copies | wished | (live ? FLAGS.live : 0) | (safe ? FLAGS.unsafe : 0);
	const list: [bigint | null] = [null];
	const count: [number] = [0];
	const room: [number] = [0];
	try {
		for (const [name, value] of given) libvirt.virTypedParamsAddString(list, count, room, name, value);
		if (bandwidthMiBps !== undefined) {
			libvirt.virTypedParamsAddULLong(list, count, room, "bandwidth", bandwidthMiBps);
		}
		libvirt.virDomainMigrateToURI3(domain, peerUri, list[0], count[0], how);
	} finally {
		libvirt.virTypedParamsFree(list[0], count[0]);
	}
}

export function jobOf(domain: Handle<"domain">): DomainJob | undefined {
	const { type, stats } = statsOf(domain, STATS_RUNNING);
	if (!RUNNING_JOBS.includes(type)) return undefined;
	const of = (name: string) => stats.get(name) ?? 0;
	return {
		isMigration: MIGRATIONS.includes(of("operation")),
		doneBytes: of("data_processed"),
		totalBytes: of("data_total"),
		memory: {
			pass: of("memory_iteration"),
			remainingBytes: of("memory_remaining"),
			sentBytesPerSecond: of("memory_bps"),
			dirtiedBytesPerSecond: of("memory_dirty_rate") * of("memory_page_size"),
			throttlePercent: of("auto_converge_throttle"),
		},
	};
}

export function migratedBy(domain: Handle<"domain">): Migrated | undefined {
	const { stats } = statsOf(domain, STATS_COMPLETED);
	const [pauseMs, totalMs] = [stats.get("downtime"), stats.get("time_elapsed")];
	return pauseMs === undefined || totalMs === undefined ? undefined : { pauseMs, totalMs };
}

function statsOf(domain: Handle<"domain">, which: number): { type: number; stats: Map<string, number> } {
	const type: [number] = [0];
	const list: [bigint | null] = [null];
	const count: [number] = [0];
	libvirt.virDomainGetJobStats(domain, type, list, count, which);
	try {
		return { type: type[0], stats: parameters(list[0], count[0]) };
	} finally {
		libvirt.virTypedParamsFree(list[0], count[0]);
	}
}

/** Of whole numbers, by name. */
function parameters(list: bigint | null, count: number): Map<string, number> {
	if (list === null) return new Map();
	const bytes = Buffer.from(koffi.decode(list, "uint8_t", count * PARAMETER_BYTES) as Uint8Array);
	return new Map(
		Array.from({ length: count }, (_, index) => {
			const parameter = bytes.subarray(index * PARAMETER_BYTES, (index + 1) * PARAMETER_BYTES);
			const name = parameter.toString("latin1", 0, PARAMETER_NAME_BYTES).replace(/\0.*/s, "");
			const isShort = SHORT_TYPES.includes(parameter.readInt32LE(PARAMETER_NAME_BYTES));
			const value = isShort ? parameter.readInt32LE(PARAMETER_VALUE) : parameter.readBigUInt64LE(PARAMETER_VALUE);
			return [name, Number(value)];
		}),
	);
}
