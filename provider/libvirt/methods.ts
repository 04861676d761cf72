/** The methods of the interface as data: how many parameters come before the options, and which lane they run in. */
import type { CallOptions, Domains, Networks, Pools, Volumes } from "./api";

/**
 * "control": short calls. "guest": calls that wait for something inside a guest. "bulk": calls that move data. Each has
 * workers of its own, so that a slow guest or a long upload never holds up the control calls.
 */
export type LaneName = "control" | "guest" | "bulk";

export interface MethodSpec {
	/** Number of parameters before the options. */
	parameters: number;
	lane?: LaneName | ((args: unknown[], options: CallOptions) => LaneName);
	/** @default 30 */
	deadlineSeconds?: number | ((options: CallOptions) => number);
	/** The deadline is one without progress, and the call can be called off in order. */
	transfer?: boolean;
}

type Specs<Group> = { [Method in keyof Group]: MethodSpec };

const FULL_COPY_SECONDS = 3600;
const MIGRATION_SECONDS = 24 * 3600;

const isReflink = (options: CallOptions) => (options as { reflink?: boolean }).reflink === true;

export const domainMethods: Specs<Domains> = {
	find: { parameters: 1 },
	list: { parameters: 0 },
	listWithXml: { parameters: 0 },
	define: { parameters: 1 },
	createTransient: { parameters: 1 },
	xml: { parameters: 1 },
	start: { parameters: 1 },
	shutdown: {
		parameters: 1,
		lane: (_args, options) => ((options as { mode?: string }).mode === "agent" ? "guest" : "control"),
	},
	destroy: { parameters: 1 },
	suspend: { parameters: 1 },
	resume: { parameters: 1 },
	reboot: { parameters: 1 },
	reset: { parameters: 1 },
	rename: { parameters: 2 },
	undefine: { parameters: 1 },
	setAutostart: { parameters: 2 },
	getAutostart: { parameters: 1 },
	state: { parameters: 1 },
	processorSeconds: { parameters: 1 },
	diskErrors: { parameters: 1 },
	setVcpus: { parameters: 3 },
	setMemory: { parameters: 3 },
	attachDevice: { parameters: 3 },
	detachDevice: { parameters: 3 },
	updateDevice: { parameters: 3 },
	blockResize: { parameters: 3 },
	blockPull: { parameters: 2 },
	blockJob: { parameters: 2 },
	blockJobAbort: { parameters: 2 },
	migrate: { parameters: 2, lane: "guest", deadlineSeconds: MIGRATION_SECONDS },
	setMaxDowntime: { parameters: 2 },
	abortJob: { parameters: 1 },
	save: { parameters: 2, lane: "guest", deadlineSeconds: MIGRATION_SECONDS },
	restore: { parameters: 1, lane: "guest", deadlineSeconds: MIGRATION_SECONDS },
	savedXml: { parameters: 1 },
	job: { parameters: 1 },
	migrated: { parameters: 1 },
	setMetadata: { parameters: 5 },
	interfaceAddresses: { parameters: 2, lane: ([, source]) => (source === "agent" ? "guest" : "control") },
	qmp: { parameters: 3 },
	agent: { parameters: 3, lane: "guest" },
};

export const networkMethods: Specs<Networks> = {
	find: { parameters: 1 },
	list: { parameters: 0 },
	listWithXml: { parameters: 0 },
	define: { parameters: 1 },
	xml: { parameters: 1 },
	start: { parameters: 1 },
	destroy: { parameters: 1 },
	undefine: { parameters: 1 },
	setAutostart: { parameters: 2 },
	getAutostart: { parameters: 1 },
	update: { parameters: 5 },
	leases: { parameters: 1 },
};

export const poolMethods: Specs<Pools> = {
	find: { parameters: 1 },
	findByVolume: { parameters: 1 },
	list: { parameters: 0 },
	define: { parameters: 1 },
	build: { parameters: 1 },
	start: { parameters: 1 },
	destroy: { parameters: 1 },
	delete: { parameters: 1 },
	undefine: { parameters: 1 },
	refresh: { parameters: 1 },
	xml: { parameters: 1 },
	setAutostart: { parameters: 2 },
	getAutostart: { parameters: 1 },
	space: { parameters: 1 },
	listVolumes: { parameters: 1 },
};

export const volumeMethods: Specs<Volumes> = {
	find: { parameters: 1 },
	findInPool: { parameters: 2 },
	create: { parameters: 2 },
	createFrom: {
		parameters: 3,
		lane: (_args, options) => (isReflink(options) ? "control" : "bulk"),
		deadlineSeconds: (options) => (isReflink(options) ? 30 : FULL_COPY_SECONDS),
	},
	xml: { parameters: 1 },
	size: { parameters: 1 },
	resize: { parameters: 2 },
	delete: { parameters: 1 },
	upload: { parameters: 2, lane: "bulk", deadlineSeconds: 60, transfer: true },
	download: { parameters: 2, lane: "bulk", deadlineSeconds: 60, transfer: true },
};

export const hostMethods = {
	versions: { parameters: 0 },
	memory: { parameters: 0 },
	capabilitiesXml: { parameters: 0 },
	domainCapabilitiesXml: { parameters: 1 },
	compareCpu: { parameters: 2 },
	baselineCpu: { parameters: 2 },
} satisfies Record<string, MethodSpec>;
