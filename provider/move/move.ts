/**
 * A machine goes to another host: its memory and the content of its disks are sent by libvirt, from daemon to daemon, into
 * volumes that are there already. Where it is at any moment the two hosts tell: whoever comes after a crash looks, and
 * goes on.
 */
import { hardwareOf, isMorphable } from "../domain/defaults";
import { look, type Seen } from "../domain/look";
import { nicSource } from "../domain/nics";
import { note } from "../domain/note";
import { refuseForeign } from "../domain/own";
import { isGone, patiently } from "../domain/patience";
import { powerOff } from "../domain/power";
import type { DomainFacts, DomainInputs } from "../domain/schema";
import { resolveNics } from "../domain/source";
import { independentDefinition } from "../fork/definition";
import { forgetFork } from "../fork/device-state";
import { isNobody } from "../fork/waiting";
import { connect, type Host } from "../libvirt";
import type { Context, State } from "../lifecycle";
import { pausesFor } from "../morph/template";
import { parse, serialize } from "../xml/element";
import { elsewhere } from "../xml/elsewhere";
import { recordedIn, recordOf } from "../xml/metadata";
import { Convergence, policyOf } from "./convergence";
import { copyOf, type MovedDisk, movedDisks, prepare } from "./disks";
import { refuseObstacles } from "./obstacles";
import { placeAtRest } from "./place";
import { type Coming, refuseWithoutRoom, withRoom } from "./room";
import { wayTo } from "./way";

type Olds = State<DomainInputs, DomainFacts>;

/** What is recorded in a machine for as long as it moves, as JSON. */
interface Moving {
	/** Paths of the volumes that it is sent into. */
	disks: string[];
	/** It was off, and is off when it has arrived: no instruction of a guest runs in between. */
	off: boolean;
}

/**
 * Brings a machine from the host where it is recorded to the one of the context, from wherever an earlier attempt left off.
 * @throws Error when it stays where it was, which the error says, or when where it is cannot be told
 */
export async function moveHere(context: Context, uuid: string, olds: Olds, inputs: DomainInputs): Promise<void> {
	const there = connect(olds.uri);
	const machine = { uuid, name: olds.name };
	let place = await placeBefore(context, there, machine, inputs);
	if (place === "there") {
		await send(context, there, uuid, olds, inputs).catch((error: unknown) => {
			// A call of an earlier run was under way still: it has left meanwhile.
			if (!isGone(error)) throw error;
		});
		place = await placeAtRest(context, there, machine);
	}
	if (place === "gone") {
		throw new Error(
			`uri changed from ${olds.uri} to ${inputs.uri}, and there is no Domain ${uuid} on either. Run pulumi refresh, and ` +
				"pulumi up makes it anew",
		);
	}
	if (place === "there") throw new Error(`${olds.name} has not moved, and is on ${olds.uri} as before`);
	await arrive(context, there, uuid);
}

/**
 * Where it is, once a migration that an earlier run has left behind is at its end.
 * @throws Error when that did not come to one within its bounds
 */
export async function placeBefore(
	context: Context,
	there: Host,
	machine: { uuid: string; name: string },
	inputs: DomainInputs,
): Promise<"there" | "here" | "gone"> {
	const earlier = new Convergence(context.log, there, machine, policyOf(inputs.migration));
	const place = await placeAtRest(context, there, machine, earlier);
	if (place === "there" && earlier.reason !== undefined) throw notMoved(machine.name, there, earlier.reason);
	return place;
}

/**
 * Whether it can go, by a look at both hosts; changes nothing.
 * @returns undefined when it is not there any more
 * @throws Error that says why it cannot
 */
export async function checkMove(context: Context, there: Host, uuid: string, olds: Olds, inputs: DomainInputs) {
	const seen = await look(there, uuid);
	if (!seen) return undefined;
	refuseForeign(context, seen, inputs, olds.ownerId, "was not moved");
	refuseUnforked(seen, olds);
	const way = wayTo(inputs);
	const earlier = movingIn(seen);
	const disks = await movedDisks(context, there, seen, olds.disks, inputs.disks, earlier?.disks ?? []);
	const nics = await connections(context.host, seen, olds, inputs);
	await refuseObstacles(there, context.host, seen.name, (seen.live ?? seen.config).root);
	await refuseWithoutRoom(context.host, comingOf(seen, inputs));
	return { seen, way, earlier, disks, nics };
}

type Checked = NonNullable<Awaited<ReturnType<typeof checkMove>>>;

async function send(context: Context, there: Host, uuid: string, olds: Olds, inputs: DomainInputs): Promise<void> {
	const checked = await checkMove(context, there, uuid, olds, inputs);
	if (!checked) return;
	await withRoom(context.host, comingOf(checked.seen, inputs), () => transfer(context, there, checked, olds, inputs));
}

/** It comes to the size that is wanted, by steps before it leaves or after that. */
function comingOf({ uuid, name, live, config }: Seen, inputs: DomainInputs): Coming {
	const resized = live && isMorphable(inputs);
	return { uuid, name, memoryMiB: resized ? hardwareOf(inputs).memoryMiB : (live ?? config).memoryMiB };
}

