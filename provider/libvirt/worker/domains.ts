/** `Domains` of the interface, on libvirt's C API. */

import type {
	Address,
	AddressSource,
	BlockJob,
	DiskError,
	DomainInfo,
	DomainState,
	Domains,
	InterfaceAddresses,
} from "../api";
import { domainInterface, ipAddress, libvirt, takeArray, uuidString } from "./ffi";
import { koffi } from "./koffi";
import { jobOf, migrate, migratedBy } from "./migration";
import { agent, qmp } from "./monitor";
import {
	byNameOrUuid,
	type Connection,
	flags,
	type Implementation,
	targetFlags,
	unlessGone,
	unlessUnsupported,
	using,
	usingEach,
} from "./objects";
import type { BlockJobInfoStruct, Handle } from "./signatures";

/** By virDomainState. */
const STATES: DomainState[] = [
	"unknown",
	"running",
	"blocked",
	"paused",
	"shutdown",
	"shutoff",
	"crashed",
	"suspended",
];
const LIST_ACTIVE = 1;
const XML_SECURE = 1;
const XML_INACTIVE = 2;
const XML_MIGRATABLE = 8;
const DEFINE_VALIDATE = 1;
const START_PAUSED = 1;
const START_AUTODESTROY = 2;
const START_FORCE_BOOT = 16;
const SHUTDOWN_MODES = { acpi: 1, agent: 2 } as const;
const DESTROY_GRACEFUL = 1;
const UNDEFINE_METADATA = 1 | 2 | 16;
const UNDEFINE_NVRAM = 4;
const UNDEFINE_KEEP_NVRAM = 8;
/** VIR_DOMAIN_SAVE_RUNNING and VIR_DOMAIN_SAVE_PAUSED */
const RESTORE_RUNNING = 2;
const RESTORE_PAUSED = 4;
const SAVED_XML_SECURE = 1;
const MAXIMUM = 4;
const RESIZE_BYTES = 1;
const METADATA_ELEMENT = 2;
/** By virDomainBlockJobType. */
const BLOCK_JOBS: BlockJob["kind"][] = ["unknown", "pull", "copy", "commit", "active-commit", "backup"];
/** `struct _virDomainInfo`: unsigned char, two unsigned long, unsigned short, unsigned long long of nanoseconds. */
const DOMAIN_INFO_BYTES = 40;
const DOMAIN_INFO_CPU_TIME = 32;
/** As virDomainGetDiskErrors fills it: `struct { char *disk; int error; }`, on the 64-bit machines that Node.js runs on. */
const DISK_ERROR_BYTES = 16;
/** What libvirt's protocol carries. */
const MOST_DISKS = 256;
const DISK_ERROR_NO_SPACE = 2;
const ADDRESS_SOURCES: Record<AddressSource, number> = { lease: 0, agent: 1, arp: 2 };

function stateOf(domain: Handle<"domain">): { state: DomainState; reason: number } {
	const state: [number] = [0];
	const reason: [number] = [0];
	libvirt.virDomainGetState(domain, state, reason, 0);
	return { state: STATES[state[0]] ?? "unknown", reason: reason[0] };
}

function processorSecondsOf(domain: Handle<"domain">): number {
	const info = Buffer.alloc(DOMAIN_INFO_BYTES);
	libvirt.virDomainGetInfo(domain, info);
	return Number(info.readBigUInt64LE(DOMAIN_INFO_CPU_TIME)) / 1e9;
}

function describe(domain: Handle<"domain">): DomainInfo {
	return {
		name: libvirt.virDomainGetName(domain),
		uuid: uuidString((buffer) => libvirt.virDomainGetUUIDString(domain, buffer)),
		state: stateOf(domain).state,
		persistent: libvirt.virDomainIsPersistent(domain) === 1,
	};
}

function all(connection: Connection, flag = 0): Handle<"domain">[] {
	const list: [bigint | null] = [null];
	const count = libvirt.virConnectListAllDomains(connection, list, flag);
	return takeArray(list[0], count);
}

function at<T>(connection: Connection, uuid: string, use: (domain: Handle<"domain">) => T): T {
	return using("domain", libvirt.virDomainLookupByUUIDString(connection, uuid), use);
}

/** For calls without a result. */
function run(connection: Connection, uuid: string, use: (domain: Handle<"domain">) => unknown): void {
	at(connection, uuid, (domain) => void use(domain));
}

