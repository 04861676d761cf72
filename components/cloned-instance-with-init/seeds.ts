/** Scripts for images that know cloud-init alone: a seed image that all clones of a host share, and a disk of each. */
import type * as pulumi from "@pulumi/pulumi";
import type { DiskArgs } from "../../provider/domain/resource";
import { seedOf } from "../../provider/init/inject/seed";
import type { Payload } from "../../provider/init/payload-type";
import { guardTag } from "../../provider/owner";
import { Volume } from "../../provider/volume/resource";
import { seedDisk } from "../thin-clone-pool/seed";
import type { ClonedInstanceWithInitArgs } from "./args";
import { common } from "./common";
import type { Place } from "./places";

/** Where in the list of a clone's disks the seed is: it has one of its own before it. */
const SEED_PLACE = 1;

/** The seed on each host; none where the scripts are in the image. */
export function seedsAt(
	parent: pulumi.Resource,
	component: string,
	args: ClonedInstanceWithInitArgs,
	payload: pulumi.Output<Payload>,
	places: ReadonlyArray<Place>,
): ReadonlyMap<Place, Volume> {
	if (args.injectInto !== "seed") return new Map();
	return new Map(
		places.map((place) => {
			const name = place.isHome ? `${component}-seed` : `${component}-seed-${guardTag(String(place.uri))}`;
			const source = { cloudInit: payload.apply(seedOf) };
			return [place, new Volume(name, { ...common(component, args, place), pool: place.pool, source }, { parent })];
		}),
	);
}

export function seedDisks(seed: Volume | undefined): DiskArgs[] {
	return seed ? [seedDisk(seed)] : [];
}

/** Clones that exist keep the seed that they were made with: another one would be another first boot to cloud-init. */
export function keepingSeed(seed: Volume | undefined): pulumi.CustomResourceOptions {
	return seed ? { ignoreChanges: [`disks[${SEED_PLACE}].volume`] } : {};
}
