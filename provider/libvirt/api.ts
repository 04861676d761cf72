/**
 * What the rest of the package may ask of a libvirt host. One method is one call of libvirt's C API (named in its
 * comment) or one question that several such calls answer together. Everything here is plain data, so that it can cross
 * the border to the worker processes that load libvirt.so.
 *
 * Every method rejects with a `LibvirtError` when libvirt refuses, with a `DeadlineError` when the call took longer
 * than its deadline (the worker that was blocked in it has then been killed and replaced), and with a `WorkerError`
 * when the worker died during the call. Look-ups (`find…`) resolve to `undefined` when there is no such object.
 */

import type { DomainJob, Migrated, Migration } from "./migration";

export interface CallOptions {
	/**
	 * Seconds until the call is given up and its worker is killed, counted from when a worker takes it. Calls with more
	 * than 60 run beside the others, two at a time, so that they hold nobody up.
	 * @default 30; `createFrom` without reflink 3600; `upload` and `download` 60 without progress
	 */
	deadlineSeconds?: number;
	/** Ends the wait early; a call that is already running is ended as by its deadline. Rejects with its reason. */
	signal?: AbortSignal;
}

/** A connection to one libvirt URI: a few worker processes behind one queue. Made by `connect(uri)`. */
export interface Host {
	readonly uri: string;
	readonly domains: Domains;
	readonly networks: Networks;
	readonly pools: Pools;
	readonly volumes: Volumes;
	/** Versions and identity of the host: virConnectGetLibVersion, virConnectGetVersion, virConnectGetHostname, host UUID. Cached. */
	info(options?: CallOptions): Promise<HostInfo>;
	/** What the host has for machines right now. virNodeGetMemoryStats */
	memory(options?: CallOptions): Promise<HostMemory>;
	/** virConnectGetCapabilities: XML. Cached: asking takes longer than making a machine. */
	capabilitiesXml(options?: CallOptions): Promise<string>;
	/** virConnectGetDomainCapabilities: XML. */
	domainCapabilitiesXml(query: EmulatorQuery, options?: CallOptions): Promise<string>;
	/**
	 * virConnectCompareHypervisorCPU: why the emulator there cannot give a guest this CPU (a `<cpu>` with a model);
	 * undefined when it can.
	 */
	compareCpu(cpuXml: string, query: EmulatorQuery, options?: CallOptions): Promise<string | undefined>;
	/**
	 * virConnectBaselineHypervisorCPU: the richest CPU that each of some CPUs (`<cpu>` with a model) has, and that the emulator
	 * there can give a guest: a `<cpu>` as well.
	 */
	baselineCpu(cpusXml: ReadonlyArray<string>, query: EmulatorQuery, options?: CallOptions): Promise<string>;
	/**
	 * Whether guests really run well under KVM: the same tiny guest is started under KVM and under emulation, and KVM has
	 * to be through with the firmware about as soon. Takes one to four seconds; cached per process and URI.
	 */
	kvmUsable(options?: CallOptions): Promise<boolean>;
	/** Ends all workers; pending calls reject. Also done at process exit. */
	close(): Promise<void>;
}

/** What a guest is run by; libvirt's defaults for what is not said. */
export interface EmulatorQuery {
	/** Path of the program. */
	emulator?: string | undefined;
	arch?: string | undefined;
	machine?: string | undefined;
	/** "kvm", "qemu" */
	type?: string | undefined;
}

export interface HostInfo {
	libvirtVersion: string;
	/** The hypervisor's version, QEMU's for qemu:/// URIs. */
	hypervisorVersion: string;
	hostname: string;
	hostUuid: string;
	/** "QEMU", "TEST"...: virConnectGetType. */
	driver: string;
}

export interface HostMemory {
	totalMiB: number;
	/** Free, or used for nothing but buffers and caches. */
	availableMiB: number;
}

