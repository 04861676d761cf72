/** What keeps a machine from going on on another host while it runs. Looks at both hosts; changes nothing. */
import { type EmulatorQuery, type Host, LibvirtError } from "../libvirt";
import { attribute, child, children, copy, type Element, element, serialize } from "../xml/element";
import { bestCpu } from "./common-cpu";
import { lossWhileRunning } from "./emulated";
import { lackLine, lacksOf, queryOf, type WhenLacking } from "./lacking";

export interface Obstacle {
	/** `paused`: it can go there standing still; `reboot`: once it was started without that. */
	mode: "paused" | "reboot" | "impossible";
	/** A clause about the machine or the host. */
	reason: string;
}

/**
 * @param root XML of the running machine, or the definition of one that is off
 * @param when what becomes of devices that are not there: with "adapt", those that can be done without are no obstacles
 */
export async function obstacles(
	from: Host,
	to: Host,
	root: Element,
	when: WhenLacking = "refuse",
): Promise<Obstacle[]> {
	const lacking = await lackingFor(from, to, root);
	const loss = await lossWhileRunning(from, root);
	const standing = loss === undefined ? [] : [{ mode: "paused" as const, reason: loss }];
	return [...standing, ...devicesThatStay(root), ...lacking, ...(await lackingDevices(from, to, root, when))];
}

/** Devices that nothing stands in for. */
export async function lackingDevices(from: Host, to: Host, root: Element, when: WhenLacking): Promise<Obstacle[]> {
	const lacks = await lacksOf(from, to, root);
	return lacks
		.filter(({ remedy }) => when === "refuse" || remedy === undefined)
		.map((lack) => ({ mode: "reboot", reason: lackLine(lack, to.uri, when) }));
}

/** What the host does not have of what a machine runs by. */
export async function lackingFor(from: Host, to: Host, root: Element): Promise<Obstacle[]> {
	const query = queryOf(root);
	try {
		await to.domainCapabilitiesXml(query);
	} catch (error) {
		if (!(error instanceof LibvirtError)) throw error;
		const board = `${query.machine} of ${query.emulator ?? query.arch} with ${query.type}`;
		return [{ mode: "reboot", reason: `${to.uri} does not have its board, ${board}: ${error.reason}` }];
	}
	const missing = await missingInCpu(from, to, child(root, "cpu"), query);
	return missing === undefined ? [] : [{ mode: "reboot", reason: `${to.uri} does not have its CPU: ${missing}` }];
}

/** Pure. */
export function devicesThatStay(root: Element): Obstacle[] {
	const devices = child(root, "devices");
	const host = children(devices, "hostdev").length;
	const folders = children(devices, "filesystem").length;
	const network = children(devices, "disk").filter((disk) => attribute(disk, "", "type") === "network").length;
	return [
		...(host > 0
			? [{ mode: "reboot" as const, reason: `${host} device(s) of its host are passed through to it` }]
			: []),
		...(folders > 0 ? [{ mode: "reboot" as const, reason: `it shares ${folders} folder(s) with its host` }] : []),
		...(network > 0
			? [{ mode: "impossible" as const, reason: `${network} disk(s) are on storage in the network` }]
			: []),
	];
}

/**
 * What its guest has seen of a CPU has to be there as well. Where libvirt finds the same to be missing on the host that it
 * runs on, this says nothing.
 */
async function missingInCpu(from: Host, to: Host, cpu: Element | undefined, query: EmulatorQuery) {
	const xml = cpu && child(cpu, "model") ? named(cpu) : hostDependent(cpu) ? await modelOf(from, query) : undefined;
	if (xml === undefined) return undefined;
	try {
		const missing = await to.compareCpu(xml, query);
		if (missing === undefined || (await from.compareCpu(xml, query)) !== undefined) return undefined;
		return missing.replace(/^.*?: /, "");
	} catch (error) {
		// Not every libvirt, nor every architecture, can tell.
		if (error instanceof LibvirtError) return undefined;
		throw error;
	}
}

/** Without what is no matter of the processor itself: topology, NUMA cells. */
function named(cpu: Element): string {
	return cpuOf(children(cpu).filter(({ tagName }) => ["model", "vendor", "feature"].includes(tagName)));
}

/** `host-passthrough`, `maximum`: the guest sees what there is. */
function hostDependent(cpu: Element | undefined): boolean {
	return ["host-passthrough", "host-model", "maximum"].includes(attribute(cpu, "", "mode") ?? "");
}

async function modelOf(host: Host, query: EmulatorQuery): Promise<string | undefined> {
	const best = await bestCpu(host, query);
	return best && serialize(best);
}

function cpuOf(parts: Element[]): string {
	return serialize(element("cpu", { mode: "custom", match: "exact" }, ...parts.map(copy)));
}
