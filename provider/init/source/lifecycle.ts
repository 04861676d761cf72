/**
 * The machine that others are cloned from, before they are: it has to be there, the stack has to be allowed to clone it,
 * and it has to be off, so that its disk is whole. It is looked at and turned off, and never changed or removed.
 */
import { isDeepStrictEqual } from "node:util";
import { patiently, poll } from "../../domain/patience";
import { turnOff } from "../../domain/power";
import type { DomainInfo, Host } from "../../libvirt";
import { type Change, type Context, InputError, type Lifecycle } from "../../lifecycle";
import { stackOf } from "../../owner";
import { isPermitted, shownPatterns } from "../../permitted";
import { attribute, child, children, type Element, parse, text } from "../../xml/element";
import { recordedIn } from "../../xml/metadata";
import { withAccess } from "../access";
import { isStartedForThis } from "../injection/powered";
import { type CloneSourceFacts, type CloneSourceInputs, cloneSourceSchema } from "./schema";

export const cloneSource: Lifecycle<CloneSourceInputs, CloneSourceFacts> = {
	name: "CloneSource",
	schema: cloneSourceSchema,
	sensitive: ["elevatedCredentials"],

	changes(olds, news) {
		if (olds.domain !== news.domain) {
			return [{ property: "domain", effect: "replace", note: "another machine is cloned" }];
		}
		return (["action", "timeoutSeconds", "elevatedCredentials"] as const)
			.filter((property) => !isDeepStrictEqual(olds[property], news[property]))
			.map((property): Change => ({ property, effect: "live", note: "used when it is cloned the next time" }));
	},

	plan: (inputs, context) =>
		withAccess(context, inputs.elevatedCredentials, async ({ host, makes = "new" }) => {
			const info = await host.domains.find(inputs.domain);
			if (!info) return [`warning: domain: ${missing(inputs.domain)}`];
			const root = await definitionOf(host, info);
			refuseStranger(inputs, info, root);
			if (makes === false) return [];
			if (info.state === "shutoff")
				return inputs.action === "powerOn"
					? [`${info.name} is started for its scripts, and is off again afterwards`]
					: [];
			if (await goesOff(host, inputs, info))
				return [`${info.name} runs: a run that was cut off has started it, and it is off afterwards`];
			if (inputs.action === "fail" || inputs.action === "powerOn") return [`warning: domain: ${busy(info)}`];
			return [`${info.name} runs: ${DONE_ABOUT_IT[inputs.action](inputs)}`];
		}),

	create: (inputs, context) =>
		withAccess(context, inputs.elevatedCredentials, async (able) => {
			const { host } = able;
			const info = await host.domains.find(inputs.domain);
			if (!info) throw new InputError("domain", missing(inputs.domain));
			const root = await definitionOf(host, info);
			refuseStranger(inputs, info, root);
			if (inputs.action !== "copy" && !(await goesOff(host, inputs, info))) await untilOff(able, inputs, info);
			return { id: info.uuid, state: { ...inputs, uuid: info.uuid, ids: hardwareIn(root) } };
		}),

	read: (id, state, context) =>
		withAccess(context, state.elevatedCredentials, async ({ host }) => {
			const info = await host.domains.find(id);
			return info && { ...state, ids: hardwareIn(await definitionOf(host, info)) };
		}),

	update: async (_id, { uuid, ids }, news) => ({ ...news, uuid, ids }),

	async delete() {},
};

const DONE_ABOUT_IT = {
	wait: ({ timeoutSeconds }: CloneSourceInputs) => `it is waited for, up to ${timeoutSeconds} s, until it is off`,
	shutdown: () => "it is shut down for this, and stays off",
	copy: () => "its disk's own file is copied, for which it stands still",
};

async function definitionOf(host: Host, { uuid, name }: DomainInfo): Promise<Element> {
	return parse(await host.domains.xml(uuid, { inactive: true }), `the definition of ${name}`);
}

function missing(reference: string): string {
	return `there is no domain ${reference} on the host; allowed is a domain's UUID or name`;
}

function busy({ name, state }: DomainInfo): string {
	return (
		`domain ${name} is ${state}; allowed is one that is shut off, so that its disk is whole. Shut it down, or say in ` +
		"whenSourceBusy that it is to be waited for, shut down or copied"
	);
}

/** Whether it runs only because an earlier run was cut off, and is shut down once it has its scripts. */
async function goesOff(host: Host, { action }: CloneSourceInputs, info: DomainInfo): Promise<boolean> {
	return action === "powerOn" && (await isStartedForThis(host, info));
}

/** @throws InputError for a stack that its owner does not want to clone it */
function refuseStranger(inputs: CloneSourceInputs, { name }: DomainInfo, root: Element): void {
	const { owner = "", cloneableBy } = recordedIn(root) ?? {};
	if (isPermitted(inputs, owner, cloneableBy)) return;
	throw new InputError(
		"domain",
		`${stackOf(inputs.ownerId)} may not clone domain ${name}, which belongs to ${owner}; allowed are ` +
			`${shownPatterns(cloneableBy)}. Its owner can let it: cloneableBy of that Domain`,
	);
}

async function untilOff(context: Context, inputs: CloneSourceInputs, info: DomainInfo): Promise<void> {
	const { host, log } = context;
	const { action, timeoutSeconds } = inputs;
	if (info.state === "shutoff") return;
	if (action === "fail" || action === "powerOn") throw new InputError("domain", busy(info));
	log(action === "wait" ? `waits until ${info.name} is off` : `shuts ${info.name} down`);
	const state = async () => (await patiently(() => host.domains.state(info.uuid))).state;
	if (action === "shutdown") {
		await turnOff(context, info.uuid, timeoutSeconds);
		return;
	}
	if (await poll(timeoutSeconds, async () => ((await state()) === "shutoff" ? true : undefined))) return;
	throw new Error(
		`domain ${info.name} is still ${await state()} after ${timeoutSeconds} s (whenSourceBusy.timeoutSeconds); nothing was ` +
			"touched. Shut it down, wait longer, or let it be shut down: action: shutdown",
	);
}

/** Ids of a machine's hardware as its guest sees them, by their identifiers in full. */
export function hardwareIn(root: Element): CloneSourceFacts["ids"] {
	const found: CloneSourceFacts["ids"] = [];
	const add = (identifier: string, value: string | undefined) => {
		if (value) found.push({ identifier, value });
	};
	add("uuid", text(child(root, "uuid"))?.toLowerCase());
	const nics = children(child(root, "devices"), "interface");
	for (const [index, nic] of nics.entries()) add(`mac ${index}`, attribute(nic, "mac", "address")?.toLowerCase());
	for (const sysinfo of children(root, "sysinfo")) {
		for (const entry of children(child(sysinfo, "system"), "entry")) {
			if (attribute(entry, "", "name") === "serial") add("serial", text(entry));
		}
	}
	return found;
}
