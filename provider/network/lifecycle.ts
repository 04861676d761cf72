/** Virtual networks. The owner is recorded in `<metadata>` of the persistent definition; the id is the UUID. */
import type { Host, NetworkInfo } from "../libvirt/api";
import { type Context, InUseError, type Lifecycle, type State } from "../lifecycle";
import { foundOwnLine, isNameTaken, isOwnedBy } from "../owner";
import { wayOut } from "../taken";
import { Undo } from "../undo";
import { type Element, parse, serialize } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import { changes, MANY_DHCP_CHANGES } from "./changes";
import { stopFormer, succeed } from "./former";
import { found } from "./found";
import { guestsOn, namesOf } from "./guests";
import { applyLive, liveSteps, runningModel } from "./live";
import { overlapLines } from "./overlap";
import { plugInLeftOnes, restart } from "./restart";
import { rules } from "./rules";
import { type NetworkFacts, type NetworkInputs, networkSchema } from "./schema";
import { keptOf, modelOf, networkElement } from "./xml";

type NetworkState = State<NetworkInputs, NetworkFacts>;

export const network: Lifecycle<NetworkInputs, NetworkFacts> = {
	name: "Network",
	schema: networkSchema,
	outputs: ["name"],
	rules,
	changes,

	async plan(inputs, context) {
		const { host, makes = "new" } = context;
		const existing = await host.networks.find(inputs.name);
		const overlaps = await overlapLines(host, inputs);
		const lines = [...(existing && makes === "new" ? await takeOverLines(context, inputs, existing) : []), ...overlaps];
		if (!existing?.active) return lines;
		const guests = await guestsOn(host, existing.name, (await runningModel(host, existing.uuid)).bridge);
		return guests.length === 0 ? lines : [...lines, `running machines on it: ${namesOf(guests)}`];
	},

	async create(inputs, context) {
		const { host } = context;
		const existing = await host.networks.find(inputs.name);
		const state = existing ? await takeOver(context, inputs, existing) : await makeFirst(context, inputs);
		return { id: state.uuid, state };
	},

	async read(id, state, { host }) {
		const existing = await host.networks.find(id);
		if (!existing) return undefined;
		return found(state, {
			...existing,
			definition: await definitionOf(host, existing),
			running: existing.active ? await runningModel(host, id) : undefined,
			autostart: await host.networks.getAutostart(id),
		});
	},

	async update(id, olds, news, context) {
		const { host } = context;
		const existing = await host.networks.find(id);
		if (!existing) {
			throw new Error(
				`the network "${olds.name}" (${id}) is gone from ${host.uri}: run pulumi refresh, and pulumi up makes it anew.`,
			);
		}
		refuseForeign(existing, await definitionOf(host, existing), olds);
		return bringTo(context, existing, olds, news);
	},

	/** Refused while running machines are on the network: they would lose their connection without a trace. */
	async delete(id, state, { host }) {
		const existing = await host.networks.find(id);
		if (!existing) return;
		refuseForeign(existing, await definitionOf(host, existing), state);
		if (existing.active) {
			const guests = await guestsOn(host, existing.name, (await runningModel(host, id)).bridge);
			if (guests.length > 0) {
				throw new InUseError(
					`the network "${existing.name}" cannot be deleted: running machines are on it: ${namesOf(guests)}. ` +
						"Shut them down, or move their NICs to another network first.",
					{ domains: guests.map(({ name }) => name), volumes: [] },
				);
			}
			await host.networks.destroy(id);
		}
		if (existing.persistent) await host.networks.undefine(id);
	},
};

/** The persistent definition, in which owners are recorded. */
async function definitionOf(host: Host, { uuid, persistent }: NetworkInfo): Promise<Element> {
	return parse(await host.networks.xml(uuid, { inactive: persistent }), "the network's XML");
}

function refuseForeign({ name, uuid }: NetworkInfo, definition: Element, inputs: NetworkInputs): void {
	const owner = recordedIn(definition)?.owner;
	if (owner === undefined || isOwnedBy(owner, inputs)) return;
	throw new Error(
		`the network "${name}" (${uuid}) belongs to "${owner}" by now, not to "${inputs.ownerId}", and is left alone. ` +
			"Remove the resource from this program's state (pulumi state delete), or list that owner in previousOwnerIds.",
	);
}

/** Somebody else's run may be making one of that name at the same time. */
async function makeFirst(context: Context, inputs: NetworkInputs): Promise<NetworkState> {
	return make(context.host, inputs).catch(async (error: unknown) => {
		const taken = isNameTaken(error) ? await context.host.networks.find(inputs.name) : undefined;
		if (!taken) throw error;
		return takeOver(context, inputs, taken);
	});
}

