/** Starting a machine where its parent stood still: with the parent's memory and devices, and an identity of its own. */
import { patiently, timed } from "../domain/patience";
import type { Host } from "../libvirt";
import { child, children, parse, remove, serialize } from "../xml/element";
import { childDefinition, fitsInto } from "./definition";
import { loadDevices, opensFiles } from "./device-state";
import type { ForkedFacts, ForkedInputs } from "./forked";
import { become, connectGuest, untilAgentAnswers } from "./guest";
import { readPoint } from "./point";
import { verify } from "./verify";

/**
 * Starts a defined machine from its fork point. It gets its NICs last, once it has shown that it is who it was to be.
 * @throws Error when a step fails; the machine may run then, without a network
 */
export async function startForked(host: Host, uuid: string, forked: ForkedInputs): Promise<ForkedFacts> {
	const point = await readPoint(host, forked.point);
	const config = parse(await host.domains.xml(uuid, { inactive: true, secure: true }), "the child's definition");
	const access = (await opensFiles(host)) ? "private-read-only" : "private";
	const definition = childDefinition(point.root, config, point.memoryFile, access);
	const deadline = performance.now() + forked.timeoutSeconds * 1000;
	const left = () => Math.max(1, (deadline - performance.now()) / 1000);

	const start = await timed(() =>
		patiently(() => host.domains.createTransient(serialize(definition), { paused: true })),
	);
	const load = await timed(() => loadDevices(host, uuid, point.devices));
	const identity = await timed(async () => {
		await patiently(() => host.domains.resume(uuid));
		if (!(await untilAgentAnswers(host, uuid, left()))) {
			throw new Error(`its guest agent has not answered within ${forked.timeoutSeconds} s (timeoutSeconds)`);
		}
		const said = await become(host, uuid, forked, left());
		verify(said, forked);
		return said;
	});
	const connect = await timed(async () => {
		const devices = child(config, "devices");
		const [, ...dataDisks] = children(devices, "disk");
		const nics = children(devices, "interface");
		for (const device of [...dataDisks, ...nics]) {
			// Where the parent has no such port libvirt finds another; the machine has it there until its next start.
			if (!fitsInto(device, point.root)) remove(child(device, "address"));
			await patiently(() => host.domains.attachDevice(uuid, serialize(device), "live"));
		}
		const mac = nics[0] && child(nics[0], "mac")?.getAttribute("address");
		const { address, gateway, restart } = forked;
		const addresses = await connectGuest(host, uuid, { mac: mac ?? undefined, address, gateway }, restart, left());
		return { ...(mac ? { mac } : {}), addresses };
	});
	return {
		...identity.value,
		...connect.value,
		timings: { startMs: start.ms, loadMs: load.ms, identityMs: identity.ms, connectMs: connect.ms },
	};
}
