/**
 * libvirt's C library as an object of checked functions: each throws a `LibvirtError` when libvirt reports a failure.
 * Only code of the worker processes may import this file: the calls block, and koffi stays out of the provider process.
 */
import { LibvirtError } from "../errors";
import { domainName, errorName } from "../names";
import { koffi, type Library, type NativeFunction, type TypeObject } from "./koffi";
import { type JsTypes, type Signature, type Signatures, signatures, type TypeName } from "./signatures";

const opaque = (name: string) => koffi.pointer(name, koffi.opaque());
const out = (type: string | TypeObject) => koffi.out(koffi.pointer(type as TypeObject));
const inout = (type: string) => koffi.inout(koffi.pointer(type));

const text = koffi.disposable("libvirt_text", "str");

const authCallback = koffi.proto("int virConnectAuthCallback(void *credentials, uint count, void *data)");

/** `struct _virConnectAuth` */
const auth = koffi.struct("virConnectAuth", {
	credtype: koffi.pointer("int"),
	ncredtype: "uint",
	cb: koffi.pointer(authCallback),
	cbdata: "void *",
});

/** `struct _virNetworkDHCPLease` */
export const dhcpLease = koffi.struct("virNetworkDHCPLease", {
	iface: "str",
	expirytime: "longlong",
	type: "int",
	mac: "str",
	iaid: "str",
	ipaddr: "str",
	prefix: "uint",
	hostname: "str",
	clientid: "str",
});

/** `struct _virDomainIPAddress` */
export const ipAddress = koffi.struct("virDomainIPAddress", { type: "int", addr: "str", prefix: "uint" });

/** `struct _virDomainInterface` */
export const domainInterface = koffi.struct("virDomainInterface", {
	name: "str",
	hwaddr: "str",
	naddrs: "uint",
	addrs: "void *",
});

const poolInfo = koffi.struct("virStoragePoolInfo", {
	state: "int",
	capacity: "ulonglong",
	allocation: "ulonglong",
	available: "ulonglong",
});

const volumeInfo = koffi.struct("virStorageVolInfo", {
	type: "int",
	capacity: "ulonglong",
	allocation: "ulonglong",
});

/** `struct _virDomainBlockJobInfo` */
const blockJobInfo = koffi.struct("virDomainBlockJobInfo", {
	type: "int",
	bandwidth: "ulong",
	cur: "ulonglong",
	end: "ulonglong",
});

const cTypes: Record<TypeName, string | TypeObject | ReturnType<typeof koffi.out>> = {
	void: "void",
	int: "int",
	rawInt: "int",
	uint: "uint",
	ulong: "ulong",
	longlong: "longlong",
	ulonglong: "ulonglong",
	size: "size_t",
	str: "str",
	strOrNull: "str",
	text,
	connection: opaque("virConnectPtr"),
	domain: opaque("virDomainPtr"),
	network: opaque("virNetworkPtr"),
	pool: opaque("virStoragePoolPtr"),
	volume: opaque("virStorageVolPtr"),
	stream: opaque("virStreamPtr"),
	pointer: "void *",
	auth: koffi.pointer(auth),
	callback: "void *",
	pointerOrNull: "void *",
	buffer: koffi.pointer("uint8_t"),
	ints: koffi.pointer("int"),
	strs: koffi.pointer("str"),
	outInt: out("int"),
	outUint: out("uint"),
	outUlong: out("ulong"),
	outLonglong: out("longlong"),
	outText: out(text),
	outPointer: out("void *"),
	inoutPointer: inout("void *"),
	inoutInt: inout("int"),
	outUuid: out("uint8_t"),
	poolInfo: out(poolInfo),
	volumeInfo: out(volumeInfo),
	blockJobInfo: out(blockJobInfo),
};

type ToJs<Names extends readonly TypeName[]> = { [I in keyof Names]: JsTypes[Names[I]] };

/** libvirt's functions by their C names. A failure is thrown as a LibvirtError. */
export type Libvirt = {
	[Name in keyof Signatures]: Signatures[Name] extends Signature<infer Result, infer Names>
		? (...parameters: ToJs<Names>) => JsTypes[Result]
		: never;
};

