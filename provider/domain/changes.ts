/**
 * What differs between a domain as it is recorded and as it is wanted, and what each difference does to the machine.
 * Pure: the preview and the update both go by it.
 */
import { isDeepStrictEqual } from "node:util";
import { batchText } from "../batch";
import { forkChanges, preemptionChanges, startNote } from "../fork/changes";
import type { Change, Effect, State } from "../lifecycle";
import { bars, shapeUnder } from "../morph/agent-policy";
import { NOTHING, planMorph, stepLine } from "../morph/planner";
import { movedNote } from "../morph/preview";
import type { Shape } from "../morph/shape";
import { deedOf, growthsOf, hasStep, PHASES, stepsIn } from "../morph/template";
import { hasUnknown, isUnknown } from "../unknown";
import { differenceOf } from "../xml/named-devices";
import { type Hardware, hardwareOf } from "./defaults";
import { diskChanges, nicChanges } from "./device-changes";
import { asMoved, moveChange } from "./moved";
import type { DomainFacts, DomainInputs } from "./schema";

type Olds = State<DomainInputs, DomainFacts> | DomainInputs;
type Row = { effect: Effect; note: string };

/** Inputs with one effect each, whatever the change is. */
const TABLE: Partial<Record<keyof DomainInputs, Row>> = {
	description: { effect: "live", note: "written down" },
	autostart: { effect: "live", note: "written down" },
	shutdownTimeoutSeconds: { effect: "live", note: "used at the next shutdown" },
	waitFor: { effect: "live", note: "used at the next start" },
	morph: { effect: "live", note: "used when the machine changes its size or moves the next time" },
	agentPolicy: { effect: "live", note: "written into the metadata, and kept to when the machine changes" },
	migration: { effect: "live", note: "used when the machine moves to another host" },
	init: { effect: "live", note: "used when the machine is made the next time" },
	healthCheck: { effect: "live", note: "used when the machine is made the next time" },
	guestSetup: { effect: "live", note: "recorded only: it is done once, right after a machine's first start" },
	lineage: { effect: "live", note: "written into the metadata" },
	cloneableBy: { effect: "live", note: "written into the metadata" },
	memberCheck: { effect: "live", note: "done at the end of this change, and of each one after it" },
	cpu: { effect: "restart", note: "a CPU cannot change while it runs" },
	smbios: { effect: "restart", note: "the firmware's tables are made when the machine starts" },
	boot: { effect: "restart", note: "the kernel is loaded when the machine starts" },
	consoleLog: { effect: "restart", note: "the log is opened when the machine starts" },
};

/** Hardware whose value may also be a default or the template's. */
const HARDWARE: Record<"arch" | "machine" | "firmware" | "agent" | "rng" | "graphics", Row> = {
	arch: { effect: "replace", note: "what is installed runs on one architecture" },
	machine: { effect: "restart", note: "the board cannot change while the machine runs" },
	firmware: { effect: "replace", note: "what is installed boots with one kind of firmware" },
	agent: { effect: "restart", note: "the channel is part of the board" },
	rng: { effect: "restart", note: "the device is part of the board" },
	graphics: { effect: "restart", note: "the device is part of the board" },
};

