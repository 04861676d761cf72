/**
 * The functions of libvirt that are used here, with their C signatures: result first, then the parameters.
 *
 * The three kinds say what a lost connection means for a call that may have reached the host:
 * `reads` changes nothing, `sets` comes to the same when it is done twice, `acts` must not be repeated blindly.
 */

/** C types by the names used below, as they look in TypeScript. */
export interface JsTypes {
	void: undefined;
	/** int; below 0 means failure */
	int: number;
	/** int that the caller looks at, whatever it is */
	rawInt: number;
	uint: number;
	ulong: number;
	longlong: number | bigint;
	ulonglong: number | bigint;
	size: number;
	/** const char *, owned by libvirt or by us; NULL as a result means failure */
	str: string;
	/** const char * that may be NULL */
	strOrNull: string | null;
	/** char * that has to be freed (koffi does); NULL means failure */
	text: string;
	connection: Handle<"connection">;
	domain: Handle<"domain">;
	network: Handle<"network">;
	pool: Handle<"pool">;
	volume: Handle<"volume">;
	stream: Handle<"stream">;
	/** memory that we own, or an array handed over to us */
	pointer: bigint;
	auth: object;
	callback: bigint;
	pointerOrNull: bigint | null;
	buffer: Buffer;
	ints: number[];
	/** const char ** */
	strs: string[];
	outInt: [number];
	outUint: [number];
	outUlong: [number | bigint];
	outLonglong: [number | bigint];
	outText: [string | null];
	outPointer: [bigint | null];
	/** what is there is changed */
	inoutPointer: [bigint | null];
	inoutInt: [number];
	/** char[37] */
	outUuid: Buffer;
	poolInfo: Partial<PoolInfoStruct>;
	volumeInfo: Partial<VolumeInfoStruct>;
	blockJobInfo: Partial<BlockJobInfoStruct>;
}

export interface PoolInfoStruct {
	state: number;
	capacity: number | bigint;
	allocation: number | bigint;
	available: number | bigint;
}

export interface VolumeInfoStruct {
	type: number;
	capacity: number | bigint;
	allocation: number | bigint;
}

export interface BlockJobInfoStruct {
	type: number;
	bandwidth: number | bigint;
	cur: number | bigint;
	end: number | bigint;
}

/** A pointer to one of libvirt's objects. */
export type Handle<Kind extends string> = bigint & { readonly kind: Kind };

export type TypeName = keyof JsTypes;

export interface Signature<Result extends TypeName = TypeName, Parameters extends readonly TypeName[] = TypeName[]> {
	kind: "reads" | "sets" | "acts";
	result: Result;
	parameters: Parameters;
}

const define =
	(kind: Signature["kind"]) =>
	<Result extends TypeName, Parameters extends TypeName[]>(
		result: Result,
		...parameters: Parameters
	): Signature<Result, Parameters> => ({ kind, result, parameters });

const reads = define("reads");
const sets = define("sets");
const acts = define("acts");

