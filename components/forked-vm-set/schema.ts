import { z } from "zod";
import { guestFileSchema } from "../../provider/domain/guest-file";
import { domainSchema, healthCheckSchema } from "../../provider/domain/schema";
import { commandsSchema, forkedSchema, licenceShape, service } from "../../provider/fork/forked";
import { poolAccess } from "../../provider/identity/lease/schema";
import type { Rule } from "../../provider/lifecycle";
import { shown } from "../../provider/problems";
import { hostName, macAddress, objectName, reference } from "../../provider/schema";
import { namesRules, rollingRule } from "../shared-rules";
import { rollingSchema, thinClonePoolSchema } from "../thin-clone-pool/schema";
import { infoSchema } from "./info";

export const power = z.enum(["on", "off"]);
const address = z.string().regex(/^[0-9A-Fa-f.:]+\/\d{1,3}$/, "allowed is an address with its prefix: 10.0.0.7/24");

export const forkedChildSchema = z.strictObject({
	hostname: hostName.optional(),
	mac: macAddress.optional(),
	address: address.optional(),
	gateway: z
		.string()
		.regex(/^[0-9A-Fa-f.:]+$/, "allowed is an address")
		.optional(),
	files: z.array(guestFileSchema).optional(),
	info: infoSchema.optional(),
	memoryMiB: domainSchema.shape.memoryMiB,
	vcpus: domainSchema.shape.vcpus,
	resetTrigger: forkedSchema.shape.resetTrigger,
	power: power.optional(),
	preemptible: z.boolean().optional(),
	host: z
		.strictObject({
			uri: domainSchema.shape.uri,
			pool: reference,
			network: reference.optional(),
			migration: domainSchema.shape.migration,
		})
		.optional(),
});

export const forkedVMSetSchema = z.strictObject({
	uri: domainSchema.shape.uri.optional(),
	parent: z.union(
		[
			reference,
			z.strictObject({
				uuid: z.string().min(1),
				disk: z.string().min(1),
				pool: z.string().min(1),
				restartAfterFork: z.array(service).optional(),
			}),
		],
		{ error: "allowed is a ForkPoint, or { uuid, disk, pool } of one of another stack" },
	),
	pool: reference.optional(),
	count: z.int("allowed is a whole number").min(0).max(100_000).optional(),
	children: z.union([z.array(objectName), z.record(objectName, forkedChildSchema)]).optional(),
	namePrefix: objectName.optional(),
	identityPool: poolAccess.optional(),
	network: reference.optional(),
	memoryMiB: domainSchema.shape.memoryMiB,
	vcpus: domainSchema.shape.vcpus,
	files: z.array(guestFileSchema).optional(),
	commands: commandsSchema.optional(),
	info: infoSchema.optional(),
	dataDisks: thinClonePoolSchema.shape.dataDisks,
	power: power.optional(),
	preemptible: z.boolean().optional(),
	warm: z.int("allowed is a whole number").min(0).max(100_000).optional(),
	disk: z.enum(["persistent", "nonPersistent"]).optional(),
	licence: z.strictObject(licenceShape).optional(),
	resetTrigger: forkedSchema.shape.resetTrigger,
	onReset: forkedSchema.shape.onReset.unwrap().optional(),
	restartAfterFork: z.array(service).optional(),
	healthCheck: healthCheckSchema.optional(),
	timeoutSeconds: z.number().min(1).max(3600).optional(),
	onParentChange: z.enum(["keep", "replace", "rolling"]).optional(),
	rolling: rollingSchema.omit({ healthCheck: true }).optional(),
	maxParallel: z.int().min(1).max(1000).optional(),
});

export type ForkedVMSetInputs = z.output<typeof forkedVMSetSchema>;