/** Differences with the effect that each would have on a running machine that may be restarted. */
export function allChanges(olds: Olds, news: DomainInputs): Change[] {
	if (news.moves && olds.uri === news.moves.from) {
		// Which volumes they are there may not be known yet: they are the machine's all the same.
		const known = Array.isArray(news.disks) ? news : { ...news, disks: olds.disks };
		return [moveChange(news.moves, known), ...stepChanges(olds, known), ...allChanges(asMoved(olds, known), known)];
	}
	if (!isDeepStrictEqual(olds.template, news.template)) {
		// What else differs is part of the new machine.
		const note = "the hardware comes from another template: the machine is made anew";
		return [{ property: "template", effect: "replace", note }];
	}
	const changes: Change[] = [...uuidChange(olds, news), ...nameChange(olds, news), ...typeChange(olds, news)];
	for (const [property, row] of Object.entries(TABLE) as Array<[keyof DomainInputs, Row]>) {
		if (!isDeepStrictEqual(olds[property], news[property])) changes.push({ property, ...row });
	}
	changes.push(...extraChanges(olds, news), ...growthChanges(olds, news));
	const { before, after } = hardware(olds, news);
	for (const [property, row] of Object.entries(HARDWARE) as Array<[keyof typeof HARDWARE, Row]>) {
		if (before[property] !== after[property]) changes.push({ property, ...row });
	}
	const { room } = after;
	changes.push(
		...(room || before.room
			? sizeChanges(olds, news, before, after)
			: [...memoryChanges(olds, news), ...vcpuChanges(olds, news)]),
		...forkChanges(olds, news),
	);
	changes.push(
		...diskChanges(olds.disks, news.disks, !bars(news.agentPolicy)),
		...nicChanges({ ...olds, nics: before.nics }, after.nics),
	);
	changes.push(...powerChanges(olds, news), ...preemptionChanges(olds, news));
	return news.template === undefined ? changes : changes.map((change) => lostOnTemplate(change, olds, news));
}

/** The steps around its way to another host, its changes of size among them; as far as a look at it was taken. */
function stepChanges(olds: Olds, news: DomainInputs): Change[] {
	const shape = shapeOf(olds, news);
	if (!shape || news.moves?.how !== "running" || news.moves.mode === "reboot" || hasUnknown(news.morph)) return [];
	const { after } = hardware(olds, news);
	const sized = after.room && news.running && !isUnknown(after.vcpus) && !isUnknown(after.memoryMiB);
	const plan = sized ? planMorph(shape, after, news.morph) : NOTHING;
	const note = movedNote(shape, plan, news.morph, news.uri);
	return note === undefined ? [] : [{ property: "morph", effect: "live", note }];
}

/** As far as a look at it was taken. */
function shapeOf(olds: Olds, { agentPolicy }: DomainInputs): Shape | undefined {
	return "shape" in olds && olds.shape ? shapeUnder(olds.shape, agentPolicy) : undefined;
}

/** The same as it will really come: a machine that is off is not restarted, nor one whose changes are put off. */
export function changes(olds: Olds, news: DomainInputs): Change[] {
	const { batch } = news;
	return felt(olds, news).map((change) => {
		const inTurn = batch && (change.effect === "restart" || IN_TURN.includes(change.property));
		return inTurn ? { ...change, note: `${batchText(batch)}: ${change.note}` } : change;
	});
}

/** What a member of a set changes when its turn is. */
const IN_TURN: ReadonlyArray<string> = ["uri", "instanceType", "headroom"];

function felt(olds: Olds, news: DomainInputs): Change[] {
	return allChanges(olds, news).map((change) => {
		if (change.effect !== "restart") return change;
		if (olds.running === false) return { ...change, effect: "live", note: "the machine is off: written down" };
		// A move is not put off: it was allowed to be by a restart.
		if (news.onRestartRequired !== "defer" || change.property === "uri") return change;
		return {
			...change,
			effect: "live",
			note: `written down, takes effect at the next start (onRestartRequired is defer): ${change.note}`,
		};
	});
}

/** Devices that it names are put in and taken out where the template has a place for them. */
function extraChanges(olds: Olds, news: DomainInputs): Change[] {
	const property = "extraXml";
	if (olds.extraXml === news.extraXml) return [];
	const note = "the definition is merged anew, and a machine takes it when it starts";
	if (isUnknown(news.extraXml) || !hasStep(templateOf(news), "device")) return [{ property, effect: "restart", note }];
	const difference = differenceOf(olds.extraXml, news.extraXml);
	if (typeof difference === "string") return [{ property, effect: "restart", note: `${note}: ${difference}` }];
	const parts = [
		...difference.out.map((alias) => `${alias} is taken out`),
		...difference.in.map((alias) => `${alias} is put in`),
	];
	return [{ property, effect: "live", note: parts.join(", ") || "nothing of it differs" }];
}

