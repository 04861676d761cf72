/**
 * A machine that is off, started for what is put into it by its guest agent, and off again afterwards. That it was started for
 * this alone is noted in what runs, and goes with that: a run that follows one that was cut off ends it, and nobody else's.
 */
import { patiently } from "../../domain/patience";
import { turnOff } from "../../domain/power";
import { untilAgent } from "../../domain/wait";
import type { DomainInfo, Host } from "../../libvirt";
import type { Context } from "../../lifecycle";
import { append, child, childInNamespace, element, parse, serialize } from "../../xml/element";

const NAMESPACE = "urn:pulumi-libvirt-clones:power-on";

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
	log(`starts ${name} for this`);
	await startNoted(host, uuid, name);
	try {
		if (!(await untilAgent(host, uuid, seconds))) {
			throw new Error(
				`the guest agent of ${name}, which was started for this, has not answered within ${seconds} s ` +
					"(whenSourceBusy.timeoutSeconds); it is off again. See that its image has one, and that it boots",
			);
		}
		return await work();
	} finally {
		await turnOff(context, uuid, seconds);
		log(`${name} is off again`);
	}
}

/** @throws Error for one that somebody else has started */
async function startNoted(host: Host, uuid: string, name: string): Promise<void> {
	const found = await host.domains.find(uuid);
	if (!found) throw new Error(`domain ${name} is gone`);
	// A run that was cut off has done that.
	if (await isStartedForThis(host, found)) return;
	if (found.state !== "shutoff") {
		throw new Error(`domain ${name} was off, and somebody else has started it meanwhile: run pulumi up again`);
	}
	const root = parse(await host.domains.xml(uuid, { inactive: true, secure: true }), `the definition of ${name}`);
	const metadata = child(root, "metadata") ?? append(root, element("metadata"));
	append(metadata, parse(`<started xmlns="${NAMESPACE}"/>`));
	// Of a domain that is defined this is a start, with what only the run is to have.
	await patiently(() => host.domains.createTransient(serialize(root)));
}
