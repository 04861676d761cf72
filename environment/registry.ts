/**
 * What can be declared in an environment. A new kind of component joins by one entry in `components`: its schema, which of
 * its properties name other things, and how it is built; validation, JSON Schema, reference and types follow from it.
 */
import * as pulumi from "@pulumi/pulumi";
import { ClonedInstanceWithInit } from "../components/cloned-instance-with-init";
import type { ClonedInstanceWithInitArgs } from "../components/cloned-instance-with-init/args";
import { clonedInstanceWithInitRules } from "../components/cloned-instance-with-init/rules";
import { clonedInstanceWithInitSchema } from "../components/cloned-instance-with-init/schema";
import { ForkPoint } from "../components/fork-point";
import { type ForkedChild, ForkedVMSet } from "../components/forked-vm-set";
import type { ForkedVMSetArgs } from "../components/forked-vm-set/args";
import { forkedVMSetRules, forkedVMSetSchema } from "../components/forked-vm-set/schema";
import { MorphMigration } from "../components/morph-migration";
import type { MorphMigrationArgs } from "../components/morph-migration/args";
import { morphMigrationRules } from "../components/morph-migration/rules";
import { morphMigrationSchema } from "../components/morph-migration/schema";
import { TemplateCatalog } from "../components/template-catalog";
import type { TemplateCatalogArgs } from "../components/template-catalog/args";
import { templateCatalogRules, templateCatalogSchema } from "../components/template-catalog/schema";
import { ThinClonePool } from "../components/thin-clone-pool";
import type { ThinClonePoolArgs } from "../components/thin-clone-pool/args";
import { thinClonePoolRules } from "../components/thin-clone-pool/rules";
import { thinClonePoolSchema } from "../components/thin-clone-pool/schema";
import { Domain, type DomainArgs } from "../provider/domain/resource";
import { rules as domainRules } from "../provider/domain/rules";
import { domainSchema } from "../provider/domain/schema";
import type { ForkPointArgs } from "../provider/fork/resource";
import { rules as forkPointRules } from "../provider/fork/rules";
import { forkDomainSchema, forkPointSchema } from "../provider/fork/schema";
import { Identity, type IdentityLeaseArgs } from "../provider/identity/lease/resource";
import { identitySchema } from "../provider/identity/lease/schema";
import { defaultStore } from "../provider/identity/pool/default-store";
import { IdentityPool, type IdentityPoolArgs } from "../provider/identity/pool/resource";
import { checkWhole, rules as identityPoolRules } from "../provider/identity/pool/rules";
import { identityPoolSchema } from "../provider/identity/pool/schema";
import { morphTemplateRules } from "../provider/morph-template/lifecycle";
import { MorphTemplate, type MorphTemplateArgs } from "../provider/morph-template/resource";
import { morphTemplateSchema } from "../provider/morph-template/schema";
import { Network, type NetworkArgs } from "../provider/network/resource";
import { rules as networkRules } from "../provider/network/rules";
import { networkSchema } from "../provider/network/schema";
import { StoragePool, type StoragePoolArgs } from "../provider/pool/resource";
import { poolSchema } from "../provider/pool/schema";
import { Volume, type VolumeArgs } from "../provider/volume/resource";
import { rules as volumeRules } from "../provider/volume/rules";
import { volumeSchema } from "../provider/volume/schema";
import type { DeclarableType } from "./declarable";

const network: DeclarableType<NetworkArgs, Network> = {
	type: "Network",
	args: "NetworkArgs",
	provides: "network",
	schema: networkSchema,
	rules: networkRules,
	references: { "dhcp.hosts": "identityPool" },
	build: (name, args, opts) => new Network(name, args, opts),
};

const storagePool: DeclarableType<StoragePoolArgs, StoragePool> = {
	type: "StoragePool",
	args: "StoragePoolArgs",
	provides: "pool",
	schema: poolSchema,
	references: {},
	build: (name, args, opts) => new StoragePool(name, args, opts),
};

const volume: DeclarableType<VolumeArgs, Volume> = {
	type: "Volume",
	args: "VolumeArgs",
	provides: "volume",
	schema: volumeSchema,
	rules: volumeRules,
	completed: (args) => (isSeed(args) && args.format === undefined ? { ...args, format: "raw" } : args),
	references: { pool: "pool", base: "volume", baseDomain: "domain" },
	files: ["source.file"],
	build: (name, args, opts) => new Volume(name, args, opts),
};

/** Local files of the steps of a change. */
const filesOf = (steps: string) =>
	["file", "tools[].script.file", "tools[].package.file"].map((file) => `${steps}.${file}`);

const morphTemplate: DeclarableType<MorphTemplateArgs, MorphTemplate> = {
	type: "MorphTemplate",
	args: "MorphTemplateArgs",
	provides: "morphTemplate",
	hostless: true,
	schema: morphTemplateSchema,
	rules: morphTemplateRules,
	references: {},
	files: filesOf("steps"),
	build: (name, args, opts) => new MorphTemplate(name, args, opts),
};