export type DomainState =
	| "running"
	| "blocked"
	| "paused"
	| "shutdown"
	| "shutoff"
	| "crashed"
	| "suspended"
	| "unknown";

export interface DomainInfo {
	name: string;
	uuid: string;
	state: DomainState;
	persistent: boolean;
}

export interface Address {
	/** IP address without prefix. */
	address: string;
	prefix: number;
	family: "ipv4" | "ipv6";
}

/** A disk that QEMU could not read or write. */
export interface DiskError {
	/** Its name in the machine: "vda". */
	target: string;
	noSpace: boolean;
}

/** A job of QEMU's on a disk. */
export interface BlockJob {
	kind: "pull" | "copy" | "commit" | "active-commit" | "backup" | "unknown";
	doneBytes: number;
	/** May grow; 0 until QEMU knows. */
	totalBytes: number;
}

export interface InterfaceAddresses {
	/** Name of the interface as the source knows it (guest's name, or tap device). */
	name: string;
	mac: string | undefined;
	addresses: Address[];
}

export type AddressSource = "lease" | "agent" | "arp";

/** Domains are named by UUID, except where `find` takes a name. */
export interface Domains {
	/** By UUID or name. virDomainLookupByUUIDString, virDomainLookupByName */
	find(nameOrUuid: string, options?: CallOptions): Promise<DomainInfo | undefined>;
	/** All domains, active and inactive. virConnectListAllDomains */
	list(options?: CallOptions): Promise<DomainInfo[]>;
	/** All domains with their XML (inactive definition), in one round trip. @param options.active only those that run */
	listWithXml(options?: CallOptions & { active?: boolean }): Promise<Array<DomainInfo & { xml: string }>>;
	/** virDomainDefineXMLFlags(VIR_DOMAIN_DEFINE_VALIDATE unless told) */
	define(xml: string, options?: CallOptions & { validate?: boolean }): Promise<DomainInfo>;
	/**
	 * virDomainCreateXML: starts a domain without definition, which is gone when it ends.
	 * @param options.autoDestroy it is destroyed with the connection that made it, at the latest
	 */
	createTransient(
		xml: string,
		options?: CallOptions & { paused?: boolean; autoDestroy?: boolean },
	): Promise<DomainInfo>;
	/** virDomainGetXMLDesc. @param options.inactive the persistent definition instead of the live one, options.secure with secrets, options.migratable */
	xml(
		uuid: string,
		options?: CallOptions & { inactive?: boolean; secure?: boolean; migratable?: boolean },
	): Promise<string>;
	/** virDomainCreateWithFlags @param options.paused start without running a guest instruction */
	start(uuid: string, options?: CallOptions & { paused?: boolean; forceBoot?: boolean }): Promise<void>;
	/** virDomainShutdownFlags @param options.mode "acpi", "agent" or libvirt's choice */
	shutdown(uuid: string, options?: CallOptions & { mode?: "acpi" | "agent" }): Promise<void>;
	/** virDomainDestroyFlags: power off. */
	destroy(uuid: string, options?: CallOptions & { graceful?: boolean }): Promise<void>;
	suspend(uuid: string, options?: CallOptions): Promise<void>;
	resume(uuid: string, options?: CallOptions): Promise<void>;
	reboot(uuid: string, options?: CallOptions): Promise<void>;
	reset(uuid: string, options?: CallOptions): Promise<void>;
	/** virDomainRename: of a machine that is off */
	rename(uuid: string, name: string, options?: CallOptions): Promise<void>;
	/** virDomainUndefineFlags with NVRAM, managed save, snapshot and checkpoint metadata removed. @param options.keepNvram leaves the NVRAM file */
	undefine(uuid: string, options?: CallOptions & { keepNvram?: boolean }): Promise<void>;
	setAutostart(uuid: string, autostart: boolean, options?: CallOptions): Promise<void>;
	getAutostart(uuid: string, options?: CallOptions): Promise<boolean>;
	/** virDomainGetState */
	state(uuid: string, options?: CallOptions): Promise<{ state: DomainState; reason: number }>;
	/** virDomainGetInfo: seconds of processor time that the machine has used, its hypervisor included. */
	processorSeconds(uuid: string, options?: CallOptions): Promise<number>;
	/** virDomainGetDiskErrors: disks ("vda") whose reading or writing failed since the machine was last resumed. */
	diskErrors(uuid: string, options?: CallOptions): Promise<DiskError[]>;
	/** virDomainSetVcpusFlags @param target live guest, persistent definition, or both */
	setVcpus(
		uuid: string,
		count: number,
		target: ChangeTarget,
		options?: CallOptions & { maximum?: boolean },
	): Promise<void>;
	/** virDomainSetMemoryFlags, in MiB */
	setMemory(
		uuid: string,
		memoryMiB: number,
		target: ChangeTarget,
		options?: CallOptions & { maximum?: boolean },
	): Promise<void>;
	/** virDomainAttachDeviceFlags */
	attachDevice(uuid: string, deviceXml: string, target: ChangeTarget, options?: CallOptions): Promise<void>;
	/** virDomainDetachDeviceFlags. Success means that the request was made: look at the XML to know that the device is gone. */
	detachDevice(uuid: string, deviceXml: string, target: ChangeTarget, options?: CallOptions): Promise<void>;
	/** virDomainUpdateDeviceFlags */
	updateDevice(uuid: string, deviceXml: string, target: ChangeTarget, options?: CallOptions): Promise<void>;
	/** virDomainBlockResize, in bytes, of a running domain's disk ("vda" or its source path) */
	blockResize(uuid: string, disk: string, capacityBytes: number, options?: CallOptions): Promise<void>;
	/**
	 * virDomainBlockPull: begins to copy what lies below a running domain's disk ("vda" or its source path) into it, after
	 * which the disk stands alone. Ask `blockJob` how far it is.
	 */
	blockPull(uuid: string, disk: string, options?: CallOptions): Promise<void>;
	/** virDomainGetBlockJobInfo: the job that runs on a disk; undefined when there is none. */
	blockJob(uuid: string, disk: string, options?: CallOptions): Promise<BlockJob | undefined>;
	/** virDomainBlockJobAbort: ends the job that runs on a disk, and waits until it has ended. */
	blockJobAbort(uuid: string, disk: string, options?: CallOptions): Promise<void>;
	/**
	 * virDomainMigrateToURI3, from daemon to daemon: live, to a machine that is defined there and here no more. One that is
	 * paused is so there. It goes on when this call is given up.
	 */
	migrate(uuid: string, migration: Migration, options?: CallOptions): Promise<void>;
	/** virDomainMigrateSetMaxDowntime: for how long a running machine may stand still for the last of its memory. */
	setMaxDowntime(uuid: string, milliseconds: number, options?: CallOptions): Promise<void>;
	/** virDomainAbortJob: ends the job that holds the machine, such as a migration, as if it had not begun. */
	abortJob(uuid: string, options?: CallOptions): Promise<void>;
	/**
	 * virDomainSaveFlags: the memory and the devices of a running machine go into a file of its host, and it is off then.
	 * That goes on when this call is given up.
	 */
	save(uuid: string, path: string, options?: CallOptions): Promise<void>;
	/**
	 * virDomainRestoreFlags: a machine goes on from the file that it was saved into.
	 * @param options.xml what it is to be, instead of what it was; options.paused it stands still until it is resumed
	 */
	restore(path: string, options?: CallOptions & { xml?: string; paused?: boolean }): Promise<void>;
	/** virDomainSaveImageGetXMLDesc: what a machine was, with its secrets, that was saved into the file. */
	savedXml(path: string, options?: CallOptions): Promise<string>;
	/** virDomainGetJobStats: the job that holds the machine, such as a migration; undefined when there is none. */
	job(uuid: string, options?: CallOptions): Promise<DomainJob | undefined>;
	/** virDomainGetJobStats(COMPLETED): the migration by which the machine came here; undefined where that is not known. */
	migrated(uuid: string, options?: CallOptions): Promise<Migrated | undefined>;
	/** virDomainSetMetadata(VIR_DOMAIN_METADATA_ELEMENT); `xml` undefined removes it */
	setMetadata(
		uuid: string,
		namespaceUri: string,
		prefix: string,
		xml: string | undefined,
		target: ChangeTarget,
		options?: CallOptions,
	): Promise<void>;
	/** virDomainInterfaceAddresses */
	interfaceAddresses(uuid: string, source: AddressSource, options?: CallOptions): Promise<InterfaceAddresses[]>;
	/** virDomainQemuMonitorCommand: a QMP command; resolves to its `return`. What QEMU refuses rejects with a LibvirtError whose `errorName` is "QMP_ERROR" and that has QEMU's class in `qmpClass`. @param options.files are opened and passed along (virDomainQemuMonitorCommandWithFiles) */
	qmp<T = unknown>(
		uuid: string,
		command: string,
		args?: object,
		options?: CallOptions & { files?: OpenFile[] },
	): Promise<T>;
	/** virDomainQemuAgentCommand: a guest agent command; resolves to its `return`. Rejects at once with a LibvirtError whose `errorName` is "VIR_ERR_AGENT_UNRESPONSIVE" while no agent is connected. */
	agent<T = unknown>(uuid: string, command: string, args?: object, options?: CallOptions): Promise<T>;
	/** virDomainMemoryStats and friends that change by themselves come with the components that need them. */
}

