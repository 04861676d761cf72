/** What components give to their disks and machines in the same way. */
import * as pulumi from "@pulumi/pulumi";
import type { DomainLineageArgs, NicArgs } from "../provider/domain/resource";
import type { Reference } from "../provider/dynamic";
import type { Volume } from "../provider/volume/resource";

/** Host and lane of all children of a component. */
export function commonOf(
	component: string,
	{ uri, maxParallel }: { uri?: pulumi.Input<string>; maxParallel?: number },
): { uri?: pulumi.Input<string>; lane?: { name: string; width: number } } {
	return {
		...(uri === undefined ? {} : { uri }),
		...(maxParallel === undefined ? {} : { lane: { name: component, width: maxParallel } }),
	};
}

/** The NIC on the component's network is the first; without one there are those of `domain`, where it has any. */
export function nicsOf({
	network,
	domain,
}: {
	network?: Reference;
	domain?: { nics?: pulumi.Input<NicArgs>[] };
}): pulumi.Input<NicArgs>[] | undefined {
	return network === undefined ? domain?.nics : [{ network }, ...(domain?.nics ?? [])];
}

/** The first NIC has the address. */
export function withMac(
	nics: pulumi.Input<NicArgs>[] | undefined,
	mac: pulumi.Input<string | undefined> | undefined,
): pulumi.Input<NicArgs>[] | undefined {
	if (mac === undefined || !nics || nics.length === 0) return nics;
	const [first, ...others] = nics;
	return [pulumi.output(first!).apply((nic) => ({ ...nic, mac }) as NicArgs), ...others];
}

/** What a machine's metadata tell of its disk. */
export function lineageOf({ lineage }: Volume): pulumi.Output<DomainLineageArgs> {
	return lineage.apply((own) =>
		own === undefined ? undefined : { base: own.base, baseContentId: own.baseContentId },
	) as pulumi.Output<DomainLineageArgs>;
}

/** A size as volumes take it. */
export function mebibytesOf(sizeGiB: pulumi.Input<number>): pulumi.Output<number> {
	return pulumi.output(sizeGiB).apply((gib) => Math.round(gib * 1024));
}