function diskErrorsOf(domain: Handle<"domain">): DiskError[] {
	const found = Buffer.alloc(MOST_DISKS * DISK_ERROR_BYTES);
	const count = libvirt.virDomainGetDiskErrors(domain, found, MOST_DISKS, 0);
	return Array.from({ length: count }, (_, index) => {
		const name = found.readBigUInt64LE(index * DISK_ERROR_BYTES);
		const target: string = koffi.decode(name, "char", -1);
		koffi.free(name);
		return { target, noSpace: found.readInt32LE(index * DISK_ERROR_BYTES + 8) === DISK_ERROR_NO_SPACE };
	});
}

interface InterfaceStruct {
	name: string;
	hwaddr: string | null;
	naddrs: number;
	addrs: bigint | null;
}

function takeInterface(pointer: bigint): InterfaceAddresses {
	const found: InterfaceStruct = koffi.decode(pointer, domainInterface);
	const list: Array<{ type: number; addr: string; prefix: number }> =
		found.addrs === null || found.naddrs === 0 ? [] : koffi.decode(found.addrs, ipAddress, found.naddrs);
	const addresses = list.map(
		({ type, addr, prefix }): Address => ({ address: addr, prefix, family: type === 0 ? "ipv4" : "ipv6" }),
	);
	const result = { name: found.name, mac: found.hwaddr ?? undefined, addresses };
	libvirt.virDomainInterfaceFree(pointer);
	return result;
}