/** A file that the worker opens and passes to QEMU: descriptors cannot cross from this process to a worker. */
export interface OpenFile {
	path: string;
	/** As for fs.open. */
	flags: "r" | "w" | "r+" | "w+" | "a";
}

export type ChangeTarget = "live" | "config" | "both";

export interface NetworkInfo {
	name: string;
	uuid: string;
	active: boolean;
	persistent: boolean;
}

export interface Lease {
	mac: string | undefined;
	address: string;
	prefix: number;
	hostname: string | undefined;
	expiresAt: number;
}

/** Networks are named by UUID, except where `find` takes a name. */
export interface Networks {
	find(nameOrUuid: string, options?: CallOptions): Promise<NetworkInfo | undefined>;
	list(options?: CallOptions): Promise<NetworkInfo[]>;
	listWithXml(options?: CallOptions): Promise<Array<NetworkInfo & { xml: string }>>;
	define(xml: string, options?: CallOptions): Promise<NetworkInfo>;
	xml(uuid: string, options?: CallOptions & { inactive?: boolean }): Promise<string>;
	start(uuid: string, options?: CallOptions): Promise<void>;
	destroy(uuid: string, options?: CallOptions): Promise<void>;
	undefine(uuid: string, options?: CallOptions): Promise<void>;
	setAutostart(uuid: string, autostart: boolean, options?: CallOptions): Promise<void>;
	getAutostart(uuid: string, options?: CallOptions): Promise<boolean>;
	/** virNetworkUpdate of one section's element. */
	update(
		uuid: string,
		command: "add" | "delete" | "modify",
		section: "ip-dhcp-host" | "ip-dhcp-range" | "dns-host",
		xml: string,
		target: ChangeTarget,
		options?: CallOptions,
	): Promise<void>;
	/** virNetworkGetDHCPLeases */
	leases(uuid: string, options?: CallOptions): Promise<Lease[]>;
}

