/** `connect(uri)`: the interface to one host, on its lanes of workers. */
import type { CallOptions, EmulatorQuery, Host, HostInfo, HostMemory } from "./api";
import { hostUuid } from "./capabilities";
import { redact } from "./errors";
import { closeWatchers } from "./events";
import { runsWell } from "./kvm";
import { type Call, type HostState, Lane } from "./lane";
import {
	domainMethods,
	hostMethods,
	type LaneName,
	type MethodSpec,
	networkMethods,
	poolMethods,
	volumeMethods,
} from "./methods";

const DEFAULT_DEADLINE_SECONDS = 30;
/** Who is ready to wait longer than this expects the call to block: it must not hold up the others. */
const LONG_SECONDS = 60;
const GUEST_WORKERS = 2;
const BULK_WORKERS = 2;

const hosts = new Map<string, LibvirtHost>();

/**
 * The host at a libvirt URI. One per URI and process; nothing is opened before the first call, whose error says what is
 * wrong with the URI or the host.
 */
export function connect(uri: string): Host {
	let host = hosts.get(uri);
	if (host === undefined) {
		host = new LibvirtHost(uri, () => hosts.delete(uri));
		hosts.set(uri, host);
	}
	return host;
}

/** Closes all hosts of this process, and all that watch for events. */
export async function closeAll(): Promise<void> {
	await Promise.all([closeWatchers(), ...[...hosts.values()].map((host) => host.close())]);
}

/** Calls in flight per host: `CLONES_WORKERS`, 1 to 64. @default 4 */
function controlWorkers(): number {
	const given = process.env.CLONES_WORKERS;
	if (given === undefined || given === "") return 4;
	const count = Number(given);
	if (Number.isInteger(count) && count >= 1 && count <= 64) return count;
	throw new Error(`CLONES_WORKERS is ${JSON.stringify(given)}: it has to be a whole number from 1 to 64`);
}

/** What a method of the interface is turned into. */
export type Runner = (name: string, spec: MethodSpec, parameters: unknown[], origin?: Error) => Promise<unknown>;

/** An object with a method for each of the specs. */
function group<Group>(prefix: string, specs: { [Method in keyof Group]: MethodSpec }, run: Runner): Group {
	const methods = Object.entries<MethodSpec>(specs).map(([name, spec]) => {
		const method = (...parameters: unknown[]) => {
			const origin = new Error();
			Error.captureStackTrace(origin, method);
			return run(`${prefix}.${name}`, spec, parameters, origin);
		};
		return [name, method];
	});
	return Object.fromEntries(methods) as unknown as Group;
}

interface HostCalls {
	versions(options?: CallOptions): Promise<Omit<HostInfo, "hostUuid">>;
	memory: Host["memory"];
	capabilitiesXml: Host["capabilitiesXml"];
	domainCapabilitiesXml: Host["domainCapabilitiesXml"];
	compareCpu: Host["compareCpu"];
	baselineCpu: Host["baselineCpu"];
}

class LibvirtHost implements Host {
	readonly domains: Host["domains"];
	readonly networks: Host["networks"];
	readonly pools: Host["pools"];
	readonly volumes: Host["volumes"];
	private readonly calls: HostCalls;
	private readonly lanes: Record<LaneName, Lane>;
	private cachedInfo: Promise<HostInfo> | undefined;
	private cachedKvm: Promise<boolean> | undefined;
	private cachedCapabilities: Promise<string> | undefined;

	constructor(
		readonly uri: string,
		private readonly onClose: () => void,
	) {
		const state: HostState = { uri, shownUri: redact(uri), answered: false };
		this.lanes = makeLanes(state);
		const run: Runner = (...parameters) => this.run(...parameters);
		this.domains = group<Host["domains"]>("domains", domainMethods, run);
		this.networks = group<Host["networks"]>("networks", networkMethods, run);
		this.pools = group<Host["pools"]>("pools", poolMethods, run);
		this.volumes = group<Host["volumes"]>("volumes", volumeMethods, run);
		this.calls = group<HostCalls>("host", hostMethods, run);
	}

