#!/usr/bin/env node
/** Command line for what is done beside Pulumi, on request: looking at and removing a stack's objects on a host. */
import { untilMade } from "../provider/fork/made";
import { collect, readState, refuseState } from "../provider/guard/gc";
import { type Swept, sweep } from "../provider/guard/sweep";
import { closeAll, connect } from "../provider/libvirt";
import { type Arguments, argumentsOf, checkStack, portOf, timeoutOf } from "./arguments";
import { edit } from "./edit";
import { untilEnded } from "./ended";
import { isOnChildren, onChildren } from "./fork";
import { listIdentities, releaseIdentity } from "./identities";
import { type IdentityState, readIdentityState } from "./identity-state";
import { morphCheck, morphCpu, morphOptions, morphStatus } from "./morph";
import { listTemplates, showTemplate } from "./morph-templates";
import { exportedState } from "./state";
import { watch } from "./watch";

const usage = `usage: pulumi-libvirt-clones sweep --stack ORGANIZATION/PROJECT/STACK [--uri URI] [--yes]
       pulumi-libvirt-clones gc --stack ORGANIZATION/PROJECT/STACK [--uri URI] [--state FILE] [--yes]
       pulumi-libvirt-clones identities list --stack ORGANIZATION/PROJECT/STACK [--pool POOL] [--state FILE]
       pulumi-libvirt-clones identities release NAME --stack ORGANIZATION/PROJECT/STACK [--pool POOL] [--owner OWNER]
           [--state FILE] [--yes]
       pulumi-libvirt-clones morph options MACHINE... [--uri URI] [--to URI [--bandwidth MIBPS]]
       pulumi-libvirt-clones morph status [MACHINE...] [--uri URI]
       pulumi-libvirt-clones morph cpu URI URI...
       pulumi-libvirt-clones morph check FILE...
       pulumi-libvirt-clones morph templates --stack ORGANIZATION/PROJECT/STACK [--state FILE]
       pulumi-libvirt-clones morph template NAME --stack ORGANIZATION/PROJECT/STACK [--state FILE]
       pulumi-libvirt-clones morph edit FILE [--uri URI] [--port PORT]
       pulumi-libvirt-clones fork wait NAME [--uri URI] [--timeout SECONDS]
       pulumi-libvirt-clones fork power-on|power-off SET [CHILD...] --stack STACK [--project FOLDER] [--with-pending] [--yes]
       pulumi-libvirt-clones fork reset SET [CHILD...] --stack STACK [--on-reset boot|refork] [--project FOLDER]
           [--with-pending] [--yes]
       pulumi-libvirt-clones fork create|destroy SET CHILD...|--count N --stack STACK [--project FOLDER] [--with-pending]
           [--yes]
       pulumi-libvirt-clones fork revert SET [CHILD...] --stack STACK [--project FOLDER] [--with-pending] [--yes]
       pulumi-libvirt-clones watch FILE [--uri URI] [--yes]

sweep removes what carries a stack's mark on a host: its domains and networks, the disks of those domains, overlays to
which nothing was ever written, and its pools if they are empty then. For what an interrupted run left when its stack is
gone; what could hold data of its own is named and left.

gc removes gold images that the stack made, that its state does not know any more and that nothing depends on: what a
new image leaves under onBaseChange: "keep". It asks pulumi for the state, or takes what "pulumi stack export" wrote.

identities list shows the identities of the stack's pools: state, who holds them, since when, and whose owner is gone.
identities release returns one whose owner is gone, or takes it out of quarantine, with new credentials.

morph options says which instance types machines can change to, and how: while they run, or by a restart; of several
machines what all of them can, and which of them excludes the rest; with --to, on another host, to which they move.
morph status says how far a change has come, and what of one that was cut off is recorded. Both take machines by name or
UUID, whoever made them, and change nothing. morph cpu prints the best CPU that each of some hosts can give a machine, so
that it goes on on all of them. morph check says what is wrong in templates, else what their steps come to; morph edit
serves a page on this computer to edit one, and to see the options of machines, until it is ended. morph templates lists
the templates that a stack has stored, and the machines that refer to each; morph template shows one, as a file of YAML.

fork wait waits until a ForkPoint is made, by whichever stack, and prints what it is, as JSON: by its name, the name of its
machine, or its UUID. It looks when libvirt tells of a change, and changes nothing.

The other commands of fork are for children of a ForkedVMSet, all of them or those that are named: they change what the
stack declares of them, in its configuration, and run pulumi up. They refuse to bring about what else the program has
changed. fork revert takes back what they said: the program alone says it again.

watch changes the declared number of a stack's machines by how busy they are, and runs pulumi up, until it is ended:
docs/watch.md has the file.

Without --yes they only tell what they would do.

  --stack S     organization/project/stack; the organization of a self-managed backend is "organization"; for fork and a
                stack of the project in the folder also its name alone
  --uri URI     libvirt URI of the host, for gc as the stack says it (LIBVIRT_DEFAULT_URI, else qemu:///system)
  --to URI      morph options: libvirt URI of the other host
  --bandwidth N morph options: MiB that are sent there in a second
  --state FILE  gc, identities, morph templates: the exported state, for identities with --show-secrets; "-" reads it from standard input
  --pool POOL   identities: only this pool, by its name in the store
  --owner OWNER identities release: who holds it, where that is of a stack that is gone
  --port PORT   morph edit: where the page is served, on the loopback interface (any that is free)
  --timeout N   fork wait: seconds after which it gives up (600)
  --project F   fork: folder of the Pulumi project (this one)
  --count N     fork create, destroy: the number of counted children that there are to be
  --on-reset R  fork reset: "refork" forks them again, without what they wrote to their system disks; "boot" (as the set says)
  --with-pending  fork: bring about as well what the program has changed beside this
  --yes         do it`;