export interface PoolInfo {
	name: string;
	uuid: string;
	active: boolean;
	persistent: boolean;
}

/** Pools are named by UUID, except where `find` takes a name. */
export interface Pools {
	find(nameOrUuid: string, options?: CallOptions): Promise<PoolInfo | undefined>;
	/** virStoragePoolLookupByVolume of the volume with that key or path */
	findByVolume(keyOrPath: string, options?: CallOptions): Promise<PoolInfo | undefined>;
	list(options?: CallOptions): Promise<PoolInfo[]>;
	define(xml: string, options?: CallOptions): Promise<PoolInfo>;
	/** virStoragePoolBuild (makes the directory) */
	build(uuid: string, options?: CallOptions): Promise<void>;
	start(uuid: string, options?: CallOptions): Promise<void>;
	destroy(uuid: string, options?: CallOptions): Promise<void>;
	/** virStoragePoolDelete (removes the directory; refused unless empty) */
	delete(uuid: string, options?: CallOptions): Promise<void>;
	undefine(uuid: string, options?: CallOptions): Promise<void>;
	refresh(uuid: string, options?: CallOptions): Promise<void>;
	xml(uuid: string, options?: CallOptions & { inactive?: boolean }): Promise<string>;
	setAutostart(uuid: string, autostart: boolean, options?: CallOptions): Promise<void>;
	getAutostart(uuid: string, options?: CallOptions): Promise<boolean>;
	/** virStoragePoolGetInfo, in bytes */
	space(
		uuid: string,
		options?: CallOptions,
	): Promise<{ capacityBytes: number; allocationBytes: number; availableBytes: number }>;
	/** All volumes with their XML, in one round trip. virStoragePoolListAllVolumes + virStorageVolGetXMLDesc */
	listVolumes(uuid: string, options?: CallOptions): Promise<Array<VolumeInfo & { xml: string }>>;
}