/** A machine that goes on running has the steps of its template run for them. */
function growthChanges(olds: Olds, news: DomainInputs): Change[] {
	if (hasUnknown(news.morph) || olds.running === false || news.running !== true) return [];
	const growths = growthsOf(news.morph, olds.morph);
	if (growths.length === 0) return [];
	const what = growths.map(({ mountPoint, diskMiB }) => `${mountPoint} onto all of a disk of ${diskMiB} MiB`);
	const steps = PHASES.flatMap((phase) => stepsIn(news.morph ?? {}, phase)).flatMap((step) => deedOf(step) ?? []);
	return [{ property: "morph", effect: "live", note: `grows ${what.join(", ")}: ${steps.join("; ")}` }];
}

function hardware(olds: Olds, news: DomainInputs) {
	const inherited = ("inherited" in olds ? olds.inherited : undefined) ?? {};
	return { before: hardwareOf(olds, inherited), after: hardwareOf(news, inherited) };
}

/** What is recorded is the machine's own where none was given. */
function uuidChange(olds: Olds, news: DomainInputs): Change[] {
	if (news.uuid === undefined || olds.uuid === news.uuid) return [];
	return [{ property: "uuid", effect: "replace", note: "a machine keeps its UUID for life" }];
}

function nameChange(olds: Olds, news: DomainInputs): Change[] {
	if (olds.name === news.name) return [];
	// libvirt keeps a user's own UEFI variables under the machine's name, where only it finds them.
	const byName = !/\/system($|\?)/.test(news.uri) && hardwareOf(news).firmware !== "bios";
	return byName
		? [{ property: "name", effect: "replace", note: "a per-user host keeps UEFI variables by name" }]
		: [{ property: "name", effect: "restart", note: "a machine can be renamed only while it is off; its UUID stays" }];
}

function typeChange(olds: Olds, news: DomainInputs): Change[] {
	if (olds.type === news.type) return [];
	const now = "accelerator" in olds ? olds.accelerator : olds.type;
	const stays = news.type === "auto" || news.type === now;
	return stays
		? [{ property: "type", effect: "live", note: `written down: the accelerator is ${now} and stays` }]
		: [{ property: "type", effect: "restart", note: "the accelerator is chosen when the machine starts" }];
}

const templateOf = ({ morph }: DomainInputs) => (hasUnknown(morph) ? undefined : morph);

/** Of a machine with room: vCPUs and memory change together, by the steps of a plan. */
function sizeChanges(olds: Olds, news: DomainInputs, before: Hardware, after: Hardware): Change[] {
	const typed = news.instanceType !== undefined;
	const property = typed ? "instanceType" : "headroom";
	const restart = (note: string): Change[] => [{ property, effect: "restart", note }];
	if (!before.room !== !after.room) {
		return restart(
			after.room ? "it gets room to grow when it starts" : "its board loses its room to grow when it starts",
		);
	}
	const ceiling = ({ room, maxVcpus, maxMemoryMiB }: Hardware) => [room, maxVcpus, maxMemoryMiB];
	if (!isDeepStrictEqual(ceiling(before), ceiling(after))) {
		return [{ property: "headroom", effect: "restart", note: "what it can grow to is fixed when the machine starts" }];
	}
	if (isUnknown(after.vcpus) || isUnknown(after.memoryMiB)) {
		return restart("to a size that is not known yet: it goes on running within its room, and is restarted else");
	}
	if (before.vcpus === after.vcpus && before.memoryMiB === after.memoryMiB) return [];
	const size = ({ vcpus, memoryMiB }: Hardware) => `${vcpus} vCPU(s) and ${memoryMiB} MiB`;
	const what = `${size(before)} to ${size(after)}`;
	const shape = shapeOf(olds, news);
	const plan = shape && planMorph(shape, after, templateOf(news));
	if (plan?.mode === "reboot") return restart(`${what}: ${plan.reasons.join("; ")}`);
	const how = plan ? plan.steps.map(stepLine).join("; ") || "written down" : "while it runs";
	const own = before.vcpus === after.vcpus ? "memoryMiB" : "vcpus";
	return [{ property: typed ? property : own, effect: "live", note: `${what}: ${how}` }];
}

