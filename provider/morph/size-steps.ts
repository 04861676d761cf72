/** How vCPUs and memory of a running machine change. Each change is looked at before and after: what is there is not asked for. */
import { patiently, poll } from "../domain/patience";
import type { Context } from "../lifecycle";
import { serialize } from "../xml/element";
import { requesting } from "../xml/room";
import type { EngineStep } from "./engine";
import { availableMiB, takeMemory, useVcpus } from "./guest";
import type { SizeStep } from "./planner";
import { lookAtShape, probedShape } from "./probe";
import type { Shape } from "./shape";
import type { MorphStep } from "./template";

/** Seconds in which a guest notices a vCPU that was plugged in, also one on a busy host. */
const NOTICE_SECONDS = 30;

export function sizeStep(
	context: Context,
	uuid: string,
	{ timeoutSeconds, onFailure }: MorphStep,
	step: SizeStep,
): EngineStep {
	const bring = step.kind === "vcpus" ? bringVcpus : bringMemory;
	const isAt = step.kind === "vcpus" ? hasVcpus : hasMemory;
	const unit = step.kind === "vcpus" ? "vCPUs" : "MiB";
	return {
		id: `${step.phase} ${step.kind}`,
		what: `bring the machine from ${step.from} to ${step.to} ${unit}`,
		timeoutSeconds,
		onFailure,
		isDone: async () => isAt(context, uuid, step.to),
		act: (ending) => bring(context, uuid, step.to, timeoutSeconds, ending),
		undo: (ending) => bring(context, uuid, step.from, timeoutSeconds, ending),
	};
}

async function hasVcpus(context: Context, uuid: string, count: number): Promise<boolean> {
	const { accelerator, vcpus } = await probedShape(context, uuid);
	const enough = accelerator === "kvm" ? vcpus.present === count : vcpus.present >= count;
	return enough && (vcpus.inUse ?? vcpus.present) === count;
}

async function bringVcpus(context: Context, uuid: string, count: number, seconds: number, ending: AbortSignal) {
	const { host, log } = context;
	const { accelerator, vcpus, agent } = await probedShape(context, uuid);
	if (count > vcpus.present || (count < vcpus.present && accelerator === "kvm")) {
		await patiently(() => host.domains.setVcpus(uuid, count, "live"), seconds);
	}
	if (agent) {
		if (await useVcpus(host, uuid, count, Math.min(seconds, NOTICE_SECONDS), ending)) return;
		throw new Error(`its guest does not come to use ${count} vCPUs: the guest agent or the kernel refuses`);
	}
	if (count > vcpus.present)
		log(`${count - vcpus.present} vCPU(s) were added; the guest has to put them to use itself`);
}

async function hasMemory(context: Context, uuid: string, amountMiB: number): Promise<boolean> {
	const { memory } = await lookAtShape(context, uuid);
	const device = memory.room?.device;
	return memory.presentMiB === amountMiB && device !== undefined && device.currentMiB === device.requestedMiB;
}

async function bringMemory(context: Context, uuid: string, amountMiB: number, seconds: number, ending: AbortSignal) {
	const { host, log } = context;
	const { memory, agent } = await lookAtShape(context, uuid);
	const { presentMiB, room } = memory;
	if (!room?.device) throw new Error("it was started without room for memory");
	const { bootMiB, device } = room;
	const beyond = Math.max(0, amountMiB - bootMiB);
	if (amountMiB < presentMiB && agent) await refuseToStarve(context, uuid, presentMiB - amountMiB);
	const balloon = async () => {
		await patiently(() => host.domains.setMemory(uuid, Math.min(amountMiB, bootMiB), "live"), seconds);
		await until(context, uuid, seconds, ending, (now) => now.presentMiB === Math.min(amountMiB, bootMiB));
	};
	const plug = async () => {
		if (beyond !== device.requestedMiB) {
			const asking = serialize(requesting(device.element, beyond));
			await patiently(() => host.domains.updateDevice(uuid, asking, "live"), seconds);
		}
		await until(context, uuid, seconds, ending, ({ room: now }) => now?.device?.currentMiB === beyond);
	};
	// The balloon counts what virtio-mem has given as well: one of them is empty whenever the other is not.
	if (presentMiB < bootMiB) await balloon();
	const grows = beyond > device.currentMiB;
	const unused = grows && agent ? await takeMemory(host, uuid) : undefined;
	await plug();
	if (amountMiB < bootMiB && amountMiB !== presentMiB) await balloon();
	if (!grows) return;
	const why = agent ? (unused ?? (await takeMemory(host, uuid))) : "its agent does not answer";
	if (why !== undefined) log(`the guest has to put the memory that was added to use itself: ${why}`);
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
