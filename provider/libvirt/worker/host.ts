/** What the host itself is asked. */
import type { EmulatorQuery } from "../api";
import { LibvirtError } from "../errors";
import { libvirt } from "./ffi";
import type { Connection } from "./objects";

/** 9000000 -> "9.0.0" */
function version(number: number | bigint): string {
	const value = Number(number);
	return [Math.floor(value / 1_000_000), Math.floor(value / 1000) % 1000, value % 1000].join(".");
}

const ALL_CELLS = -1;
/** VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE: the error says which features are missing. */
const FAIL_INCOMPATIBLE = 1;
/** VIR_CONNECT_BASELINE_CPU_MIGRATABLE: nothing that keeps a guest from going elsewhere. */
const BASELINE_MIGRATABLE = 2;
/** `struct _virNodeMemoryStats`: char[80], unsigned long long of KiB. */
const MEMORY_STAT_BYTES = 88;
const MEMORY_STAT_NAME_BYTES = 80;

/** What libvirt says of the host's memory, in KiB by name. */
function memoryStats(connection: Connection): Map<string, number> {
	const count = Buffer.alloc(4);
	// First only how many there are.
	libvirt.virNodeGetMemoryStats(connection, ALL_CELLS, Buffer.alloc(0), count, 0);
	const stats = Buffer.alloc(MEMORY_STAT_BYTES * count.readInt32LE());
	libvirt.virNodeGetMemoryStats(connection, ALL_CELLS, stats, count, 0);
	return new Map(
		Array.from({ length: count.readInt32LE() }, (_, index) => {
			const stat = stats.subarray(index * MEMORY_STAT_BYTES, (index + 1) * MEMORY_STAT_BYTES);
			const name = stat.toString("latin1", 0, MEMORY_STAT_NAME_BYTES).replace(/\0.*/s, "");
			return [name, Number(stat.readBigUInt64LE(MEMORY_STAT_NAME_BYTES))];
		}),
	);
}

export const host = {
	versions(connection: Connection) {
		const library: [number | bigint] = [0];
		const hypervisor: [number | bigint] = [0];
		libvirt.virConnectGetLibVersion(connection, library);
		libvirt.virConnectGetVersion(connection, hypervisor);
		return {
			libvirtVersion: version(library[0]),
			hypervisorVersion: version(hypervisor[0]),
			hostname: libvirt.virConnectGetHostname(connection),
			driver: libvirt.virConnectGetType(connection),
		};
	},
	memory(connection: Connection) {
		const stats = memoryStats(connection);
		const mebibytes = (...names: string[]) =>
			Math.floor(names.reduce((sum, name) => sum + (stats.get(name) ?? 0), 0) / 1024);
		// Caches are given up for whoever needs their memory.
		return { totalMiB: mebibytes("total"), availableMiB: mebibytes("free", "buffers", "cached") };
	},
	compareCpu(
		connection: Connection,
		cpuXml: string,
		{ emulator, arch, machine, type }: EmulatorQuery,
	): string | undefined {
		const how = [emulator ?? null, arch ?? null, machine ?? null, type ?? null] as const;
		try {
			libvirt.virConnectCompareHypervisorCPU(connection, ...how, cpuXml, FAIL_INCOMPATIBLE);
			return undefined;
		} catch (error) {
			if (error instanceof LibvirtError && error.errorName === "VIR_ERR_CPU_INCOMPATIBLE") return error.reason;
			throw error;
		}
	},
	baselineCpu(connection: Connection, cpusXml: string[], { emulator, arch, machine, type }: EmulatorQuery): string {
		const how = [emulator ?? null, arch ?? null, machine ?? null, type ?? null] as const;
		return libvirt.virConnectBaselineHypervisorCPU(connection, ...how, cpusXml, cpusXml.length, BASELINE_MIGRATABLE);
	},
	capabilitiesXml: (connection: Connection) => libvirt.virConnectGetCapabilities(connection),
	domainCapabilitiesXml: (connection: Connection, query: EmulatorQuery) =>
		libvirt.virConnectGetDomainCapabilities(
			connection,
			query.emulator ?? null,
			query.arch ?? null,
			query.machine ?? null,
			query.type ?? null,
			0,
		),
};