function memoryChanges(olds: Olds, news: DomainInputs): Change[] {
	const { before, after } = hardware(olds, news);
	const changes: Change[] = [];
	if (before.memoryMiB !== after.memoryMiB) {
		const within = !isUnknown(after.memoryMiB) && after.memoryMiB <= before.maxMemoryMiB;
		changes.push({
			property: "memoryMiB",
			effect: within ? "live" : "restart",
			note: within
				? `${before.memoryMiB} to ${after.memoryMiB} MiB by the balloon`
				: `beyond the ${before.maxMemoryMiB} MiB that the machine was started with; maxMemoryMiB makes room beforehand`,
		});
	}
	if (olds.maxMemoryMiB !== news.maxMemoryMiB && before.maxMemoryMiB !== after.maxMemoryMiB) {
		changes.push({ property: "maxMemoryMiB", effect: "restart", note: "the ceiling is fixed when the machine starts" });
	}
	return changes;
}

function vcpuChanges(olds: Olds, news: DomainInputs): Change[] {
	const { before, after } = hardware(olds, news);
	const changes: Change[] = [];
	if (before.vcpus !== after.vcpus) changes.push({ property: "vcpus", ...vcpuEffect(olds, before, after.vcpus) });
	if (olds.maxVcpus !== news.maxVcpus && before.maxVcpus !== after.maxVcpus) {
		changes.push({ property: "maxVcpus", effect: "restart", note: "the ceiling is fixed when the machine starts" });
	}
	return changes;
}

function vcpuEffect(olds: Olds, before: { vcpus: number; maxVcpus: number }, wanted: number): Row {
	if (isUnknown(wanted) || wanted > before.maxVcpus) {
		const note = `beyond the ${before.maxVcpus} that the machine was started with; maxVcpus makes room beforehand`;
		return { effect: "restart", note };
	}
	if (wanted > before.vcpus) return { effect: "live", note: `${before.vcpus} to ${wanted} by hot plug` };
	const kvm = ("accelerator" in olds ? olds.accelerator : olds.type) === "kvm";
	return kvm
		? { effect: "live", note: `${before.vcpus} to ${wanted} by hot unplug` }
		: { effect: "restart", note: "without KVM a vCPU cannot be unplugged safely" };
}

function powerChanges(olds: Olds, news: DomainInputs): Change[] {
	const changes: Change[] = [];
	if (olds.running !== news.running) {
		const timeout = news.shutdownTimeoutSeconds;
		const off = timeout === 0 ? "powered off at once" : `shut down, powered off if that takes over ${timeout} s`;
		const waits = !isUnknown(news.fork) && news.fork?.warm === true && news.fork.powerOn === "refork";
		const note = news.running ? startNote(olds) : waits ? `${off}; then it waits in QEMU, with a fresh disk` : off;
		changes.push({ property: "running", effect: "live", note });
	}
	if (olds.onRestartRequired !== news.onRestartRequired) {
		const waiting = "pendingRestart" in olds ? olds.pendingRestart : undefined;
		changes.push(
			waiting && news.onRestartRequired === "restart"
				? {
						property: "onRestartRequired",
						effect: "restart",
						note: `changes that were put off take effect: ${waiting.properties.join(", ")}`,
					}
				: { property: "onRestartRequired", effect: "live", note: "used from the next change on" },
		);
	}
	return changes;
}

/** What was laid over a template's value cannot be taken off again: the value below is recorded nowhere. */
function lostOnTemplate(change: Change, olds: Olds, news: DomainInputs): Change {
	if (change.property === "machine") {
		return { ...change, effect: "replace", note: "controllers and devices are laid out as in the template" };
	}
	const laidOver: Array<keyof DomainInputs> = ["cpu", "boot", "graphics", "smbios"];
	const property = laidOver.find((name) => name === change.property);
	if (property === undefined || news[property] !== undefined || olds[property] === undefined) return change;
	return { ...change, effect: "replace", note: "the template's own value is not recorded: the machine is made anew" };
}