/** The call that this worker runs: set by whoever starts it, read by what runs below. */
export const currentCall = {
	/** URI shown in errors, without passwords. */
	shownUri: "libvirt",
	/** For how long the caller waits. */
	deadlineSeconds: 30,
	/** Whether something was called that must not be repeated blindly. */
	acted: false,
};

function loadLibrary(name: string): Library {
	try {
		return koffi.load(name);
	} catch (error) {
		throw new Error(
			`libvirt's client library ${name} cannot be loaded: ${(error as Error).message}. ` +
				"Install it on the machine that runs Pulumi: Debian and Ubuntu: libvirt0, Fedora: libvirt-libs, Arch: libvirt.",
		);
	}
}

const libraries = new Map<string, Library>();
function libraryOf(functionName: string): Library {
	const name = functionName.startsWith("virDomainQemu") ? "libvirt-qemu.so.0" : "libvirt.so.0";
	let library = libraries.get(name);
	if (library === undefined) {
		library = loadLibrary(name);
		libraries.set(name, library);
	}
	return library;
}

/** The plain function, for calls that must not be checked; also has `async`, which runs it in another thread. */
export function rawFunction(name: keyof Signatures): NativeFunction {
	const signature: Signature = signatures[name];
	const c = (type: TypeName) => cTypes[type] as string;
	try {
		return libraryOf(name).func(name, c(signature.result), signature.parameters.map(c));
	} catch (error) {
		if (!String((error as Error).message).includes(name)) throw error;
		throw new Error(`this machine's libvirt library has no ${name}: libvirt 8.2 or newer is needed`);
	}
}

function failed(result: TypeName, value: unknown): boolean {
	if (result === "int") return (value as number) < 0;
	if (result === "void" || result === "rawInt") return false;
	return value === null;
}

function checked(name: keyof Signatures): (...parameters: unknown[]) => unknown {
	const { kind, result } = signatures[name];
	const plain = rawFunction(name);
	return (...parameters) => {
		if (kind === "acts") currentCall.acted = true;
		const value: unknown = plain(...parameters);
		if (failed(result, value)) throw lastError(name);
		return value;
	};
}

/** Functions are looked up at their first use: a worker uses few of them, and an old libvirt may lack some. */
export const libvirt = new Proxy<Record<string, unknown>>(
	{},
	{
		get(found, name: string) {
			found[name] ??= checked(name as keyof Signatures);
			return found[name];
		},
	},
) as unknown as Libvirt;

/** libvirt keeps the last error per thread: it is read where the call was made. */
export function lastError(call: string): LibvirtError {
	const libvirtCode = libvirt.virGetLastErrorCode();
	return new LibvirtError({
		reason: libvirtCode === 0 ? "failed without giving a reason" : libvirt.virGetLastErrorMessage(),
		libvirtCode,
		errorName: errorName(libvirtCode),
		errorDomain: domainName(libvirt.virGetLastErrorDomain()),
		call,
		uri: currentCall.shownUri,
	});
}

/** libvirt prints each error to stderr unless told otherwise: virResetError(NULL) does nothing, so it serves as handler. */
export function initialize(): void {
	libvirt.virInitialize();
	libvirt.virSetErrorFunc(null, libraryOf("virResetError").symbol("virResetError") as bigint);
}

/** The pointers in an array that libvirt allocated; frees the array, not what its members point to. */
export function takeArray<Member extends bigint>(array: bigint | null, length: number): Member[] {
	if (array === null) return [];
	const members = length === 0 ? [] : (koffi.decode(array, "void *", length) as Member[]);
	koffi.free(array);
	return members;
}

/** `char[VIR_UUID_STRING_BUFLEN]` filled by `fill`. */
export function uuidString(fill: (buffer: Buffer) => unknown): string {
	const buffer = Buffer.alloc(37);
	fill(buffer);
	return buffer.toString("latin1", 0, 36);
}

let refusal: bigint | undefined;

/** Credentials are never asked for (nobody is there to answer): libvirt's own auth.conf can still give them. */
export function noQuestions(): object {
	// As libvirt's own clients: one that can also tell a user name is asked for it, and auth.conf has rarely one beside the
	// name that authenticates.
	const credentials = [2, 5, 6, 7, 8, 9];
	refusal ??= koffi.register(() => -1, koffi.pointer(authCallback));
	return { credtype: credentials, ncredtype: credentials.length, cb: refusal, cbdata: null };
}