export interface VolumeInfo {
	name: string;
	/** libvirt's unique key; the path for file-based pools. */
	key: string;
	path: string;
	/** Name of the pool that holds it. */
	pool: string;
}

/** Volumes are named by key or path. */
export interface Volumes {
	/** virStorageVolLookupByKey, virStorageVolLookupByPath */
	find(keyOrPath: string, options?: CallOptions): Promise<VolumeInfo | undefined>;
	/** virStorageVolLookupByName */
	findInPool(poolUuid: string, name: string, options?: CallOptions): Promise<VolumeInfo | undefined>;
	/** virStorageVolCreateXML */
	create(poolUuid: string, xml: string, options?: CallOptions & { preallocateMetadata?: boolean }): Promise<VolumeInfo>;
	/** virStorageVolCreateXMLFrom @param options.reflink VIR_STORAGE_VOL_CREATE_REFLINK */
	createFrom(
		poolUuid: string,
		xml: string,
		sourceKey: string,
		options?: CallOptions & { reflink?: boolean },
	): Promise<VolumeInfo>;
	xml(keyOrPath: string, options?: CallOptions): Promise<string>;
	/** virStorageVolGetInfo, in bytes */
	size(keyOrPath: string, options?: CallOptions): Promise<{ capacityBytes: number; allocationBytes: number }>;
	/** virStorageVolResize to more bytes (never shrinks) */
	resize(keyOrPath: string, capacityBytes: number, options?: CallOptions): Promise<void>;
	delete(keyOrPath: string, options?: CallOptions): Promise<void>;
	/**
	 * virStorageVolUpload of a file of the machine that this runs on. Resolves to the number of bytes and their sha256.
	 * @param options.onProgress bytes sent so far, each second or 64 MiB
	 * @param options.sparse holes of the file are not sent. Only for a volume just made: what a volume held before would
	 * stay where the file has holes.
	 */
	upload(
		keyOrPath: string,
		file: string,
		options?: CallOptions & { onProgress?: (bytes: number) => void; sparse?: boolean },
	): Promise<Transfer>;
	/** virStorageVolDownload into a file of the machine that this runs on, replacing it; holes stay holes. */
	download(
		keyOrPath: string,
		file: string,
		options?: CallOptions & { onProgress?: (bytes: number) => void },
	): Promise<Transfer>;
}

export interface Transfer {
	bytes: number;
	sha256: string;
}
