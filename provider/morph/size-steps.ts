/** How vCPUs and memory of a running machine change. Each change is looked at before and after: what is there is not asked for. */
import { isGone, patiently, poll } from "../domain/patience";
import { LibvirtError } from "../libvirt/errors";
import type { Context } from "../lifecycle";
import { aliasOf } from "../xml/devices";
import { serialize } from "../xml/element";
import { type FoundModule, moduleElement, requesting } from "../xml/room";
import { BARRED, isBarred } from "./agent-policy";
import type { EngineStep } from "./engine";
import { availableMiB, takeMemory, useVcpus } from "./guest";
import { heldMiB, memoryGoal, pluggedMiB } from "./memory";
import type { SizeStep } from "./planner";
import { lookAtShape, probedShape } from "./probe";
import type { Shape } from "./shape";
import type { MorphStep } from "./template";

export function sizeStep(context: Context, uuid: string, wanted: MorphStep, step: SizeStep): EngineStep {
	const { timeoutSeconds, onFailure } = wanted;
	const bring = step.kind === "vcpus" ? bringVcpus(timeoutSeconds) : bringMemory(wanted);
	const isAt = step.kind === "vcpus" ? hasVcpus : hasMemory;
	const unit = step.kind === "vcpus" ? "vCPUs" : "MiB";
	return {
		id: `${step.phase} ${step.kind}`,
		what: `bring the machine from ${step.from} to ${step.to} ${unit}`,
		// Its own time ends first, and says more.
		timeoutSeconds: timeoutSeconds + 30,
		onFailure,
		isDone: async () => isAt(context, uuid, step.to),
		act: (ending) => bring(context, uuid, step.to, ending),
		undo: (ending) => bring(context, uuid, step.from, ending),
	};
}

async function hasVcpus(context: Context, uuid: string, count: number): Promise<boolean> {
	const { accelerator, vcpus, barred } = await probedShape(context, uuid);
	const enough = accelerator === "kvm" ? vcpus.present === count : vcpus.present >= count;
	return enough && (barred !== undefined || (vcpus.inUse ?? vcpus.present) === count);
}

function bringVcpus(seconds: number) {
	return async (context: Context, uuid: string, count: number, ending: AbortSignal) => {
		const { host, log } = context;
		const { accelerator, vcpus, agent } = await probedShape(context, uuid);
		if (count > vcpus.present || (count < vcpus.present && accelerator === "kvm")) {
			await patiently(() => host.domains.setVcpus(uuid, count, "live"), seconds);
		}
		if (agent) {
			if (await useVcpus(host, uuid, count, seconds, ending)) return;
			throw new Error(
				`its guest has not come to use ${count} vCPUs within ${seconds} s (timeoutSeconds): the guest agent or the kernel refuses`,
			);
		}
		if (count > vcpus.present)
			log(`${count - vcpus.present} vCPU(s) were added; the guest has to put them to use itself`);
	};
}

async function hasMemory(context: Context, uuid: string, amountMiB: number): Promise<boolean> {
	const { memory } = await lookAtShape(context, uuid);
	const device = memory.room?.device;
	return memory.presentMiB === amountMiB && device?.currentMiB === device?.requestedMiB;
}

