/** What the resources of a component have in common. */
import * as pulumi from "@pulumi/pulumi";
import { commonOf } from "../children";
import type { ClonedInstanceWithInitArgs } from "./args";
import type { Place } from "./places";

/** @param place the host, where that may not be the source's */
export function common(
	component: string,
	args: Pick<ClonedInstanceWithInitArgs, "uri" | "maxParallel">,
	{ uri }: Pick<Place, "uri"> = { uri: undefined },
) {
	return commonOf(component, uri === undefined ? args : { ...args, uri });
}

/** What has to be there first, if anything. */
export function after(...resources: Array<pulumi.Resource | undefined>): pulumi.ResourceOptions {
	const dependsOn = resources.filter((resource) => resource !== undefined);
	return dependsOn.length === 0 ? {} : { dependsOn };
}

/** Other access to the source's host. */
export function elevated({ elevatedCredentials }: Pick<ClonedInstanceWithInitArgs, "elevatedCredentials">) {
	return elevatedCredentials === undefined ? {} : { elevatedCredentials: pulumi.secret(elevatedCredentials) };
}
