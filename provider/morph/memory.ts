/** From the memory that a machine has to the one that is wanted: what is plugged, and what its balloon takes. Pure. */
import type { FoundModule, FoundRoom } from "../xml/room";
import type { Shape } from "./shape";
import type { MemoryWay } from "./template";

type Memory = Shape["memory"];

/** Linux on x86_64 takes modules of whole blocks of that size, and nothing of any other. */
export const MODULE_BLOCK_MIB = 128;

export interface MemoryGoal {
	/** What the virtio-mem device is asked for; undefined where there is none. */
	virtioMiB: number | undefined;
	/** DIMMs that go, and sizes of those that come. */
	out: FoundModule[];
	in: number[];
	/** What the guest has then, by its balloon. */
	presentMiB: number;
	/** What is plugged then, of which the balloon takes what is more than that. */
	pluggedMiB: number;
}

/**
 * @param by how; left out: by what the machine has room for, and below what is plugged otherwise by the balloon
 * @returns why it does not come to that while it runs, as text
 */
export function memoryGoal(memory: Memory, wantedMiB: number, by?: MemoryWay): MemoryGoal | string {
	const goal = GOALS[by ?? usualWay(memory)](memory, wantedMiB);
	if (typeof goal === "string" || memory.balloon) return goal;
	const ballooned = goal.pluggedMiB > wantedMiB || pluggedMiB(memory) > memory.presentMiB;
	const leastMiB = Math.min(goal.pluggedMiB, pluggedMiB(memory));
	return ballooned ? `it has no balloon, by which memory below the ${leastMiB} MiB that are plugged changes` : goal;
}

/** What the guest would have if its balloon were empty. */
export function pluggedMiB({ bootMiB, room }: Memory): number {
	return bootMiB + (room?.device?.currentMiB ?? 0) + sum(room?.modules ?? []);
}

function usualWay({ room }: Memory): MemoryWay {
	if (room?.device) return "virtioMem";
	return room && (room.modules.length > 0 || room.free.memoryMiB > 0) ? "dimm" : "balloon";
}

const GOALS: Record<MemoryWay, (memory: Memory, wantedMiB: number) => MemoryGoal | string> = {
	virtioMem(memory, wantedMiB) {
		const device = memory.room?.device;
		if (!device) return noRoom(memory.room, "it has no virtio-mem device");
		const otherMiB = memory.bootMiB + sum(memory.room!.modules);
		const beyond = Math.max(0, wantedMiB - otherMiB);
		if (beyond > device.sizeMiB) {
			return `${wantedMiB} MiB are beyond the ${otherMiB + device.sizeMiB} that it was started with room for`;
		}
		if (beyond % device.blockMiB !== 0) {
			return `${wantedMiB} MiB are no multiple of ${device.blockMiB} MiB more than the ${otherMiB} that it was started with`;
		}
		return { virtioMiB: beyond, out: [], in: [], presentMiB: wantedMiB, pluggedMiB: otherMiB + beyond };
	},

	dimm(memory, wantedMiB) {
		const { room } = memory;
		if (!room) return noRoom(room, "");
		const { modules, free } = room;
		const otherMiB = pluggedMiB(memory) - sum(modules);
		const change = Math.max(0, wantedMiB - otherMiB) - sum(modules);
		const goal = {
			virtioMiB: room.device?.requestedMiB,
			presentMiB: wantedMiB,
			pluggedMiB: pluggedMiB(memory) + change,
		};
		if (change <= 0) {
			const out = modulesOf(modules, -change);
			if (out) return { ...goal, out, in: [] };
			return `none of its DIMMs (${sizes(modules.map(({ sizeMiB }) => sizeMiB))}) come to the ${-change} MiB that it is to give back`;
		}
		if (change > free.memoryMiB) {
			const [limit, why] = [wantedMiB - change + free.memoryMiB, room.device ? " DIMMs" : ""];
			return `${wantedMiB} MiB are beyond the ${limit} that it was started with room for${why && `${why}: the rest is virtio-mem's`}`;
		}
		if (change % MODULE_BLOCK_MIB !== 0) {
			return `DIMMs are plugged in multiples of ${MODULE_BLOCK_MIB} MiB, and it is to have ${change} MiB more`;
		}
		const fresh = sizesFor(change);
		if (fresh.length > free.slots) {
			return `it has ${free.slots} free slot(s) for DIMMs, and ${change} MiB more are ${sizes(fresh)}`;
		}
		return { ...goal, out: [], in: fresh };
	},

	balloon(memory, wantedMiB) {
		const plugged = pluggedMiB(memory);
		if (wantedMiB > plugged) {
			return noRoom(memory.room, `by its balloon it has no more than the ${plugged} MiB that are plugged`);
		}
		const { currentMiB = 0, requestedMiB } = memory.room?.device ?? {};
		if (wantedMiB <= currentMiB)
			return `its balloon takes nothing of the ${currentMiB} MiB that virtio-mem has given it`;
		return {
			virtioMiB: requestedMiB,
			out: [],
			in: [],
			presentMiB: wantedMiB,
			pluggedMiB: plugged,
		};
	},
};