async function make(host: Host, inputs: NetworkInputs): Promise<NetworkState> {
	return Undo.around(async (undo) => {
		const former = await stopFormer(host, inputs, undo);
		const { uuid } = await host.networks.define(serialize(networkElement(inputs)));
		undo.add(`undefine the network ${inputs.name}`, () => host.networks.undefine(uuid));
		await host.networks.setAutostart(uuid, inputs.autostart);
		await start(host, uuid, inputs);
		undo.add(`stop the network ${inputs.name}`, () => host.networks.destroy(uuid));
		await plugInLeftOnes(host, { name: inputs.name, uuid }, inputs);
		if (former) await succeed(host, former, { name: inputs.name, uuid }, inputs);
		return stateOf(host, uuid, inputs);
	});
}

/** @throws Error that says whose the addresses are, when they are in use */
async function start(host: Host, uuid: string, { name, ipv4, ipv6 }: NetworkInputs): Promise<void> {
	await host.networks.start(uuid).catch((error: Error) => {
		const user = /already in use by interface (\S+)/.exec(error.message)?.[1];
		if (user === undefined) throw error;
		const subnets = [ipv4, ipv6].filter((subnet) => subnet !== undefined).join(" or ");
		throw new Error(
			`the network "${name}" cannot be started: its subnet (${subnets}) is in use on ${host.uri} already, by the ` +
				`interface ${user} of another network or of the host itself. Choose another subnet, or use that network by its name.`,
			{ cause: error },
		);
	});
}

async function stateOf(host: Host, uuid: string, inputs: NetworkInputs): Promise<NetworkState> {
	return { ...inputs, uuid, bridgeName: (await runningModel(host, uuid)).bridge ?? "" };
}

/** Our own network after an interrupted create, or with `adopt` anybody's: brought to what is asked for. */
async function takeOver(context: Context, inputs: NetworkInputs, existing: NetworkInfo): Promise<NetworkState> {
	const { host, log } = context;
	const definition = await definitionOf(host, existing);
	const owner = recordedIn(definition)?.owner;
	if (!isOwnedBy(owner, inputs) && !inputs.adopt) {
		throw new Error(existsAlready(context, inputs, owner));
	}
	if (!isOwnedBy(owner, inputs)) log(`took over the network "${inputs.name}"`);
	return bringTo(context, existing, foundFor(inputs, existing, definition), inputs);
}

/** What is said before somebody else's network is taken over, or refused. */
async function takeOverLines(context: Context, inputs: NetworkInputs, existing: NetworkInfo): Promise<string[]> {
	const { host } = context;
	const definition = await definitionOf(host, existing);
	const owner = recordedIn(definition)?.owner;
	if (isOwnedBy(owner, inputs)) return [foundOwnLine(`the network "${inputs.name}"`)];
	if (!inputs.adopt) return [`warning: ${existsAlready(context, inputs, owner)}`];
	return [
		`takes over the network "${inputs.name}" of ${owner ?? "nobody recorded"} (adopt)`,
		...changes(foundFor(inputs, existing, definition), inputs).map(
			({ property, effect, note }) => `${property}: ${effect}: ${note}`,
		),
	];
}

function existsAlready(context: Context, { name }: NetworkInputs, owner: string | undefined): string {
	return (
		`the network "${name}" exists already on ${context.host.uri} and ` +
		`${owner === undefined ? "was not made by this package" : `belongs to "${owner}"`}. ` +
		wayOut(context, "network")
	);
}

/** A network that is not recorded, in the shape of what is. */
function foundFor(inputs: NetworkInputs, existing: NetworkInfo, definition: Element): NetworkState {
	return found({ ...inputs, uuid: existing.uuid, bridgeName: "" }, { ...existing, definition, autostart: true });
}

/**
 * Defines the network anew and lets the running one follow, as mildly as possible. The wanted definition is compared
 * with what runs, not with what was recorded, so that it can be called again after a failure in the middle.
 */
async function bringTo(
	{ host, log }: Context,
	existing: NetworkInfo,
	olds: NetworkInputs,
	news: NetworkInputs,
): Promise<NetworkState> {
	const { uuid } = existing;
	const previous = await definitionOf(host, existing);
	const wanted = networkElement(news, keptOf(previous, olds.extraXml));
	await host.networks.define(serialize(wanted));
	await host.networks.setAutostart(uuid, news.autostart);
	if (!existing.active) {
		await start(host, uuid, news);
		await plugInLeftOnes(host, existing, news);
		return stateOf(host, uuid, news);
	}
	const running = await runningModel(host, uuid);
	const steps = liveSteps(running, modelOf(wanted));
	const isManyForNobody =
		steps.length > MANY_DHCP_CHANGES && (await guestsOn(host, existing.name, running.bridge)).length === 0;
	const needsRestart = changes(olds, news).some(({ effect }) => effect === "restart") || isManyForNobody;
	if (needsRestart) await restart(host, existing, news, serialize(previous));
	else await applyLive(host, uuid, steps, log);
	return stateOf(host, uuid, news);
}