export const forkedVMSetRules: ReadonlyArray<Rule<ForkedVMSetInputs>> = [
	rollingRule("onParentChange"),
	...namesRules("children", "children"),
	{
		property: "licence",
		needs: ["licence", "identityPool"],
		check: ({ licence, identityPool }) =>
			licence !== undefined && identityPool === undefined
				? `got ${shown(licence)} without identityPool; allowed is it with a pool of identities that have licence ids`
				: undefined,
	},
	{
		property: "onReset",
		needs: ["disk", "onReset"],
		check: ({ disk, onReset }) =>
			onReset === "boot" && disk === "nonPersistent"
				? 'got boot, and disk is nonPersistent: each power-on goes on from the parent; allowed is "refork", or disk: "persistent"'
				: undefined,
	},
	{
		property: "children",
		needs: ["children", "disk", "onParentChange", "onReset"],
		check({ children, disk, onParentChange, onReset }) {
			const named = Object.entries(Array.isArray(children) ? {} : (children ?? {}));
			const [name] = named.find(([, { host }]) => host !== undefined) ?? [];
			if (name === undefined) return undefined;
			const others = { disk, onParentChange, onReset };
			const allowed = { disk: "persistent", onParentChange: "keep", onReset: "boot" };
			const property = (["disk", "onParentChange", "onReset"] as const).find(
				(key) => others[key] !== undefined && others[key] !== allowed[key],
			);
			if (property === undefined) return undefined;
			return `got a host for ${name}, which goes on without its parent there, with ${property} "${others[property]}"; allowed with it is "${allowed[property]}": leave ${property} out, or put the child into a set of its own`;
		},
	},
	{
		property: "warm",
		needs: ["warm", "count", "children"],
		check({ warm = 0, count = 0, children = {} }) {
			const all = count + (Array.isArray(children) ? children : Object.keys(children)).length;
			return warm > all
				? `got ${warm}, which is more than the ${all} children; allowed is a number up to that: make more children, which may be off`
				: undefined;
		},
	},
	{
		property: "children",
		needs: ["children"],
		check({ children }) {
			const all = Object.entries(Array.isArray(children) ? {} : (children ?? {}));
			for (const property of ["hostname", "mac", "address"] as const) {
				const seen = new Map<string, string>();
				for (const [name, { [property]: value }] of all) {
					const key = value?.toLowerCase().replace(/\/.*/, "");
					if (key === undefined) continue;
					const other = seen.get(key);
					if (other !== undefined)
						return `got the ${property} ${value} for ${other} and ${name}; allowed is one for each`;
					seen.set(key, name);
				}
			}
			return undefined;
		},
	},
	{
		property: "children",
		needs: ["children"],
		check({ children, network }) {
			if (network !== undefined || Array.isArray(children)) return undefined;
			const [name, own] =
				Object.entries(children ?? {}).find(([, { mac, address }]) => mac !== undefined || address !== undefined) ?? [];
			return name === undefined
				? undefined
				: `got ${own!.mac === undefined ? `the address ${own!.address}` : `the mac ${own!.mac}`} for ${name}, which has no NIC that could have it; give network as well`;
		},
	},
	{
		property: "children",
		needs: ["children"],
		check({ children }) {
			const [name] =
				Object.entries(Array.isArray(children) ? {} : (children ?? {})).find(
					([, { address, gateway }]) => gateway !== undefined && address === undefined,
				) ?? [];
			return name === undefined
				? undefined
				: `got a gateway for ${name} without an address; DHCP gives both: give an address as well, or neither`;
		},
	},
	{
		property: "children",
		needs: ["children"],
		check({ children, identityPool }) {
			if (identityPool === undefined || Array.isArray(children)) return undefined;
			for (const [name, own] of Object.entries(children ?? {})) {
				const property = (["hostname", "mac", "address"] as const).find((key) => own[key] !== undefined);
				if (property === undefined) continue;
				return `got the ${property} ${own[property]} for ${name}, which is that of its identity; allowed is one of them: leave ${property} out, or identityPool`;
			}
			return undefined;
		},
	},
];
