/** Who the children of a set are to be, and which of them run or wait. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { GuestFileArgs } from "../../provider/domain/resource";
import { ownerIdOf } from "../../provider/dynamic";
import type { ForkedArgs } from "../../provider/fork/forked";
import { leaseOf } from "../../provider/identity/lease/lease-of";
import type { Identity } from "../../provider/identity/lease/resource";
import type { Profile } from "../../provider/identity/lease/schema";
import { InputError } from "../../provider/lifecycle";
import type { Instance } from "../instances";
import { identityFiles } from "../thin-clone-pool/identity";
import type { ForkedVMSetArgs } from "./args";
import type { ConfiguredOwn } from "./configured";
import { infoFiles } from "./info";

export type Child = Instance<ConfiguredOwn>;

export function powerOf({ power }: ForkedVMSetArgs, { own }: Child): pulumi.Output<"on" | "off"> {
	return pulumi.output(own.power ?? power ?? "on");
}

/** Which children wait: the first ones of those that are off. */
export function warmOf(args: ForkedVMSetArgs, children: Child[]): pulumi.Output<boolean>[] {
	const powers = pulumi.all(children.map((child) => powerOf(args, child)));
	const warm = pulumi.output(args.warm ?? 0);
	return children.map((_, index) =>
		pulumi.all([powers, warm]).apply(([all, count]) => {
			const before = all.slice(0, index).filter((power) => power === "off").length;
			return all[index] === "off" && before < count;
		}),
	);
}

/** Who a child is to be. */
export function forkOf(
	args: ForkedVMSetArgs,
	{ name, own }: Child,
	identity: Identity | undefined,
): { [Name in Exclude<keyof ForkedArgs, "warm" | "preempted" | "first" | "addressLater">]: unknown } {
	const restart = pulumi
		.all([args.parent.restartAfterFork ?? [], args.restartAfterFork ?? []])
		.apply(([parents, ours]) => [...(parents ?? []), ...(ours ?? [])]);
	const files = pulumi
		.all([identity ? identityFiles(identity) : [], args.files ?? [], own.files ?? []])
		.apply((all) => [...all.flat(), ...infoFiles({ ...args.info, ...own.info })] as GuestFileArgs[]);
	// Absent where addresses come from DHCP.
	const network = identity?.profile.apply((profile) => (profile as Profile | undefined)?.network);
	const ips = identity?.profile.apply((profile) => (profile as Profile | undefined)?.ips);
	return {
		point: args.parent.uuid,
		hostname: own.hostname ?? identity?.name ?? name,
		machineId:
			identity?.profile.apply((profile) => (profile as Profile | undefined)?.machineId as string) ?? machineIdOf(name),
		hostKeys: identity?.secrets.apply((secrets) => secrets?.hostKeys ?? []),
		lease: identity && leaseOf(identity),
		files,
		commands: args.commands,
		address: own.address ?? network?.apply((found) => found?.addresses[0]),
		gateway: own.gateway ?? (own.address === undefined ? network?.apply((found) => found?.gateways[0]) : undefined),
		network: own.address === undefined ? network : undefined,
		ips: args.network === undefined ? undefined : ips,
		licence: licenceOf(args, identity),
		restart,
		powerOn: pulumi
			.output(args.disk ?? "persistent")
			.apply((disk) => (disk === "nonPersistent" ? ("refork" as const) : ("boot" as const))),
		resetTrigger: triggerOf(own.resetTrigger ?? args.resetTrigger, own.resets),
		onReset: own.onReset ?? args.onReset,
		preemptible: own.preemptible ?? args.preemptible,
		onParentChange: onParentChangeOf(args),
		timeoutSeconds: args.timeoutSeconds,
	};
}

/** Of the program and of the configuration: another one of either resets. */
function triggerOf(
	program: pulumi.Input<string> | undefined,
	configured: ReadonlyArray<string>,
): pulumi.Input<string> | undefined {
	if (configured.length === 0) return program;
	return pulumi.output(program).apply((own) => [...(own === undefined ? [] : [own]), ...configured].join(" "));
}

/** @throws InputError when its identity has no licence id */
function licenceOf({ licence }: ForkedVMSetArgs, identity: Identity | undefined) {
	if (licence === undefined || !identity) return undefined;
	return pulumi.all([licence, identity.profile]).apply(([how, profile]) => {
		if (!profile) return undefined;
		const { name, licenceId: id } = profile as Profile;
		if (id !== undefined) return { ...how, id };
		throw new InputError(
			"licence",
			`licence: got one for ${name}, whose identity has no licence id; allowed is it with licenceIds of the identityPool`,
		);
	});
}

/** The same in every run, and no other machine's. */
export function machineIdOf(name: string): string {
	return createHash("sha256")
		.update(`machine-id ${ownerIdOf(name)}`)
		.digest("hex")
		.slice(0, 32);
}

/** Rolling, each child is replaced in its turn. */
export function onParentChangeOf({ onParentChange = "keep" }: ForkedVMSetArgs): "keep" | "replace" {
	return onParentChange === "rolling" ? "replace" : onParentChange;
}
