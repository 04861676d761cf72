/** The hosts that clones are made on. */
import * as pulumi from "@pulumi/pulumi";
import { defaultUri, idOf, type Reference } from "../../provider/dynamic";
import type { CloneHost } from "../../provider/init/hosts/schema";
import { InputError } from "../../provider/lifecycle";
import { contentIdOf } from "../../provider/volume/known-content";
import { Volume } from "../../provider/volume/resource";
import { isDomainBase, poolOf } from "../base";
import type { ClonedInstanceWithInitArgs, CloneHostArgs } from "./args";

/** One of the hosts, with what clones there are made of. */
export interface Place {
	/** As it is given; undefined where none is. */
	uri: pulumi.Input<string> | undefined;
	/** The image is made there, too. */
	isHome: boolean;
	pool: Reference;
	network: Reference | undefined;
	/** Volume there that holds what the source holds. */
	source: Reference | undefined;
}

type Args = Pick<ClonedInstanceWithInitArgs, "uri" | "hosts" | "placement" | "source" | "pool" | "network">;

/** @throws InputError where a host has no pool */
export function placesOf(args: Args): Place[] {
	const { uri, hosts, network } = args;
	const pool = args.pool ?? poolOf(args.source);
	if (!hosts) return [{ uri, isHome: true, pool, network, source: undefined }];
	const home = uri ?? defaultUri();
	return hosts.map((host, index) => {
		const isHome = host.uri === home;
		const own = host.pool ?? args.pool ?? (isHome ? pool : undefined);
		if (own === undefined) {
			throw new InputError(
				`hosts[${index}].pool`,
				"is required where pool is not given; give the pool there, or pool where it has one name on all hosts",
			);
		}
		if (isHome && host.source !== undefined) {
			throw new InputError(`hosts[${index}].source`, "is given for the host of the source itself; leave it out");
		}
		return { uri: host.uri, isHome, pool: own, network: host.network ?? network, source: host.source };
	});
}

/** Where a clone is made: as `placement` says, else in turn. */
export function placeOf(
	places: ReadonlyArray<Place>,
	{ placement = {} }: Pick<Args, "placement">,
	clone: { suffix: string; index: number },
): Place {
	const wanted = Object.hasOwn(placement, clone.suffix) ? placement[clone.suffix] : undefined;
	return places.find(({ uri }) => wanted !== undefined && uri === wanted) ?? places[clone.index % places.length]!;
}

/** What there has to be on each host. */
export function hostInputs(
	{ hosts = [], source }: Pick<Args, "hosts" | "source">,
	clones: ReadonlyArray<{ name: string; place: Place }>,
	places: ReadonlyArray<Place>,
): Array<pulumi.Input<CloneHost>> {
	return hosts.map((host, index) => {
		const place = places[index]!;
		const names = clones.filter((clone) => clone.place === place).map(({ name }) => name);
		return pulumi
			.all([idOf(place.pool), idOf(place.network), sourceOf(host, source)])
			.apply(([pool, network, there]) => ({
				uri: host.uri,
				pool,
				...(network !== undefined && { network }),
				...(there && { source: there }),
				clones: names,
			}));
	});
}

/** What is known of the content of either source: the same has to be. */
function sourceOf(
	{ source: there }: CloneHostArgs,
	source: Args["source"],
): pulumi.Output<CloneHost["source"]> | undefined {
	if (there === undefined) return undefined;
	const known = (volume: unknown) => (volume instanceof Volume ? contentIdOf(volume) : undefined);
	const wanted = isDomainBase(source) ? undefined : known(source);
	return pulumi.all([idOf(there), known(there), wanted]).apply(([volume, contentId, wantedContentId]) => ({
		volume,
		...(contentId !== undefined && { contentId }),
		...(wantedContentId !== undefined && { wantedContentId }),
	}));
}
