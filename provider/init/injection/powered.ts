/**
 * A machine that is off, started for what is put into it by its guest agent, and off again afterwards. That it was started for
 * this alone is noted in its metadata before, which what runs keeps until it ends: a run that follows one that was cut off
 * ends it, and nobody else's machine.
 */
import { look } from "../../domain/look";
import { patiently } from "../../domain/patience";
import { turnOff, turnOn } from "../../domain/power";
import { untilAgent } from "../../domain/wait";
import type { DomainInfo, Host } from "../../libvirt";
import type { Context } from "../../lifecycle";
import { child, childInNamespace, parse } from "../../xml/element";

const NAMESPACE = "urn:pulumi-libvirt-clones:power-on";
const PREFIX = "clones-power";
const NOTE = "<started/>";

/** Whether a machine runs because it was started for this. */
export async function isStartedForThis(host: Host, { uuid, name, state }: DomainInfo): Promise<boolean> {
	if (state === "shutoff") return false;
	const live = parse(await host.domains.xml(uuid), `the state of ${name}`);
	return childInNamespace(child(live, "metadata"), NAMESPACE) !== undefined;
}

/**
 * @param seconds for its guest to start until its agent answers, and to shut down
 * @throws Error of the work, or when its agent does not answer in time; it is off then
 */
export async function whilePoweredOn<T>(
	context: Context,
	{ uuid, name }: { uuid: string; name: string },
	seconds: number,
	work: () => Promise<T>,
): Promise<T> {
	const { host, log } = context;
	await note(host, uuid, NOTE);
	try {
		const seen = await look(host, uuid);
		if (!seen) throw new Error(`domain ${name} is gone`);
		log(`starts ${name} for this`);
		await turnOn(host, seen);
		// Whoever starts it later is somebody else.
		await note(host, uuid, undefined);
		if (!(await untilAgent(host, uuid, seconds))) {
			throw new Error(
				`the guest agent of ${name}, which was started for this, has not answered within ${seconds} s ` +
					"(whenSourceBusy.timeoutSeconds); it is off again. See that its image has one, and that it boots",
			);
		}
		return await work();
	} finally {
		await turnOff(context, uuid, seconds);
		await note(host, uuid, undefined);
		log(`${name} is off again`);
	}
}

async function note(host: Host, uuid: string, xml: string | undefined): Promise<void> {
	await patiently(() => host.domains.setMetadata(uuid, NAMESPACE, PREFIX, xml, "config"));
}