const domain: DeclarableType<DomainArgs, Domain> = {
	type: "Domain",
	args: "DomainArgs",
	provides: "domain",
	schema: domainSchema,
	rules: domainRules,
	references: {
		template: "domain",
		"disks[].volume": "volume",
		"nics[].network": "network",
		"instanceType.nics[].network": "network",
		"morph.template": "morphTemplate",
	},
	files: filesOf("morph"),
	build: (name, args, opts) => new Domain(name, args, opts),
	machines: ({ name, uuid, macs, addresses }) => pulumi.output([{ name, uuid, macs, addresses }]),
};

const thinClonePool: DeclarableType<ThinClonePoolArgs, ThinClonePool> = {
	type: "ThinClonePool",
	args: "ThinClonePoolArgs",
	schema: thinClonePoolSchema,
	rules: thinClonePoolRules,
	references: {
		base: "volume",
		"base.domain": "domain",
		pool: "pool",
		network: "network",
		"domain.nics[].network": "network",
		"domain.instanceType.nics[].network": "network",
		"domain.morph.template": "morphTemplate",
		identityPool: "identityPool",
	},
	files: filesOf("domain.morph"),
	known: ["count", "instances", "instances[]", "namePrefix", "onBaseChange", "maxParallel", "customize.channel"],
	perInstance: ["customize"],
	build: (name, args, opts) => new ThinClonePool(name, args, opts),
	machines: ({ instances }) =>
		instances.apply((clones) => clones.map(({ name, uuid, macs, addresses }) => ({ name, uuid, macs, addresses }))),
};

const INIT_LISTS = ["init", "customize", "cleanup"];

const clonedInstanceWithInit: DeclarableType<ClonedInstanceWithInitArgs, ClonedInstanceWithInit> = {
	type: "ClonedInstanceWithInit",
	args: "ClonedInstanceWithInitArgs",
	schema: clonedInstanceWithInitSchema,
	rules: clonedInstanceWithInitRules,
	references: {
		source: "volume",
		"source.domain": "domain",
		"source.forkPoint": "forkPoint",
		pool: "pool",
		network: "network",
		"domain.nics[].network": "network",
		"domain.instanceType.nics[].network": "network",
		"domain.morph.template": "morphTemplate",
		"hosts[].pool": "pool",
		"hosts[].network": "network",
		"hosts[].source": "volume",
	},
	files: [...filesOf("domain.morph"), ...INIT_LISTS.map((list) => `${list}[].file`)],
	known: [
		...["count", "instances", "instances[]", "instances.*.instanceId", "namePrefix", "instanceIds", "instanceIds.*"],
		...["identifier", "identifier[]", "parameters", "relations", "relations.*", "onScriptChange", "maxParallel"],
		...[
			"hosts",
			"hosts[]",
			"hosts[].uri",
			"placement",
			"placement.*",
			"whenSourceBusy.action",
			"afterClone",
			"injectInto",
			"withState",
		],
		...INIT_LISTS.flatMap((list) =>
			[
				"",
				"[]",
				...["name", "library", "file", "stage", "after", "identifier", "arguments", "when"].map((own) => `[].${own}`),
			].map((path) => `${list}${path}`),
		),
	],
	build: (name, args, opts) => new ClonedInstanceWithInit(name, args, opts),
	machines: ({ instances }) =>
		instances.apply((clones) => clones.map(({ name, uuid, macs, addresses }) => ({ name, uuid, macs, addresses }))),
};

const identityPool: DeclarableType<IdentityPoolArgs, IdentityPool> = {
	type: "IdentityPool",
	args: "IdentityPoolArgs",
	provides: "identityPool",
	hostless: true,
	schema: identityPoolSchema,
	rules: identityPoolRules,
	verify: checkWhole,
	completed: (args) => ({ store: defaultStore(), ...args }),
	references: {},
	build: (name, args, opts) => new IdentityPool(name, args, opts),
};

const identity: DeclarableType<IdentityLeaseArgs, Identity> = {
	type: "Identity",
	args: "IdentityLeaseArgs",
	hostless: true,
	schema: identitySchema,
	references: { pool: "identityPool" },
	build: (name, args, opts) => new Identity(name, args, opts),
};

const forkPoint: DeclarableType<ForkPointArgs, ForkPoint> = {
	type: "ForkPoint",
	args: "ForkPointArgs",
	provides: "forkPoint",
	schema: forkPointSchema,
	rules: forkPointRules,
	references: { base: "volume", parent: "forkPoint", source: "domain", pool: "pool", network: "network" },
	build: (name, args, opts) => new ForkPoint(name, args, opts),
};

const KNOWN_OF_SET = ["count", "children", "children[]", "namePrefix", "onParentChange", "maxParallel"];