export const domains: Implementation<Domains> = {
	find(connection, nameOrUuid) {
		const domain = byNameOrUuid(
			nameOrUuid,
			(uuid) => libvirt.virDomainLookupByUUIDString(connection, uuid),
			(name) => libvirt.virDomainLookupByName(connection, name),
		);
		return domain && unlessGone(() => using("domain", domain, describe));
	},
	list: (connection) => usingEach("domain", all(connection), describe),
	listWithXml: (connection, options) =>
		usingEach("domain", all(connection, flags([options?.active, LIST_ACTIVE])), (domain) => ({
			...describe(domain),
			xml: libvirt.virDomainGetXMLDesc(domain, XML_INACTIVE),
		})),
	define(connection, xml, options) {
		const flag = flags([options?.validate !== false, DEFINE_VALIDATE]);
		return using("domain", libvirt.virDomainDefineXMLFlags(connection, xml, flag), describe);
	},
	createTransient(connection, xml, options) {
		const flag = flags([options?.paused, START_PAUSED], [options?.autoDestroy, START_AUTODESTROY]);
		return using("domain", libvirt.virDomainCreateXML(connection, xml, flag), describe);
	},
	xml(connection, uuid, options) {
		const flag = flags(
			[options?.secure, XML_SECURE],
			[options?.inactive, XML_INACTIVE],
			[options?.migratable, XML_MIGRATABLE],
		);
		return at(connection, uuid, (domain) => libvirt.virDomainGetXMLDesc(domain, flag));
	},
	start(connection, uuid, options) {
		const flag = flags([options?.paused, START_PAUSED], [options?.forceBoot, START_FORCE_BOOT]);
		run(connection, uuid, (domain) => libvirt.virDomainCreateWithFlags(domain, flag));
	},
	shutdown(connection, uuid, options) {
		const mode = options?.mode === undefined ? 0 : SHUTDOWN_MODES[options.mode];
		run(connection, uuid, (domain) => libvirt.virDomainShutdownFlags(domain, mode));
	},
	destroy(connection, uuid, options) {
		const flag = flags([options?.graceful, DESTROY_GRACEFUL]);
		run(connection, uuid, (domain) => libvirt.virDomainDestroyFlags(domain, flag));
	},
	suspend: (connection, uuid) => run(connection, uuid, (domain) => libvirt.virDomainSuspend(domain)),
	resume: (connection, uuid) => run(connection, uuid, (domain) => libvirt.virDomainResume(domain)),
	reboot: (connection, uuid) => run(connection, uuid, (domain) => libvirt.virDomainReboot(domain, 0)),
	reset: (connection, uuid) => run(connection, uuid, (domain) => libvirt.virDomainReset(domain, 0)),
	rename: (connection, uuid, name) => run(connection, uuid, (domain) => libvirt.virDomainRename(domain, name, 0)),
	undefine(connection, uuid, options) {
		const nvram = options?.keepNvram === true ? UNDEFINE_KEEP_NVRAM : UNDEFINE_NVRAM;
		run(connection, uuid, (domain) =>
			unlessUnsupported(
				() => libvirt.virDomainUndefineFlags(domain, UNDEFINE_METADATA | nvram),
				() => libvirt.virDomainUndefineFlags(domain, 0),
			),
		);
	},
	setAutostart(connection, uuid, autostart) {
		run(connection, uuid, (domain) => libvirt.virDomainSetAutostart(domain, autostart ? 1 : 0));
	},
	getAutostart(connection, uuid) {
		const autostart: [number] = [0];
		run(connection, uuid, (domain) => libvirt.virDomainGetAutostart(domain, autostart));
		return autostart[0] === 1;
	},
	state: (connection, uuid) => at(connection, uuid, stateOf),
	processorSeconds: (connection, uuid) => at(connection, uuid, processorSecondsOf),
	diskErrors: (connection, uuid) => at(connection, uuid, diskErrorsOf),
	setVcpus(connection, uuid, count, target, options) {
		const flag = targetFlags[target] | flags([options?.maximum, MAXIMUM]);
		run(connection, uuid, (domain) => libvirt.virDomainSetVcpusFlags(domain, count, flag));
	},
	setMemory(connection, uuid, memoryMiB, target, options) {
		const flag = targetFlags[target] | flags([options?.maximum, MAXIMUM]);
		run(connection, uuid, (domain) => libvirt.virDomainSetMemoryFlags(domain, memoryMiB * 1024, flag));
	},
	attachDevice(connection, uuid, xml, target) {
		run(connection, uuid, (domain) => libvirt.virDomainAttachDeviceFlags(domain, xml, targetFlags[target]));
	},
	detachDevice(connection, uuid, xml, target) {
		run(connection, uuid, (domain) => libvirt.virDomainDetachDeviceFlags(domain, xml, targetFlags[target]));
	},
	updateDevice(connection, uuid, xml, target) {
		run(connection, uuid, (domain) => libvirt.virDomainUpdateDeviceFlags(domain, xml, targetFlags[target]));
	},
	blockResize(connection, uuid, disk, capacityBytes) {
		run(connection, uuid, (domain) => libvirt.virDomainBlockResize(domain, disk, capacityBytes, RESIZE_BYTES));
	},
	blockPull(connection, uuid, disk) {
		run(connection, uuid, (domain) => libvirt.virDomainBlockPull(domain, disk, 0, 0));
	},
	blockJob: (connection, uuid, disk) =>
		at(connection, uuid, (domain) => {
			const info: Partial<BlockJobInfoStruct> = {};
			const found = libvirt.virDomainGetBlockJobInfo(domain, disk, info, 0);
			if (found === 0) return undefined;
			const kind = BLOCK_JOBS[info.type ?? 0] ?? "unknown";
			return { kind, doneBytes: Number(info.cur), totalBytes: Number(info.end) };
		}),
	blockJobAbort(connection, uuid, disk) {
		run(connection, uuid, (domain) => libvirt.virDomainBlockJobAbort(domain, disk, 0));
	},
	migrate: (connection, uuid, migration) => run(connection, uuid, (domain) => migrate(domain, migration)),
	setMaxDowntime(connection, uuid, milliseconds) {
		run(connection, uuid, (domain) => libvirt.virDomainMigrateSetMaxDowntime(domain, milliseconds, 0));
	},
	abortJob: (connection, uuid) => run(connection, uuid, (domain) => libvirt.virDomainAbortJob(domain)),
	save: (connection, uuid, path) =>
		run(connection, uuid, (domain) => libvirt.virDomainSaveFlags(domain, path, null, 0)),
	restore(connection, path, options) {
		const flag = options?.paused ? RESTORE_PAUSED : RESTORE_RUNNING;
		libvirt.virDomainRestoreFlags(connection, path, options?.xml ?? null, flag);
	},
	savedXml: (connection, path) => libvirt.virDomainSaveImageGetXMLDesc(connection, path, SAVED_XML_SECURE),
	job: (connection, uuid) => at(connection, uuid, jobOf),
	migrated: (connection, uuid) => at(connection, uuid, migratedBy),
	setMetadata(connection, uuid, namespaceUri, prefix, xml, target) {
		const key = xml === undefined || xml === null ? null : prefix;
		run(connection, uuid, (domain) =>
			libvirt.virDomainSetMetadata(domain, METADATA_ELEMENT, xml ?? null, key, namespaceUri, targetFlags[target]),
		);
	},
	interfaceAddresses: (connection, uuid, source) =>
		at(connection, uuid, (domain) => {
			const list: [bigint | null] = [null];
			const count = libvirt.virDomainInterfaceAddresses(domain, list, ADDRESS_SOURCES[source], 0);
			return takeArray(list[0], count).map(takeInterface);
		}),
	qmp: (connection, uuid, command, args, options) =>
		at(connection, uuid, (domain) => qmp(domain, command, args ?? undefined, options?.files ?? [])),
	agent: (connection, uuid, command, args) =>
		at(connection, uuid, (domain) => agent(domain, command, args ?? undefined)),
};
