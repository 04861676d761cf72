// As many resources as the program `clones` has, by a provider that is loaded in the same way and does nothing.
import * as pulumi from "@pulumi/pulumi";

const { BENCH_COUNT: count, BENCH_EMPTY_PROVIDER: provider } = process.env;

class Empty extends pulumi.CustomResource {
	constructor(name: string, after: pulumi.Input<string> | undefined, parent: pulumi.Resource) {
		const handler = `exports.handler=()=>require(${JSON.stringify(provider)}).empty;`;
		super("pulumi-nodejs:dynamic/empty:Empty", name, { after, __provider: handler }, { parent });
	}
}

const web = new pulumi.ComponentResource("empty:index:Pool", "web");
for (let i = 0; i < Number(count); i++) {
	const disk = new Empty(`disk-${i}`, undefined, web);
	new Empty(`machine-${i}`, disk.id, web);
}
