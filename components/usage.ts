import * as pulumi from "@pulumi/pulumi";
import { defaultUri } from "../provider/dynamic";
import { connect, type Host } from "../provider/libvirt";

/** A machine to ask for. */
export interface Asked {
	name: string;
	uuid: pulumi.Output<string>;
	/** Path of its first disk. */
	path: pulumi.Output<string>;
	/** Of its host, where that is another one. */
	uri?: pulumi.Input<string> | undefined;
}

/** Asks the host what each machine is doing, and what else is to be known; rejects when it cannot be reached. */
export function askEach<Facts extends object>(
	uri: pulumi.Input<string> | undefined,
	asked: Asked[],
	ask: (host: Host, machine: { uuid: string; path: string }) => Promise<Facts>,
): pulumi.Output<Array<{ name: string; state: string } & Facts>> {
	const known = asked.map(({ name, uuid, path, uri: own }) =>
		pulumi
			.all([uuid, path, own ?? uri ?? defaultUri()])
			.apply(([ownUuid, ownPath, at]) => ({ name, uuid: ownUuid, path: ownPath, at })),
	);
	return pulumi.all(known).apply((machines) =>
		Promise.all(
			machines.map(async ({ name, at, ...machine }) => {
				const host = connect(at);
				const [domain, facts] = await Promise.all([host.domains.find(machine.uuid), ask(host, machine)]);
				return { name, state: domain?.state ?? "missing", ...facts };
			}),
		),
	) as pulumi.Output<Array<{ name: string; state: string } & Facts>>;
}
