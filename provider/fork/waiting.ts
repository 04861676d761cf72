/**
 * QEMU that waits to become a child: started on the parent's memory, without the parent's devices. No instruction of a
 * guest has run in it. Every fork begins like this; one that is kept waiting saves libvirt's start later.
 */
import { createHash } from "node:crypto";
import { lookLive } from "../domain/look";
import { isGone, isInvalidState, patiently, timed } from "../domain/patience";
import { powerOff } from "../domain/power";
import type { DomainInputs } from "../domain/schema";
import type { Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { type Element, parse, serialize } from "../xml/element";
import { recordedIn, setRecord } from "../xml/metadata";
import type { FoundDomain } from "../xml/read-domain";
import { childDefinition } from "./definition";
import { opensFiles } from "./device-state";
import type { ForkedInputs } from "./forked";
import { freshDisk } from "./fresh-disk";
import { type Point, readPoint } from "./point";

export interface Waiting {
	point: Point;
	/** The child's own definition. */
	config: Element;
	/** How long QEMU took to start; undefined for one that waited already. */
	startMs: number | undefined;
}

/** Whether the next power-on of a machine goes on from its fork point. */
export function isForkedNext(fork: DomainInputs["fork"], isSetUp: boolean): fork is ForkedInputs {
	return fork !== undefined && !(isSetUp && fork.powerOn === "boot");
}

/** Whether what runs was started as a child and has not become somebody: it waits, or its fork was cut off. */
export function isNobody(live: FoundDomain | undefined): live is FoundDomain {
	return live?.recorded?.nobody !== undefined;
}

/** Whether it waits, and can go on: once it has read the devices there is a guest in it, however far that came. */
export async function isWaiting(host: Host, live: FoundDomain | undefined): Promise<boolean> {
	if (!isNobody(live)) return false;
	try {
		return (await host.domains.qmp<{ status: string }>(live.uuid, "query-status")).status === "inmigrate";
	} catch (error) {
		if (isGone(error) || isInvalidState(error)) return false;
		throw error;
	}
}

/**
 * Has a QEMU wait for a machine that is to go on from its fork point. One that waits already is kept if it would be
 * started in the same way now; whatever else runs there is nobody, and is ended.
 * @param volume the machine's first disk; it is as the fork point left it afterwards
 */
export async function letWait(context: Context, uuid: string, fork: ForkedInputs, volume: string): Promise<Waiting> {
	const { host } = context;
	const [point, info, xml, readOnly] = await Promise.all([
		readPoint(host, fork.point),
		host.domains.find(uuid),
		host.domains.xml(uuid, { inactive: true, secure: true }),
		opensFiles(host),
	]);
	const config = parse(xml, "the child's definition");
	const definition = childDefinition(point.root, config, point.memoryFile, readOnly ? "private-read-only" : "private");
	const nobody = createHash("sha256").update(serialize(definition)).digest("hex").slice(0, 16);
	if (info && info.state !== "shutoff") {
		const live = await lookLive(host, uuid);
		if (live.recorded?.nobody === nobody && (await isWaiting(host, live))) return { point, config, startMs: undefined };
		await powerOff(host, uuid);
	}
	await freshDisk(context, volume, point);
	setRecord(definition, { ...recordedIn(config)!, nobody });
	const start = () => host.domains.createTransient(serialize(definition), { paused: true });
	return { point, config, startMs: (await timed(() => patiently(start))).ms };
}