/** From wherever it is, also half way: what is left to do is worked out anew. */
function bringMemory({ by, timeoutSeconds: seconds }: MorphStep) {
	return async (context: Context, uuid: string, amountMiB: number, ending: AbortSignal) => {
		const { host, log } = context;
		const { memory, agent } = await lookAtShape(context, uuid);
		const goal = memoryGoal(memory, amountMiB, by);
		if (typeof goal === "string") throw new Error(goal);
		if (amountMiB < memory.presentMiB && agent) await refuseToStarve(context, uuid, memory.presentMiB - amountMiB);
		const { presentMiB, room } = memory;
		const balloon = async (wantedMiB: number) => {
			// libvirt counts what virtio-mem has given beside it.
			const { room: now } = (await lookAtShape(context, uuid)).memory;
			const counted = wantedMiB - (now?.device?.currentMiB ?? 0);
			await patiently(() => host.domains.setMemory(uuid, counted, "live"), seconds);
			await until(context, uuid, seconds, ending, (now) => now.presentMiB === wantedMiB);
		};
		// What it holds beyond the end comes back first: a guest that is to give back something else needs it until then.
		const emptier = pluggedMiB(memory) - heldMiB(goal);
		if (presentMiB < emptier) await balloon(emptier);
		const device = room?.device;
		const grows = goal.in.length > 0 || (device !== undefined && goal.virtioMiB! > device.currentMiB);
		const unused = grows && agent ? await takeMemory(host, uuid, seconds) : undefined;
		if (device && goal.virtioMiB !== device.requestedMiB) {
			const asking = serialize(requesting(device.element, goal.virtioMiB!));
			await patiently(() => host.domains.updateDevice(uuid, asking, "live"), seconds);
		}
		if (device) {
			await until(context, uuid, seconds, ending, ({ room: now }) => now?.device?.currentMiB === goal.virtioMiB);
		}
		for (const module of goal.out) await takeOut(context, uuid, module, seconds, ending);
		for (const sizeMiB of goal.in) await putIn(context, uuid, sizeMiB, seconds);
		if (heldMiB(goal) > 0 && (await lookAtShape(context, uuid)).memory.presentMiB !== amountMiB)
			await balloon(amountMiB);
		if (!grows) return;
		const silence = isBarred(host) ? `the guest agent would, ${BARRED}` : "its agent does not answer";
		const why = agent ? (unused ?? (await takeMemory(host, uuid, seconds))) : silence;
		if (why !== undefined) log(`the guest has to put the memory that was added to use itself: ${why}`);
	};
}

async function putIn(context: Context, uuid: string, sizeMiB: number, seconds: number): Promise<void> {
	const { memory } = await lookAtShape(context, uuid);
	const module = serialize(moduleElement(sizeMiB, memory.room?.modules ?? []));
	await patiently(() => context.host.domains.attachDevice(uuid, module, "live"), seconds);
}

/** A guest lets go of a module only when it can move all that is on it elsewhere. */
async function takeOut(
	context: Context,
	uuid: string,
	{ element: module, sizeMiB }: FoundModule,
	seconds: number,
	ending: AbortSignal,
): Promise<void> {
	const alias = aliasOf(module);
	try {
		await patiently(() => context.host.domains.detachDevice(uuid, serialize(module), "live"), seconds);
	} catch (error) {
		if (!(error instanceof LibvirtError) || isGone(error)) throw error;
		throw new Error(
			`its guest does not let go of the DIMM of ${sizeMiB} MiB (${alias}), which holds what it cannot move: ` +
				`${error.reason}. By "balloon" it can give back as much`,
			{ cause: error },
		);
	}
	await until(context, uuid, seconds, ending, ({ room }) =>
		(room?.modules ?? []).every((item) => aliasOf(item.element) !== alias),
	);
}

/** Waits for the guest's drivers. */
async function until(
	context: Context,
	uuid: string,
	seconds: number,
	ending: AbortSignal,
	isThere: (memory: Shape["memory"]) => boolean,
): Promise<void> {
	const reached = await poll(seconds, async () => {
		ending.throwIfAborted();
		return isThere((await lookAtShape(context, uuid)).memory) || undefined;
	});
	if (reached) return;
	const { memory } = await lookAtShape(context, uuid);
	throw new Error(`its guest has come to ${memory.presentMiB} MiB within ${seconds} s, and goes no further`);
}

/** A guest that gives back what it uses ends programs. */
async function refuseToStarve({ host, log }: Context, uuid: string, takenMiB: number): Promise<void> {
	const available = await availableMiB(host, uuid);
	if (available === undefined) log(`whether the guest needs the ${takenMiB} MiB cannot be asked; they are taken`);
	if (available === undefined || available >= takenMiB) return;
	throw new Error(
		`its guest uses too much: ${takenMiB} MiB are to be given back, and ${available} are available (MemAvailable). ` +
			"Nothing was taken; end programs in it, or choose a larger type",
	);
}
