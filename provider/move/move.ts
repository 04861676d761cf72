/**
 * A machine goes to another host: its memory and the content of its disks are sent by libvirt, from daemon to daemon, into
 * volumes that are there already. Where it is at any moment the two hosts tell: whoever comes after a crash looks, and
 * goes on.
 */
import { hardwareOf, isMorphable } from "../domain/defaults";
import { wantedDefinition } from "../domain/definition";
import { look, type Seen } from "../domain/look";
import { nicSource } from "../domain/nics";
import { refuseForeign } from "../domain/own";
import { isGone, patiently } from "../domain/patience";
import { powerOff, turnOff } from "../domain/power";
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
import { arrive } from "./arrive";
import { carrierOf, onBoardOf } from "./carrier";
import { Convergence, policyOf } from "./convergence";
import { copyOf, movedDisks, prepare, sentOf } from "./disks";
import { adaptedTo, lacksOf } from "./lacking";
import { isMigrated, modeOf } from "./mode";
import { hasSaved, isCarrier, type Moving, movingIn, noteMoving } from "./moving";
import { lackingDevices, lackingFor, obstacles } from "./obstacles";
import { placeAtRest } from "./place";
import { type Asking, refuseWithoutRoom, withRoom } from "./room";
import { bring, placesFor, refuseForked, restoreThere, save, settleSaved } from "./saved";
import { explained, isSafe } from "./shared-disks";
import { plugAgain, unplugLacking } from "./unplug";
import { wayTo } from "./way";

type Olds = State<DomainInputs, DomainFacts>;

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
	await arrive(context, there, uuid, inputs);
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
	const mayHold = earlier?.to === context.host.uri ? earlier.disks : [];
	const disks = await movedDisks(context, there, seen, olds.disks, inputs.disks, mayHold);
	const nics = await connections(context.host, seen, olds, inputs);
	const as = isCarrier(seen, earlier) ? seen.config : (seen.live ?? seen.config);
	const { whenLacking = "refuse" } = inputs.migration ?? {};
	const found = await obstacles(there, context.host, as.root, whenLacking);
	const lacks = whenLacking === "adapt" ? await lacksOf(there, context.host, as.root) : [];
	const mode = modeOf({ name: seen.name, to: inputs.uri }, inputs.migration, found);
	const restarts = found.some((obstacle) => obstacle.mode !== "paused");
	const changed = restarts ? await startedAnew(context, there, seen, olds, inputs) : undefined;
	const saves = mode === "saveRestore" && seen.active && !isCarrier(seen, earlier);
	if (saves) refuseForked(olds);
	const saved = saves ? await placesFor(context.host, there, uuid, disks) : undefined;
	await refuseWithoutRoom(context.host, comingOf(seen, inputs));
	return { seen, way, earlier, disks, nics, mode, changed, saved, lacks };
}

type Checked = NonNullable<Awaited<ReturnType<typeof checkMove>>>;

/** What it is when it is started on its new host, where that could not take it as it is. */
async function startedAnew({ host: here }: Context, there: Host, seen: Seen, olds: Olds, inputs: DomainInputs) {
	const { uuid, name, config, live } = seen;
	const domainType = inputs.type === "auto" ? config.domainType : inputs.type;
	const sameExtra = olds.extraXml === inputs.extraXml;
	const machine = { uuid, domainType, inherited: olds.inherited, config, live, sameExtra };
	const { root } = await wantedDefinition({ ...inputs, name }, here, machine);
	const devices = await lackingDevices(there, here, root, "refuse");
	const lacking = [...(await lackingFor(there, here, root)), ...(await lackingFor(here, there, root)), ...devices];
	modeOf({ name: `${name}, also when it is started anew,`, to: inputs.uri }, { mode: "live" }, lacking);
	return root;
}

async function send(context: Context, there: Host, uuid: string, olds: Olds, inputs: DomainInputs): Promise<void> {
	await settleSaved(context, there, uuid);
	const checked = await checkMove(context, there, uuid, olds, inputs);
	if (!checked) return;
	await withRoom(context.host, comingOf(checked.seen, inputs), () => transfer(context, there, checked, olds, inputs));
}