	info(options?: CallOptions): Promise<HostInfo> {
		this.cachedInfo ??= forgetFailure(
			() => this.readInfo(options),
			() => {
				this.cachedInfo = undefined;
			},
		);
		return this.cachedInfo;
	}

	private async readInfo(options?: CallOptions): Promise<HostInfo> {
		const [versions, capabilities] = await Promise.all([this.calls.versions(options), this.capabilitiesXml(options)]);
		return { ...versions, hostUuid: hostUuid(capabilities) };
	}

	memory(options?: CallOptions): Promise<HostMemory> {
		return this.calls.memory(options);
	}

	capabilitiesXml(options?: CallOptions): Promise<string> {
		this.cachedCapabilities ??= forgetFailure(
			() => this.calls.capabilitiesXml(options),
			() => {
				this.cachedCapabilities = undefined;
			},
		);
		return this.cachedCapabilities;
	}

	domainCapabilitiesXml(query: EmulatorQuery, options?: CallOptions): Promise<string> {
		return this.calls.domainCapabilitiesXml(query, options);
	}

	compareCpu(cpuXml: string, query: EmulatorQuery, options?: CallOptions): Promise<string | undefined> {
		return this.calls.compareCpu(cpuXml, query, options);
	}

	baselineCpu(cpusXml: ReadonlyArray<string>, query: EmulatorQuery, options?: CallOptions): Promise<string> {
		return this.calls.baselineCpu(cpusXml, query, options);
	}

	kvmUsable(options?: CallOptions): Promise<boolean> {
		this.cachedKvm ??= forgetFailure(
			() => runsWell(this, "kvm", options),
			() => {
				this.cachedKvm = undefined;
			},
		);
		return this.cachedKvm;
	}

	async close(): Promise<void> {
		this.onClose();
		await Promise.all([...new Set(Object.values(this.lanes))].map((lane) => lane.close()));
	}

	/** @internal also used by the tests, with calls that are not in the interface */
	run(method: string, spec: MethodSpec, parameters: unknown[], origin?: Error): Promise<unknown> {
		const { deadlineSeconds, signal, onProgress, ...options } = (parameters[spec.parameters] ?? {}) as CallOptions & {
			onProgress?: (bytes: number) => void;
		};
		const args = parameters.slice(0, spec.parameters);
		const defaultDeadline =
			typeof spec.deadlineSeconds === "function" ? spec.deadlineSeconds(options) : spec.deadlineSeconds;
		const call: Call = {
			method,
			args: [...args, ...Array(spec.parameters - args.length).fill(undefined), options],
			deadlineSeconds: positive(deadlineSeconds ?? defaultDeadline ?? DEFAULT_DEADLINE_SECONDS),
			transfer: spec.transfer === true,
			onProgress,
			signal,
			origin,
		};
		let lane = (typeof spec.lane === "function" ? spec.lane(args, options) : spec.lane) ?? "control";
		if (lane === "control" && call.deadlineSeconds > LONG_SECONDS) lane = "guest";
		return this.lanes[lane].run(call);
	}
}

function makeLanes(state: HostState): Record<LaneName, Lane> {
	// The test driver keeps its objects in the memory of the process.
	if (state.uri.startsWith("test:")) {
		const only = new Lane(state, 1);
		return { control: only, guest: only, bulk: only };
	}
	return {
		control: new Lane(state, controlWorkers()),
		guest: new Lane(state, GUEST_WORKERS),
		bulk: new Lane(state, BULK_WORKERS),
	};
}

function positive(deadlineSeconds: number): number {
	const longest = 2 ** 31 / 1000 - 1;
	if (deadlineSeconds > 0 && deadlineSeconds < longest) return deadlineSeconds;
	throw new RangeError(`deadlineSeconds is ${deadlineSeconds}: it has to be above 0 and at most ${longest}`);
}

/** A failure must not stay in a cache: the next one who asks tries again. */
function forgetFailure<T>(ask: () => Promise<T>, forget: () => void): Promise<T> {
	return ask().catch((error) => {
		forget();
		throw error;
	});
}