export const signatures = {
	virInitialize: reads("int"),
	virSetErrorFunc: reads("void", "pointerOrNull", "pointer"),
	virGetLastErrorCode: reads("rawInt"),
	virGetLastErrorDomain: reads("rawInt"),
	virGetLastErrorMessage: reads("str"),

	virConnectOpenAuth: reads("connection", "str", "auth", "uint"),
	virConnectClose: reads("int", "connection"),
	virConnectSetKeepAlive: reads("int", "connection", "int", "uint"),
	virConnectGetType: reads("str", "connection"),
	virConnectGetVersion: reads("int", "connection", "outUlong"),
	virConnectGetLibVersion: reads("int", "connection", "outUlong"),
	virConnectGetHostname: reads("text", "connection"),
	virConnectGetCapabilities: reads("text", "connection"),
	virNodeGetMemoryStats: reads("int", "connection", "int", "buffer", "buffer", "uint"),
	virConnectGetDomainCapabilities: reads(
		"text",
		"connection",
		"strOrNull",
		"strOrNull",
		"strOrNull",
		"strOrNull",
		"uint",
	),

	virConnectCompareHypervisorCPU: reads(
		"int",
		"connection",
		"strOrNull",
		"strOrNull",
		"strOrNull",
		"strOrNull",
		"str",
		"uint",
	),
	virConnectBaselineHypervisorCPU: reads(
		"text",
		"connection",
		"strOrNull",
		"strOrNull",
		"strOrNull",
		"strOrNull",
		"strs",
		"uint",
		"uint",
	),

	virConnectListAllDomains: reads("int", "connection", "outPointer", "uint"),
	virDomainLookupByUUIDString: reads("domain", "connection", "str"),
	virDomainLookupByName: reads("domain", "connection", "str"),
	virDomainFree: reads("int", "domain"),
	virDomainGetName: reads("str", "domain"),
	virDomainGetUUIDString: reads("int", "domain", "outUuid"),
	virDomainGetState: reads("int", "domain", "outInt", "outInt", "uint"),
	virDomainGetInfo: reads("int", "domain", "buffer"),
	virDomainIsPersistent: reads("int", "domain"),
	virDomainGetXMLDesc: reads("text", "domain", "uint"),
	virDomainDefineXMLFlags: acts("domain", "connection", "str", "uint"),
	virDomainCreateXML: acts("domain", "connection", "str", "uint"),
	virDomainCreateWithFlags: acts("int", "domain", "uint"),
	virDomainShutdownFlags: acts("int", "domain", "uint"),
	virDomainDestroyFlags: acts("int", "domain", "uint"),
	virDomainSuspend: acts("int", "domain"),
	virDomainResume: acts("int", "domain"),
	virDomainReboot: acts("int", "domain", "uint"),
	virDomainReset: acts("int", "domain", "uint"),
	virDomainRename: acts("int", "domain", "str", "uint"),
	virDomainUndefineFlags: acts("int", "domain", "uint"),
	virDomainSetAutostart: sets("int", "domain", "int"),
	virDomainGetAutostart: reads("int", "domain", "outInt"),
	virDomainSetVcpusFlags: sets("int", "domain", "uint", "uint"),
	virDomainSetMemoryFlags: sets("int", "domain", "ulong", "uint"),
	virDomainAttachDeviceFlags: acts("int", "domain", "str", "uint"),
	virDomainDetachDeviceFlags: acts("int", "domain", "str", "uint"),
	virDomainUpdateDeviceFlags: sets("int", "domain", "str", "uint"),
	virDomainBlockPull: acts("int", "domain", "str", "ulong", "uint"),
	virDomainGetDiskErrors: reads("int", "domain", "buffer", "uint", "uint"),
	virDomainGetBlockJobInfo: reads("int", "domain", "str", "blockJobInfo", "uint"),
	virDomainBlockJobAbort: sets("int", "domain", "str", "uint"),
	virDomainBlockResize: sets("int", "domain", "str", "ulonglong", "uint"),
	virDomainSetMetadata: sets("int", "domain", "int", "strOrNull", "strOrNull", "str", "uint"),
	virDomainInterfaceAddresses: reads("int", "domain", "outPointer", "uint", "uint"),
	virDomainInterfaceFree: reads("void", "pointer"),
	virDomainMigrateToURI3: acts("int", "domain", "str", "pointerOrNull", "uint", "uint"),
	virDomainGetJobStats: reads("int", "domain", "outInt", "outPointer", "outInt", "uint"),
	virDomainMigrateSetMaxDowntime: sets("int", "domain", "ulonglong", "uint"),
	virDomainAbortJob: sets("int", "domain"),
	virDomainSaveFlags: acts("int", "domain", "str", "strOrNull", "uint"),
	virDomainRestoreFlags: acts("int", "connection", "str", "strOrNull", "uint"),
	virDomainSaveImageGetXMLDesc: reads("text", "connection", "str", "uint"),
	virTypedParamsAddString: reads("int", "inoutPointer", "inoutInt", "inoutInt", "str", "str"),
	virTypedParamsAddULLong: reads("int", "inoutPointer", "inoutInt", "inoutInt", "str", "ulonglong"),
	virTypedParamsFree: reads("void", "pointerOrNull", "int"),
	virDomainQemuMonitorCommand: acts("int", "domain", "str", "outText", "uint"),
	virDomainQemuMonitorCommandWithFiles: acts(
		"int",
		"domain",
		"str",
		"uint",
		"ints",
		"outUint",
		"outPointer",
		"outText",
		"uint",
	),
	virDomainQemuAgentCommand: acts("text", "domain", "str", "int", "uint"),

	virConnectListAllNetworks: reads("int", "connection", "outPointer", "uint"),
	virNetworkLookupByUUIDString: reads("network", "connection", "str"),
	virNetworkLookupByName: reads("network", "connection", "str"),
	virNetworkFree: reads("int", "network"),
	virNetworkGetName: reads("str", "network"),
	virNetworkGetUUIDString: reads("int", "network", "outUuid"),
	virNetworkIsActive: reads("int", "network"),
	virNetworkIsPersistent: reads("int", "network"),
	virNetworkGetXMLDesc: reads("text", "network", "uint"),
	virNetworkDefineXML: acts("network", "connection", "str"),
	virNetworkCreate: acts("int", "network"),
	virNetworkDestroy: acts("int", "network"),
	virNetworkUndefine: acts("int", "network"),
	virNetworkSetAutostart: sets("int", "network", "int"),
	virNetworkGetAutostart: reads("int", "network", "outInt"),
	virNetworkUpdate: acts("int", "network", "uint", "uint", "int", "str", "uint"),
	virNetworkGetDHCPLeases: reads("int", "network", "strOrNull", "outPointer", "uint"),
	virNetworkDHCPLeaseFree: reads("void", "pointer"),

	virConnectListAllStoragePools: reads("int", "connection", "outPointer", "uint"),
	virStoragePoolLookupByUUIDString: reads("pool", "connection", "str"),
	virStoragePoolLookupByName: reads("pool", "connection", "str"),
	virStoragePoolLookupByVolume: reads("pool", "volume"),
	virStoragePoolFree: reads("int", "pool"),
	virStoragePoolGetName: reads("str", "pool"),
	virStoragePoolGetUUIDString: reads("int", "pool", "outUuid"),
	virStoragePoolIsActive: reads("int", "pool"),
	virStoragePoolIsPersistent: reads("int", "pool"),
	virStoragePoolGetXMLDesc: reads("text", "pool", "uint"),
	virStoragePoolDefineXML: acts("pool", "connection", "str", "uint"),
	virStoragePoolBuild: acts("int", "pool", "uint"),
	virStoragePoolCreate: acts("int", "pool", "uint"),
	virStoragePoolDestroy: acts("int", "pool"),
	virStoragePoolDelete: acts("int", "pool", "uint"),
	virStoragePoolUndefine: acts("int", "pool"),
	virStoragePoolRefresh: sets("int", "pool", "uint"),
	virStoragePoolSetAutostart: sets("int", "pool", "int"),
	virStoragePoolGetAutostart: reads("int", "pool", "outInt"),
	virStoragePoolGetInfo: reads("int", "pool", "poolInfo"),
	virStoragePoolListAllVolumes: reads("int", "pool", "outPointer", "uint"),

	virStorageVolLookupByKey: reads("volume", "connection", "str"),
	virStorageVolLookupByPath: reads("volume", "connection", "str"),
	virStorageVolLookupByName: reads("volume", "pool", "str"),
	virStorageVolFree: reads("int", "volume"),
	virStorageVolGetName: reads("str", "volume"),
	virStorageVolGetKey: reads("str", "volume"),
	virStorageVolGetPath: reads("text", "volume"),
	virStorageVolGetXMLDesc: reads("text", "volume", "uint"),
	virStorageVolGetInfo: reads("int", "volume", "volumeInfo"),
	virStorageVolCreateXML: acts("volume", "pool", "str", "uint"),
	virStorageVolCreateXMLFrom: acts("volume", "pool", "str", "volume", "uint"),
	virStorageVolResize: sets("int", "volume", "ulonglong", "uint"),
	virStorageVolDelete: acts("int", "volume", "uint"),
	virStorageVolUpload: acts("int", "volume", "stream", "ulonglong", "ulonglong", "uint"),
	virStorageVolDownload: reads("int", "volume", "stream", "ulonglong", "ulonglong", "uint"),

	virStreamNew: reads("stream", "connection", "uint"),
	virStreamSend: acts("int", "stream", "buffer", "size"),
	virStreamSendHole: acts("int", "stream", "longlong", "uint"),
	virStreamRecvFlags: acts("rawInt", "stream", "buffer", "size", "uint"),
	virStreamRecvHole: acts("int", "stream", "outLonglong", "uint"),
	virStreamFinish: acts("int", "stream"),
	virStreamAbort: acts("int", "stream"),
	virStreamFree: reads("int", "stream"),

	virEventRegisterDefaultImpl: reads("int"),
	virEventRunDefaultImpl: reads("int"),
	virEventAddTimeout: reads("int", "int", "callback", "pointerOrNull", "pointerOrNull"),
	virConnectDomainEventRegisterAny: reads(
		"int",
		"connection",
		"pointerOrNull",
		"int",
		"callback",
		"pointerOrNull",
		"pointerOrNull",
	),
	virConnectDomainEventDeregisterAny: reads("int", "connection", "int"),
	virConnectRegisterCloseCallback: reads("int", "connection", "callback", "pointerOrNull", "pointerOrNull"),
	virConnectUnregisterCloseCallback: reads("int", "connection", "callback"),
};

export type Signatures = typeof signatures;