/** It comes to the size that is wanted, by steps before it leaves or after that. */
function comingOf({ uuid, name, live, config }: Seen, inputs: DomainInputs): Asking {
	const resized = live && isMorphable(inputs);
	return {
		arch: config.arch,
		uuid,
		name,
		memoryMiB: resized ? hardwareOf(inputs).memoryMiB : (live ?? config).memoryMiB,
	};
}

async function transfer(
	context: Context,
	there: Host,
	checked: Checked,
	olds: Olds,
	inputs: DomainInputs,
): Promise<void> {
	const { seen, way, disks, mode } = checked;
	const { host: here, log } = context;
	const { uuid } = seen;
	const copy = await copyOf(here, there, disks);
	await prepare(context, there, disks);
	const policy = policyOf(inputs.migration);
	const convergence = new Convergence(log, there, seen, policy);
	const runs = seen.active && !isCarrier(seen, checked.earlier);
	try {
		await bringToRest(context, there, checked, olds, inputs);
		const [xml, persistentXml] = await definitions(there, uuid, olds, inputs, here, checked);
		const sent = sentOf(disks).map(({ target }) => target);
		log(`moves from ${there.uri} to ${way.migrateUri}${copy === "top" ? "" : ", with all that its disks hold"}`);
		await convergence.prepare();
		const { bandwidthMiBps, tls = false } = inputs.migration ?? {};
		const paused = pausesFor(inputs.morph);
		const throttle = policy.onNoConvergence === "throttle";
		const safe = isSafe(disks, runs && isMigrated(mode) ? seen.live : undefined);
		const how = { live: mode !== "paused", throttle, bandwidthMiBps, tls, safe };
		const migration = there.domains.migrate(uuid, { ...way, ...how, xml, persistentXml, disks: sent, copy, paused });
		await convergence.accompany(migration);
	} catch (error) {
		const restarts = mode === "reboot" && olds.running;
		const sent = runs && isMigrated(mode) ? "running" : "carrier";
		throw await stayed(context, there, seen, { sent, restarts }, convergence, error);
	}
}

/** What is sent then either runs, or carries the disks of one that is off. */
async function bringToRest(
	context: Context,
	there: Host,
	{ seen, earlier, disks, mode, changed, saved, lacks }: Checked,
	olds: Olds,
	inputs: DomainInputs,
): Promise<void> {
	const { uuid } = seen;
	const runs = seen.active && !isCarrier(seen, earlier);
	const moving: Moving = {
		to: context.host.uri,
		disks: sentOf(disks).map(({ volumes }) => volumes.to.path),
		shared: disks.flatMap(({ volumes, shared }) => (volumes && shared ? [volumes.to.path] : [])),
		off: !(runs && isMigrated(mode)),
		saved: runs ? saved : earlier?.saved,
		without: [
			...(earlier?.without ?? []),
			...lacks.flatMap(({ alias, remedy }) => (remedy === "remove" ? [alias!] : [])),
		],
	};
	if (runs && olds.fork) await forgetFork(there, uuid);
	if (runs && saved) {
		context.log(`${seen.name} is saved in ${saved.there}`);
		await save(there, uuid, moving, saved);
	}
	// Noted when it is off: one that runs on after all would be taken for what carries its disks whenever it is paused.
	if (runs && mode === "reboot") await turnOff({ ...context, host: there }, uuid, inputs.shutdownTimeoutSeconds);
	await noteMoving(there, uuid, moving);
	if (moving.saved) await bring(context, there, moving.saved);
	if (runs && isMigrated(mode)) return unplugLacking({ ...context, host: there }, uuid, lacks);
	if (seen.active && !runs) return;
	if (!changed && lacks.length === 0) return patiently(() => there.domains.start(uuid, { paused: true }));
	const definition = parse(await there.domains.xml(uuid, { inactive: true, secure: true }), "the definition");
	const fitting = lacks.length === 0 ? definition : await adaptedTo(context.host, definition);
	const xml = serialize(carrierOf(fitting, changed ?? definition));
	await patiently(() => there.domains.createTransient(xml, { paused: true }));
}

