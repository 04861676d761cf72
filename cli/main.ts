#!/usr/bin/env node
/** Command line for what is done beside Pulumi, on request: looking at and sweeping a stack's objects on a host. */
import { parseArgs } from "node:util";
import { sweep } from "../provider/guard/sweep";
import { closeAll, connect } from "../provider/libvirt";

const usage = `usage: pulumi-libvirt-clones sweep --stack ORGANIZATION/PROJECT/STACK [--uri URI] [--yes]

Removes what carries a stack's mark on a host: its domains and networks, the disks of those domains, overlays to which
nothing was ever written, and its pools if they are empty then. For what an interrupted run left when its stack is
gone; what could hold data of its own is named and left. Without --yes it only tells what it would do.

  --stack S   organization/project/stack; the organization of a self-managed backend is "organization"
  --uri URI   libvirt URI of the host (LIBVIRT_DEFAULT_URI, else qemu:///system)
  --yes       do it`;

async function main(): Promise<void> {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			stack: { type: "string" },
			uri: { type: "string", default: process.env.LIBVIRT_DEFAULT_URI || "qemu:///system" },
			yes: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) return console.log(usage);
	if (positionals.join(" ") !== "sweep") throw new Error(usage);
	if (!/^[^/]+\/[^/]+\/[^/]+$/.test(values.stack ?? "")) {
		throw new Error(`--stack: got ${JSON.stringify(values.stack ?? "")}; allowed is organization/project/stack`);
	}
	const { removed, kept } = await sweep(connect(values.uri), { stack: values.stack!, dryRun: !values.yes });
	for (const what of removed) console.log(`${values.yes ? "removed" : "would remove"} ${what}`);
	for (const what of kept) console.log(`left ${what}`);
	if (removed.length + kept.length === 0) console.log(`nothing of ${values.stack} is on ${values.uri}`);
	else if (!values.yes) console.log("Nothing was changed; add --yes to do it.");
}

main()
	.catch((error: Error) => {
		console.error(error.message);
		process.exitCode = 1;
	})
	.finally(closeAll);