async function transfer(
	context: Context,
	there: Host,
	{ seen, way, earlier, disks, nics }: Checked,
	olds: Olds,
	inputs: DomainInputs,
): Promise<void> {
	const { host: here, log } = context;
	const { uuid } = seen;
	const copy = await copyOf(here, there, disks);
	const off = earlier?.off ?? !seen.active;
	const moving: Moving = { disks: disks.flatMap(({ volumes }) => volumes?.to.path ?? []), off };
	await note(there, uuid, { moving: JSON.stringify(moving) }, ["config"]);
	await prepare(context, there, disks);
	if (!seen.active) await patiently(() => there.domains.start(uuid, { paused: true }));
	const policy = policyOf(inputs.migration);
	const convergence = new Convergence(log, there, seen, policy);
	try {
		if (olds.fork && seen.active) await forgetFork(there, uuid);
		const [xml, persistentXml] = await definitions(there, uuid, olds, inputs, { disks, nics });
		const sent = disks.filter(({ volumes }) => volumes).map(({ target }) => target);
		log(`moves from ${there.uri} to ${way.migrateUri}${copy === "top" ? "" : ", with all that its disks hold"}`);
		await convergence.prepare();
		const { bandwidthMiBps, tls = false } = inputs.migration ?? {};
		const paused = pausesFor(inputs.morph);
		const throttle = policy.onNoConvergence === "throttle";
		const how = { throttle, bandwidthMiBps, tls };
		const migration = there.domains.migrate(uuid, { ...way, ...how, xml, persistentXml, disks: sent, copy, paused });
		await convergence.accompany(migration);
	} catch (error) {
		throw await stayed(context, there, { uuid, name: seen.name, off }, convergence, error);
	}
}

/** Who has not become somebody has nothing that could go anywhere. */
function refuseUnforked({ name, config, live }: Seen, { fork }: Olds): void {
	if (!fork || (config.recorded?.setUp === true && !isNobody(live))) return;
	throw new Error(
		`${name} was not moved: it has not been forked yet, which takes its parent's host; turn it on there first`,
	);
}

export function movingIn({ config }: Seen): Moving | undefined {
	const moving = config.recorded?.moving;
	return moving === undefined ? undefined : (JSON.parse(moving) as Moving);
}

/** What its NICs are connected to on the new host, by MAC address. */
async function connections(here: Host, seen: Seen, olds: Olds, inputs: DomainInputs) {
	const given = (inputs.nics ?? []).slice(0, olds.macs.length);
	const resolved = await resolveNics(here, given);
	const known = new Map(resolved.map((nic, index) => [nic.mac ?? olds.macs[index]!, nicSource(nic)]));
	for (const nic of (seen.live ?? seen.config).nics) {
		// One that is taken out when it has arrived has to be connected somewhere until then.
		if (nic.mac !== undefined && nic.source && !known.has(nic.mac)) known.set(nic.mac, nic.source);
	}
	return known;
}

/** Of what runs, and of what is started later, as they are to be on the new host. */
async function definitions(
	there: Host,
	uuid: string,
	olds: Olds,
	inputs: DomainInputs,
	{ disks, nics }: { disks: MovedDisk[]; nics: Awaited<ReturnType<typeof connections>> },
): Promise<[string, string]> {
	const [live, config] = await Promise.all([
		there.domains.xml(uuid, { migratable: true, secure: true }),
		there.domains.xml(uuid, { inactive: true, secure: true }),
	]);
	const at = new Map(disks.map(({ target, source, format }) => [target, { source, format }]));
	return [live, config].map((xml) => {
		const root = parse(xml, `the definition of ${olds.name}`);
		const recorded = { ...recordedIn(root), ...recordOf(inputs, inputs.lineage) };
		const { boot, consoleLog } = inputs;
		const moved = elsewhere(root, { disks: at, nics, boot, consoleLog, recorded });
		return serialize(olds.fork ? independentDefinition(moved) : moved);
	}) as [string, string];
}

/** @returns the error to throw; undefined when it has moved all the same: the call's end was not seen */
async function stayed(
	context: Context,
	there: Host,
	machine: { uuid: string; name: string; off: boolean },
	convergence: Convergence,
	error: unknown,
): Promise<Error> {
	const message = convergence.reason ?? (error instanceof Error ? error.message : String(error));
	const place = await placeAtRest(context, there, machine, convergence).catch((unseen: Error) => unseen);
	if (place instanceof Error) return new Error(`${message}\n${place.message}`, { cause: error });
	if (place !== "there") return new Error(`${message}\n${machine.name} has left ${there.uri}: the next run goes on`);
	if (machine.off) await powerOff(there, machine.uuid);
	return notMoved(machine.name, there, message, { cause: error, off: machine.off });
}

function notMoved(
	name: string,
	there: Host,
	why: string,
	{ off = false, cause }: { off?: boolean; cause?: unknown } = {},
) {
	return new Error(`${name} was not moved: ${why}\nIt ${off ? "is off" : "runs on"} on ${there.uri} as before.`, {
		cause,
	});
}

/** What is left to do when it is there: each step may have been done by a run that was cut off. */
async function arrive(context: Context, there: Host, uuid: string): Promise<void> {
	const { host: here, log } = context;
	const seen = await look(here, uuid);
	const moving = seen && movingIn(seen);
	if (seen && moving) {
		const migrated = seen.active ? await here.domains.migrated(uuid).catch(() => undefined) : undefined;
		if (moving.off) await powerOff(here, uuid);
		else if (migrated) {
			const soFar = seen.state === "paused" ? " so far" : "";
			log(`moved in ${migrated.totalMs} ms, of which it stood still for ${migrated.pauseMs} ms${soFar}`);
		}
		// The variables of its firmware go with a definition alone, which libvirt has removed without them.
		const { root, firmware } = seen.config;
		if (firmware !== "bios") await there.domains.define(serialize(root), { validate: false });
	}
	const left = await there.domains.find(uuid);
	if (left?.state === "shutoff") await patiently(() => there.domains.undefine(uuid));
	if (!seen || !moving) return;
	const { pending } = seen.config.recorded!;
	const liveId = seen.live?.liveId;
	// Changes that wait for the next start wait for the end of another run of it now.
	const waits = pending && liveId !== undefined && { pending: { ...pending, liveId } };
	await note(here, uuid, { moving: undefined, ...waits }, ["config"]);
}
