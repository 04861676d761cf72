/** What becomes of a machine that is taken over from somebody else: it gets the hardware that is asked for, and no other. */
import type { Context } from "../lifecycle";
import { attribute, child, children, type Element, text } from "../xml/element";
import { restartReasons } from "./converge";
import { wantedDefinition } from "./definition";
import { look } from "./look";
import type { DomainInputs } from "./schema";
import { inheritedFrom } from "./template";

/** What libvirt adds by itself, or what follows from other things. */
const UNTOLD_DEVICES = ["audio", "console", "controller", "emulator", "input", "memballoon"];
const UNTOLD = ["clock", "cpu", "devices", "metadata", "on_crash", "on_poweroff", "on_reboot", "resource"];

/** Lines for the preview. */
export async function takeOverLines(inputs: DomainInputs, { host }: Context, uuid: string): Promise<string[]> {
	const seen = await look(host, uuid);
	if (!seen) return [];
	const inherited = inputs.template === undefined ? undefined : inheritedFrom(seen.config);
	const { domainType } = seen.config;
	const machine = { uuid, domainType, inherited, config: seen.config, live: seen.live, foreign: true };
	const wanted = await wantedDefinition(inputs, host, machine);
	const reasons = restartReasons(seen, wanted, inputs);
	const off = seen.active && !inputs.running ? ["warning: it runs, and is shut down (running is false)"] : [];
	const restart =
		seen.active && inputs.running && reasons.length > 0
			? [`${inputs.onRestartRequired === "defer" ? "at its next start" : "restart"}: ${reasons.join(", ")}`]
			: [];
	return [...off, ...restart, ...lossLines(seen.config.root, wanted.root)];
}

/** A line that names what the machine has and is not going to have; none when it keeps everything. */
export function lossLines(before: Element, after: Element): string[] {
	const lost = [...lostElements(before, after), ...lostDevices(child(before, "devices"), child(after, "devices"))];
	if (lost.length === 0) return [];
	return [`warning: not kept, because it is not asked for: ${lost.join(", ")}. To keep it, say it in the arguments`];
}

function lostElements(before: Element, after: Element): string[] {
	const names = (root: Element | undefined) => children(root).map(({ tagName }) => tagName);
	const missing = (one: string[], other: string[]) => [...new Set(one)].filter((name) => !other.includes(name));
	const features = missing(names(child(before, "features")), names(child(after, "features")));
	const cpu = cpuOf(before);
	return [
		...missing(names(before), [...names(after), ...UNTOLD]),
		...features.map((name) => `features/${name}`),
		...(cpu !== undefined && cpu !== cpuOf(after) ? [`cpu ${cpu}`] : []),
	];
}

/** Undefined for the one that libvirt writes down where none is given. */
function cpuOf(root: Element): string | undefined {
	const mode = attribute(root, "cpu", "mode");
	if (mode !== "custom" && mode !== undefined) return mode;
	const model = text(root, "cpu/model");
	return model === "qemu64" ? undefined : model;
}

function lostDevices(before: Element | undefined, after: Element | undefined): string[] {
	const kinds = [...new Set(children(before).map(({ tagName }) => tagName))];
	return kinds.flatMap((kind) => {
		if (UNTOLD_DEVICES.includes(kind)) return [];
		const left = children(after, kind).map(identityOf);
		return children(before, kind).flatMap((device) => {
			const index = left.indexOf(identityOf(device));
			if (index < 0) return [identityOf(device)];
			left.splice(index, 1);
			return [];
		});
	});
}

/** What tells a device from others of its kind, and the user which is meant. */
function identityOf(device: Element): string {
	const { tagName } = device;
	const told = {
		channel: attribute(device, "target", "name"),
		disk: attribute(device, "target", "dev"),
		graphics: attribute(device, "", "type"),
		interface: attribute(device, "mac", "address"),
	}[tagName];
	return told === undefined ? tagName : `${tagName} ${told}`;
}