function noRoom(room: FoundRoom | undefined, otherwise: string): string {
	return room ? otherwise : "it was started without room for memory";
}

/** Powers of two: most of what it is to give back later is some of them. */
function sizesFor(amountMiB: number): number[] {
	const found: number[] = [];
	for (let left = amountMiB / MODULE_BLOCK_MIB; left > 0; ) {
		const size = 2 ** Math.floor(Math.log2(left));
		found.push(size * MODULE_BLOCK_MIB);
		left -= size;
	}
	return found;
}

/** Those that come to just so much: the fewest, and of those the ones that came last. */
function modulesOf(modules: ReadonlyArray<FoundModule>, amountMiB: number): FoundModule[] | undefined {
	const ways = new Map<number, FoundModule[]>([[0, []]]);
	for (const module of [...modules].reverse()) {
		for (const [had, way] of [...ways]) {
			const has = had + module.sizeMiB;
			const known = ways.get(has);
			if (has <= amountMiB && (!known || known.length > way.length + 1)) ways.set(has, [...way, module]);
		}
	}
	return ways.get(amountMiB);
}

/** "virtio-mem and the balloon": by what it comes there, for a preview. */
export function waysTo(memory: Memory, goal: MemoryGoal): string {
	const ways = [
		...(goal.virtioMiB !== memory.room?.device?.requestedMiB ? ["virtio-mem"] : []),
		...(goal.in.length > 0 ? [`DIMMs of ${sizes(goal.in)}`] : []),
		...(goal.out.length > 0 ? [`without DIMMs of ${sizes(goal.out.map(({ sizeMiB }) => sizeMiB))}`] : []),
		...(heldMiB(goal) !== Math.max(0, pluggedMiB(memory) - memory.presentMiB) ? ["the balloon"] : []),
	];
	return ways.join(" and ") || "virtio-mem";
}

/** What the balloon has taken in the end. */
export function heldMiB(goal: MemoryGoal): number {
	return goal.pluggedMiB - goal.presentMiB;
}

/** Whether each way is there for a machine; why not, as text. */
export function memoryWays({ room, balloon }: Memory): Record<MemoryWay, string | undefined> {
	const modules = room && (room.modules.length > 0 || (room.free.memoryMiB >= MODULE_BLOCK_MIB && room.free.slots > 0));
	return {
		virtioMem: room?.device ? undefined : "it has no virtio-mem device (headroom)",
		dimm: modules
			? undefined
			: room?.device
				? 'all of its room is for virtio-mem (headroom.memoryBy: "dimm")'
				: 'it has no room for DIMMs (headroom.memoryBy: "dimm")',
		balloon: balloon ? undefined : "it has no balloon",
	};
}

function sum(modules: ReadonlyArray<FoundModule>): number {
	return modules.reduce((all, { sizeMiB }) => all + sizeMiB, 0);
}

function sizes(all: ReadonlyArray<number>): string {
	return all.length === 0 ? "none" : `${all.join(", ")} MiB`;
}
