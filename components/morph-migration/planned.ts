/** Which machines a set has, and where each of them is to be. */
import * as pulumi from "@pulumi/pulumi";
import { defaultUri, type Reference } from "../../provider/dynamic";
import { poolOf } from "../base";
import { checkName, instancesOf } from "../instances";
import type { DataDiskArgs } from "../thin-clone-pool/args";
import type { MorphHostArgs, MorphMemberArgs, MorphMigrationArgs } from "./args";

/** A host with what it has for the machines. */
export interface Place extends MorphHostArgs {
	/** Among `hosts`. */
	name: string;
	uri: NonNullable<MorphHostArgs["uri"]>;
	pool: Reference;
}

/** A machine as it is going to be. */
export interface Planned {
	name: string;
	own: MorphMemberArgs;
	place: Place;
	/** Its instance type, without the disks. */
	size: NonNullable<MorphMigrationArgs["instanceType"]>;
	/** Disks of its type: volumes of their own. */
	typeDisks: DataDiskArgs[];
}

export function placesOf({ hosts }: Pick<MorphMigrationArgs, "hosts">): ReadonlyMap<string, Place> {
	return new Map(
		Object.entries(hosts).map(([name, { uri = defaultUri(), pool, ...host }]) => [
			name,
			{ ...host, name, uri, pool: pool ?? poolOf(host.base) },
		]),
	);
}

/** @throws InputError naming the component, for a name that is none */
export function planMembers(what: string, component: string, args: MorphMigrationArgs): Planned[] {
	const prefix = args.namePrefix ?? component;
	const places = placesOf(args);
	const [only] = places.keys();
	return instancesOf<MorphMemberArgs>(prefix, args.count, args.members).map(({ name, own }) => {
		const type = typeOf(own.instanceType ?? args.instanceType!);
		const longest = args.dataDisks?.length || type.typeDisks.length > 0 ? "-data-00" : "";
		checkName(what, prefix, name, `${longest}-01234567.qcow2`);
		return { name, own, place: places.get(own.host ?? args.host ?? only!)!, ...type };
	});
}

/** One that is an output has no disks: how many there are is part of what a program declares. */
function typeOf(type: Planned["size"]): Pick<Planned, "size" | "typeDisks"> {
	if (typeof type === "string" || pulumi.Output.isInstance(type) || type instanceof Promise) {
		return { size: type, typeDisks: [] };
	}
	const { disks: typeDisks = [], ...size } = type;
	return { size, typeDisks };
}