const forkedVMSet: DeclarableType<ForkedVMSetArgs, ForkedVMSet> = {
	type: "ForkedVMSet",
	args: "ForkedVMSetArgs",
	schema: forkedVMSetSchema,
	rules: forkedVMSetRules,
	references: {
		parent: "forkPoint",
		identityPool: "identityPool",
		pool: "pool",
		network: "network",
		"children.*.host.pool": "pool",
		"children.*.host.network": "network",
	},
	known: KNOWN_OF_SET,
	build: (name, args, opts) => new ForkedVMSet(name, args, opts),
	machines: ({ children }) => forkedMachines(children),
};

/** Templates are told apart by what they have. */
const KNOWN_OF_CONFIGURATION = [
	"",
	".image",
	".domain",
	...Object.keys(forkDomainSchema.shape).map((name) => `.domain.${name}`),
	...["cpu", "boot"].map((name) => `.domain.${name}.*`),
	".files",
	".files[]",
	".files[].*",
	".commands",
	".commands[]",
	".commands[][]",
	...["packages", "startBeforeFork", "restartAfterFork"].flatMap((name) => [`.${name}`, `.${name}[]`]),
].map((path) => `configuration${path}`);

const templateCatalog: DeclarableType<TemplateCatalogArgs, TemplateCatalog> = {
	type: "TemplateCatalog",
	args: "TemplateCatalogArgs",
	schema: templateCatalogSchema,
	rules: templateCatalogRules,
	references: {
		pool: "pool",
		network: "network",
		"images.*.base": "volume",
		"templates.*.point": "forkPoint",
		"sets.*.identityPool": "identityPool",
		"sets.*.pool": "pool",
		"sets.*.network": "network",
		"sets.*.children.*.host.pool": "pool",
		"sets.*.children.*.host.network": "network",
	},
	known: [
		"keepAfter",
		"maxLevels",
		"forget",
		"forget[]",
		...["parent", ...KNOWN_OF_CONFIGURATION].map((path) => `templates.*.${path}`),
		...[...KNOWN_OF_SET, ...KNOWN_OF_CONFIGURATION].map((path) => `sets.*.${path}`),
	],
	build: (name, args, opts) => new TemplateCatalog(name, args, opts),
	machines: ({ children }) => forkedMachines(children),
};

function forkedMachines(children: pulumi.Output<ForkedChild[]>) {
	return children.apply((all) =>
		all.map(({ name, uuid, macs, verified }) => ({
			name,
			uuid,
			macs,
			addresses: (verified?.addresses ?? []).map((address) => address.replace(/\/.*/, "")),
		})),
	);
}

const morphMigration: DeclarableType<MorphMigrationArgs, MorphMigration> = {
	type: "MorphMigration",
	args: "MorphMigrationArgs",
	hostless: true,
	schema: morphMigrationSchema,
	rules: morphMigrationRules,
	references: {
		"hosts.*.base": "volume",
		"hosts.*.pool": "pool",
		"hosts.*.network": "network",
		"domain.nics[].network": "network",
		"instanceType.nics[].network": "network",
		"members.*.instanceType.nics[].network": "network",
		"morph.template": "morphTemplate",
		"members.*.morph.template": "morphTemplate",
	},
	files: [...filesOf("morph"), ...filesOf("members.*.morph")],
	known: [
		...["hosts", "hosts.*", "host", "count", "members", "members[]", "members.*", "members.*.host"],
		...["namePrefix", "maxParallel"],
	],
	build: (name, args, opts) => new MorphMigration(name, args, opts),
	machines: ({ machines }) =>
		machines.apply((all) => all.map(({ name, uuid, macs, addresses }) => ({ name, uuid, macs, addresses }))),
};

/** The components, by what `kind` is in the file. */
export const components = {
	ThinClonePool: thinClonePool,
	ClonedInstanceWithInit: clonedInstanceWithInit,
	ForkedVMSet: forkedVMSet,
	TemplateCatalog: templateCatalog,
	MorphMigration: morphMigration,
	Domain: domain,
} as const;

/** The other sections of a definition; everything in one of them is of the same type. */
export const sections = {
	identityPools: identityPool,
	identities: identity,
	networks: network,
	pools: storagePool,
	images: volume,
	volumes: volume,
	morphTemplates: morphTemplate,
	forkPoints: forkPoint,
} as const;

function isSeed({ source }: Record<string, unknown>): boolean {
	return typeof source === "object" && source !== null && ("cloudInit" in source || "archive" in source);
}

type ArgsOf<Type> = Type extends DeclarableType<infer Args, infer _> ? Args : never;
type BuiltOf<Type> = Type extends DeclarableType<infer _, infer Built> ? Built : never;

/** Arguments of each type of component. */
export type ComponentArgs = { [Type in keyof typeof components]: ArgsOf<(typeof components)[Type]> };
/** Any component of an environment. */
export type EnvironmentComponent = {
	[Type in keyof typeof components]: BuiltOf<(typeof components)[Type]>;
}[keyof typeof components];