/** Who has not become somebody has nothing that could go anywhere. */
function refuseUnforked({ name, config, live }: Seen, { fork }: Olds): void {
	if (!fork || (config.recorded?.setUp === true && !isNobody(live))) return;
	throw new Error(
		`${name} was not moved: it has not been forked yet, which takes its parent's host; turn it on there first`,
	);
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
	here: Host,
	{ disks, nics, changed, lacks }: Checked,
): Promise<[string, string]> {
	const [live, config] = await Promise.all([
		there.domains.xml(uuid, { migratable: true, secure: true }),
		there.domains.xml(uuid, { inactive: true, secure: true }),
	]);
	const at = new Map(disks.map(({ target, source, format }) => [target, { source, format }]));
	const both = [live, config].map(async (xml, index) => {
		const found = parse(xml, `the definition of ${olds.name}`);
		const root = changed && index === 1 ? onBoardOf(found, changed) : found;
		const recorded = { ...recordedIn(root), ...recordOf(inputs, inputs.lineage) };
		const { boot, consoleLog } = inputs;
		const moved = elsewhere(root, { disks: at, nics, boot, consoleLog, recorded });
		const fitting = lacks.length === 0 ? moved : await adaptedTo(here, moved);
		return serialize(olds.fork ? independentDefinition(fitting) : fitting);
	});
	return Promise.all(both) as Promise<[string, string]>;
}

/** @returns the error to throw */
async function stayed(
	context: Context,
	there: Host,
	machine: { uuid: string; name: string },
	{ sent, restarts }: { sent: "running" | "carrier"; restarts: boolean },
	convergence: Convergence,
	error: unknown,
): Promise<Error> {
	const message = convergence.reason ?? explained(error);
	const { uuid, name } = machine;
	const place = await placeAtRest(context, there, machine, convergence).catch((unseen: Error) => unseen);
	if (place instanceof Error) return new Error(`${message}\n${place.message}`, { cause: error });
	if (place !== "there") return new Error(`${message}\n${name} has left ${there.uri}: the next run goes on`);
	if (sent === "running") {
		const again = await plugAgain(there, uuid).then(
			() => "",
			(unable: Error) => `\nA device that was unplugged for that is not back: ${unable.message}`,
		);
		return notMoved(name, there, `${message}${again}`, { cause: error });
	}
	const is = await goOnThere(context, there, uuid, restarts).catch((unable: Error) => unable);
	if (typeof is === "string") return notMoved(name, there, message, { cause: error, is });
	const left = `${name} could not go on on ${there.uri} either: ${is.message}\nThe next run tries again`;
	return new Error(`${message}\n${left}`, { cause: error });
}

/** @returns what it does then */
async function goOnThere(context: Context, there: Host, uuid: string, restarts: boolean): Promise<string> {
	if (await goOnFromSaved(context, there, uuid)) return "runs on";
	const seen = await look(there, uuid);
	const moving = seen && movingIn(seen);
	const carrier = seen && isCarrier(seen, moving);
	if (carrier) await powerOff(there, uuid);
	// Whoever starts it now, and pauses it later, is not to lose what runs.
	if (moving?.off) await noteMoving(there, uuid, { ...moving, off: false });
	if (seen?.active && !carrier) return "runs on";
	if (!restarts) return "is off";
	await patiently(() => there.domains.start(uuid));
	await noteMoving(there, uuid, undefined);
	return "was started again";
}

/** One that an earlier run was to move, and is not to move any more. */
export async function stayHere(context: Context, seen: Seen): Promise<void> {
	const { host } = context;
	const { uuid } = seen;
	if (await goOnFromSaved(context, host, uuid)) return;
	if (isCarrier(seen, movingIn(seen))) await powerOff(host, uuid);
	await plugAgain(host, uuid);
	await noteMoving(host, uuid, undefined);
}

/** Has one go on whose memory an earlier run, or this one, has saved. @returns whether there was one */
async function goOnFromSaved(context: Pick<Context, "log">, there: Host, uuid: string): Promise<boolean> {
	await settleSaved(context, there, uuid);
	const seen = await look(there, uuid);
	const moving = seen && movingIn(seen);
	if (!seen || !hasSaved(moving)) return false;
	if (seen.active) await powerOff(there, uuid);
	await restoreThere(context.log, there, uuid, moving);
	return true;
}

function notMoved(
	name: string,
	there: Host,
	why: string,
	{ is = "runs on", cause }: { is?: string; cause?: unknown } = {},
) {
	return new Error(
		`${name} was not moved: ${why}\nIt ${is} on ${there.uri}${is === "was started again" ? "" : " as before"}.`,
		{
			cause,
		},
	);
}
