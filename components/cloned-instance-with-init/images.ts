/** What the clones' disks are made of. */
import type * as pulumi from "@pulumi/pulumi";
import { defaultUri, type Reference } from "../../provider/dynamic";
import type { CloneHosts } from "../../provider/init/hosts/resource";
import type { InjectedInput } from "../../provider/init/injected";
import { Injection } from "../../provider/init/injection/resource";
import type { CloneSource } from "../../provider/init/source/resource";
import { guardTag } from "../../provider/owner";
import { contentIdOf } from "../../provider/volume/known-content";
import { Volume } from "../../provider/volume/resource";
import { poolOf } from "../base";
import type { ClonedInstanceWithInitArgs } from "./args";
import { after, common, elevated } from "./common";
import type { Place } from "./places";

/** As for all else that is done about a source. */
const DEFAULT_POWER_SECONDS = 300;

/** What the image is made of, and what has to be there before. */
interface Parts {
	source: CloneSource | undefined;
	/** Of the source's disk. */
	copy: Volume | undefined;
	/** Into the source. */
	injection: Injection | undefined;
	injected: pulumi.Output<InjectedInput>;
	hosts: CloneHosts | undefined;
}

/** The scripts in the source itself. */
export function injectionInto(
	parent: pulumi.Resource,
	component: string,
	args: ClonedInstanceWithInitArgs,
	{ source, injected, hosts }: Omit<Parts, "copy" | "injection">,
): Injection | undefined {
	if (args.injectInto !== "source") return undefined;
	const target = source ? { domain: source.uuid } : { volume: args.source as Reference };
	// One that its clones replace is not touched any more.
	const leave = args.afterClone === "stopSource";
	const { action, timeoutSeconds = DEFAULT_POWER_SECONDS } = args.whenSourceBusy ?? {};
	const power = action === "powerOn" ? { powerOnSeconds: timeoutSeconds } : {};
	const inputs = {
		...common(component, args),
		...target,
		injected,
		...power,
		...elevated(args),
		...(leave && { leave }),
	};
	return new Injection(`${component}-source`, inputs, { parent, ...after(hosts) });
}

/** A copy of the disk of a source that goes on running, with the scripts where these are put into it. */
export function copyOf(
	parent: pulumi.Resource,
	component: string,
	args: ClonedInstanceWithInitArgs,
	source: CloneSource | undefined,
	injection: Injection | undefined,
): Volume | undefined {
	if (!source || args.whenSourceBusy?.action !== "copy") return undefined;
	const inputs = {
		...common(component, args),
		pool: args.pool!,
		baseDomain: source.uuid,
		cloning: "reflink" as const,
		onBaseChange: "keep" as const,
		whileRunning: true,
	};
	return new Volume(`${component}-copy`, inputs, { parent, ...after(injection) });
}

/** The image with the scripts in it, unless the source or a seed has them: made once for all clones, thin over its source. */
export function imageOf(
	parent: pulumi.Resource,
	component: string,
	args: ClonedInstanceWithInitArgs,
	{ source, copy, injection, injected, hosts }: Parts,
): Volume {
	const inputs = {
		...common(component, args),
		pool: args.pool ?? poolOf(args.source),
		...(source && !copy ? { baseDomain: source.uuid } : { base: copy ?? (args.source as Reference) }),
		...(injection || args.injectInto === "seed" ? {} : { injected }),
	};
	return new Volume(`${component}-image`, inputs, { parent, ...after(hosts, injection) });
}

/** The image on each host: elsewhere than where it was made a volume that holds the same. */
export function imagesAt(
	parent: pulumi.Resource,
	component: string,
	args: ClonedInstanceWithInitArgs,
	image: Volume,
	places: ReadonlyArray<Place>,
): ReadonlyMap<Place, Volume> {
	const uri = typeof args.uri === "string" ? args.uri : defaultUri();
	const replicaOf = { uri, volume: image.path, contentId: contentIdOf(image) };
	return new Map(
		places.map((place) => {
			if (place.isHome) return [place, image];
			const { pool, source: base } = place;
			const inputs = { ...common(component, args, place), pool, ...(base && { base }), replicaOf };
			return [place, new Volume(`${component}-image-${guardTag(String(place.uri))}`, inputs, { parent })];
		}),
	);
}
