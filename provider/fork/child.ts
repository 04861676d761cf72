/** Starting a machine where its parent stood still: with the parent's memory and devices, and an identity of its own. */
import { applySize } from "../domain/live";
import { lookLive } from "../domain/look";
import { patiently, timed } from "../domain/patience";
import type { Context } from "../lifecycle";
import { readDomain } from "../xml/read-domain";
import { runCommands } from "./commands";
import { loadDevices } from "./device-state";
import { drawnBefore } from "./drawn";
import type { ForkedFacts, ForkedInputs } from "./forked";
import { type Account, becomeConnected, untilAgentAnswers } from "./guest";
import { proveMembership } from "./membership";
import { pluggableOf } from "./plug";
import { usageOf } from "./usage";
import { verify } from "./verify";
import { letWait } from "./waiting";

/**
 * Starts a defined machine from its fork point, or goes on with the QEMU that waits for that. It gets its NICs last, once
 * it has shown that it is who it was to be.
 * @param volume its first disk
 * @throws Error when a step fails; the machine may run then, without a network
 */
export async function startForked(
	context: Context,
	uuid: string,
	forked: ForkedInputs,
	volume: string,
): Promise<ForkedFacts> {
	const { host } = context;
	const deadline = performance.now() + forked.timeoutSeconds * 1000;
	const left = () => Math.max(1, (deadline - performance.now()) / 1000);

	const going = await timed(() => goOn(context, uuid, forked, volume));
	const { config, point, startMs } = going.value;
	const { plugIn, ...nic } = pluggableOf(host, uuid, config, point);
	const began = performance.now();
	if (!(await untilAgentAnswers(host, uuid, left()))) {
		throw new Error(`its guest agent has not answered within ${forked.timeoutSeconds} s (timeoutSeconds)`);
	}
	const known = async ({ credentials, ...said }: Account) => {
		verify(said, forked, await drawnBefore(host, said.random, forked.hostname));
		const membership = await proveMembership(forked, credentials, context.log);
		const identityMs = Math.round(performance.now() - began);
		const { first } = forked;
		const firstMs = first && (await timed(() => runCommands(context, uuid, first, "first", left))).ms;
		const plugMs = (await timed(plugIn)).ms;
		return { identity: { ...said, ...(membership && { membership }) }, identityMs, firstMs, plugMs };
	};
	const become = await becomeConnected(host, uuid, forked, nic, left, point.port, known);
	const { identity, identityMs, firstMs, plugMs } = become.known;
	const connectMs = Math.round(performance.now() - began) - identityMs - (firstMs ?? 0) - plugMs;
	const own = readDomain(config);
	const live = await lookLive(host, uuid);
	if (own.memoryMiB !== live.memoryMiB || own.vcpus !== live.vcpus) await applySize(context, live, own);
	return {
		...identity,
		...(nic.mac === undefined ? {} : { mac: nic.mac }),
		...become.connected,
		usage: await usageOf(host, uuid, volume),
		timings: {
			...(startMs === undefined ? {} : { startMs }),
			loadMs: going.ms - (startMs ?? 0),
			identityMs,
			...(firstMs === undefined ? {} : { firstMs }),
			plugMs,
			connectMs,
		},
	};
}

/** All that the host does before the guest runs. */
export async function goOn(context: Context, uuid: string, forked: ForkedInputs, volume: string) {
	const { host } = context;
	const { point, config, startMs } = await letWait(context, uuid, forked, volume);
	await loadDevices(host, uuid, point.devices);
	await patiently(() => host.domains.resume(uuid));
	return { config, point, startMs };
}