const commands: Record<string, (given: Arguments) => Promise<Swept>> = {
	sweep: ({ stack, uri, yes }) => sweep(connect(uri), { stack, dryRun: !yes }),
	async gc({ stack, uri, state: from, yes }) {
		const state = readState(await exportedState(stack, from));
		refuseState(state, stack, uri, from === undefined);
		return collect(connect(uri), { stack, state, dryRun: !yes });
	},
};

/** Commands that print lines of their own. */
const reports: Record<string, (given: Arguments) => Promise<string[]>> = {
	"identities list": async (given) => listIdentities({ ...given, state: await identityState(given) }),
	"morph options": morphOptions,
	"morph status": morphStatus,
	"morph cpu": morphCpu,
	"morph check": morphCheck,
	"morph templates": async ({ stack, state }) => listTemplates(stack, await exportedState(stack, state)),
	"morph template": async ({ stack, state, names }) =>
		showTemplate(theOne(names), stack, await exportedState(stack, state)),
	async "identities release"(given) {
		const [name, ...others] = given.names;
		if (name === undefined || others.length > 0) throw new Error(usage);
		const state = await identityState(given);
		const what = await releaseIdentity(name, { ...given, state, dryRun: !given.yes, log: console.error });
		return given.yes ? [`released ${what}`] : [`would release ${what}`, NOT_DONE];
	},
};

async function main(): Promise<void> {
	const given = argumentsOf(process.argv.slice(2));
	if (given.help) return console.log(usage);
	const report = Object.hasOwn(reports, given.command) ? reports[given.command] : undefined;
	const command = Object.hasOwn(commands, given.command) ? commands[given.command] : undefined;
	if (given.command === "watch") return watching(given);
	if (given.command === "fork wait") return waiting(given);
	if (isOnChildren(given.command)) return children(given);
	if (given.command === "morph edit") return editing(given);
	if (report) {
		if (/^(identities|morph template)/.test(given.command)) checkStack(given.stack);
		for (const line of await report(given)) console.log(line);
		return;
	}
	if (!command || given.names.length > 0) throw new Error(usage);
	checkStack(given.stack);
	const { removed, kept } = await command(given);
	for (const what of removed) console.log(`${given.yes ? "removed" : "would remove"} ${what}`);
	for (const what of kept) console.log(`left ${what}`);
	if (removed.length + kept.length === 0) console.log(`${NOTHING[given.command]} ${given.stack} is on ${given.uri}`);
	else if (!given.yes && removed.length > 0) console.log(NOT_DONE);
}

async function watching({ names, uri, yes }: Arguments): Promise<void> {
	const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
	await watch({ file: theOne(names), uri, yes, log, signal: untilEnded().signal });
}

async function waiting({ names, uri, timeout }: Arguments): Promise<void> {
	const name = theOne(names);
	const { signal } = untilEnded();
	const how = { timeoutSeconds: timeoutOf(timeout), log: (line: string) => console.error(line), signal };
	console.log(JSON.stringify(await untilMade(uri, name, how), undefined, "\t"));
}

async function children(given: Arguments): Promise<void> {
	if (given.names.length === 0) throw new Error(usage);
	const { signal: interrupted, terminated: signal } = untilEnded();
	const { changes } = await onChildren(given, { log: (line) => console.log(line), signal, interrupted });
	if (changes.length === 0) console.log("there is nothing to change");
	if (!given.yes) console.log(NOT_DONE);
}

async function editing({ names, uri, port }: Arguments): Promise<void> {
	await edit({ file: theOne(names), uri, port: portOf(port) }, untilEnded().signal, (line) => console.log(line));
}

function theOne([file, ...others]: string[]): string {
	if (file === undefined || others.length > 0) throw new Error(usage);
	return file;
}

async function identityState({ stack, state }: Arguments): Promise<IdentityState> {
	return readIdentityState(await exportedState(stack, state, { secrets: true }));
}

const NOT_DONE = "Nothing was changed; add --yes to do it.";
const NOTHING: Record<string, string> = { sweep: "nothing of", gc: "no forgotten image of" };

main()
	.catch((error: Error) => {
		console.error(error.message);
		process.exitCode = 1;
	})
	.finally(closeAll);
