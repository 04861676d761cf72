import * as pulumi from "@pulumi/pulumi";
import { defaultUri } from "../provider/dynamic";
import { connect, type Host } from "../provider/libvirt";

/** A machine to ask for. */
export interface Asked {
	name: string;
	uuid: pulumi.Output<string>;
	/** Path of its first disk. */
	path: pulumi.Output<string>;
}

/** Asks the host what each machine is doing, and what else is to be known; rejects when it cannot be reached. */
export function askEach<Facts extends object>(
	uri: pulumi.Input<string> | undefined,
	asked: Asked[],
	ask: (host: Host, machine: { uuid: string; path: string }) => Promise<Facts>,
): pulumi.Output<Array<{ name: string; state: string } & Facts>> {
	const known = asked.map(({ name, uuid, path }) =>
		pulumi.all([uuid, path]).apply(([ownUuid, ownPath]) => ({ name, uuid: ownUuid, path: ownPath })),
	);
	return pulumi.all([uri ?? defaultUri(), pulumi.all(known)]).apply(([at, machines]) => {
		const host = connect(at);
		return Promise.all(
			machines.map(async ({ name, ...machine }) => {
				const [domain, facts] = await Promise.all([host.domains.find(machine.uuid), ask(host, machine)]);
				return { name, state: domain?.state ?? "missing", ...facts };
			}),
		);
	}) as pulumi.Output<Array<{ name: string; state: string } & Facts>>;
}
