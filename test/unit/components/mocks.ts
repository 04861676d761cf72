import * as pulumi from "@pulumi/pulumi";
import { withoutDefaults } from "../../../provider/defaults";
import { decide, type Wish } from "../../../provider/templates/decide";
import { templateRequestsSchema } from "../../../provider/templates/schema";

export interface Registered {
	type: string;
	name: string;
	inputs: Record<string, unknown>;
	dependencies: string[];
}

const MEMBER = { name: "web-01", mac: "52:54:00:10:00:01", ips: ["10.0.0.10"] };
const POOL = { members: [MEMBER], access: JSON.stringify({ pool: "web", store: {}, key: "" }) };
const LEASE = {
	profile: { ...MEMBER, machineId: "0".repeat(31) + "1", licenceId: "CAD-1", data: {} },
	secrets: { hostKeys: [] },
};

/** As it is recorded: without defaults. */
function decidedFor(inputs: unknown): unknown {
	return withoutDefaults(
		templateRequestsSchema.pick({ choices: true, counts: true, automatic: true }),
		decide(inputs as Wish) as never,
	);
}

/** Runs a program without an engine. @returns what it registered, in order */
export async function registeredBy(program: () => unknown, options: { preview?: boolean } = {}): Promise<Registered[]> {
	const registered: Registered[] = [];
	await pulumi.runtime.setMocks(
		{
			newResource(args) {
				const inputs = { ...args.inputs };
				registered.push({ type: args.type, name: args.name, inputs, dependencies: [] });
				const facts = args.custom
					? {
							key: `/pool/${args.name}`,
							path: `/pool/${args.name}`,
							uuid: `uuid-${args.name}`,
							macs: [],
							addresses: [],
							timings: { createMs: 1, defineMs: 2 },
							...(args.type.endsWith(":IdentityPool") && POOL),
							...(args.type.endsWith(":CloneSource") && { ids: [] }),
							...(args.type.endsWith(":Identity") && LEASE),
							...(args.type.endsWith(":TemplateRequests") ? (decidedFor(inputs) as object) : {}),
							...(args.type.endsWith(":ForkPoint") && { disk: `/pool/${args.name}.qcow2` }),
						}
					: {};
				return { id: args.custom ? `/pool/${args.name}` : "", state: { ...inputs, ...facts } };
			},
			call: () => ({}),
		},
		"project",
		"dev",
		options.preview ?? false,
		"org",
	);
	await pulumi.runtime.runInPulumiStack(async () => program());
	return registered.filter(({ type }) => type !== "pulumi:pulumi:Stack");
}
