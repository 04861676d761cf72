/** The steps that bring a machine to its definition, and the way back when one of them fails. */
import { LibvirtError } from "../libvirt/errors";
import type { Context } from "../lifecycle";
import { contextUnder } from "../morph/agent-policy";
import { morphInPlace } from "../morph/in-place";
import type { MorphStep } from "../morph/template";
import type { ToolReport } from "../morph/tools";
import { carryAddresses } from "../xml/carry";
import { serialize } from "../xml/element";
import type { Wanted } from "./definition";
import { deviceSteps, placedKinds } from "./device-steps";
import { applyDevices, applySize, type Removable } from "./live";
import { lookLive, type Seen } from "./look";
import { patiently, timed } from "./patience";
import { turnOn } from "./power";
import { rename } from "./rename";
import type { DomainInputs } from "./schema";

export interface Step {
	define: boolean;
	/** Whether the machine is off by now. */
	off: boolean;
	/** Whether it was turned off only for the change. */
	wasTurnedOff: boolean;
	removable: Removable;
	/** Whether its vCPUs and memory change by the next start only. */
	sizeWaits: boolean;
	/** Steps that grow file systems, for which all of its template runs. */
	growths: MorphStep[];
	/** Starts the machine, which is off. */
	start(): Promise<void>;
}

/**
 * Defines a machine that is about to be turned off: what libvirt refuses costs no downtime then. The running machine
 * sees nothing of it.
 */
export async function defineAhead({ host }: Context, seen: Seen, wanted: Wanted): Promise<void> {
	try {
		await patiently(() => host.domains.define(serialize(wanted.root)));
	} catch (error) {
		if (!(error instanceof LibvirtError)) throw error;
		throw new Error(`${error.message}\n${seen.name} runs on as it was: nothing was changed.`, { cause: error });
	}
}

/** @returns the milliseconds that the start took, and what has become of tools; undefined where there was none of it */
export async function redefineAndStart(
	context: Context,
	seen: Seen,
	inputs: DomainInputs,
	wanted: Wanted,
	step: Step,
): Promise<{ startMs?: number; tools?: ToolReport | undefined }> {
	const { host } = context;
	const morphing = contextUnder(context, inputs.agentPolicy);
	const former = serialize(seen.config.root);
	let renamed = false;
	let tools: ToolReport | undefined;
	try {
		if (!step.off && inputs.running) await turnOn(host, seen);
		if (step.define) {
			if (!step.off && seen.live) {
				const placed = placedKinds(inputs.morph);
				await applyDevices(morphing, seen.live, wanted.spec, step.removable, placed);
				const running = { ...seen, live: seen.live };
				const devices = deviceSteps(morphing, { seen: running, wanted, removable: step.removable }, placed);
				const { room } = wanted.spec;
				if (!room) await applySize(morphing, seen.live, wanted.spec);
				const size = room && !step.sizeWaits ? wanted.spec : undefined;
				const { growths } = step;
				if (size || growths.length + devices.length > 0 || seen.config.recorded?.morph) {
					const policy = inputs.agentPolicy;
					tools = await morphInPlace(morphing, seen, size, inputs.morph, { growths, devices, policy });
				}
				// A device is to be at the next start where it was plugged in.
				carryAddresses(wanted.root, (await lookLive(host, seen.uuid)).root);
			}
			renamed = wanted.spec.name !== seen.name;
			if (renamed) await rename(host, seen.uuid, wanted.spec.name);
			await patiently(() => host.domains.define(serialize(wanted.root)));
		}
		if (inputs.autostart !== seen.autostart || renamed) {
			await patiently(() => host.domains.setAutostart(seen.uuid, inputs.autostart));
		}
		if (!step.off || !inputs.running) return { tools };
		return { startMs: (await timed(() => step.start())).ms };
	} catch (error) {
		if (!step.wasTurnedOff && !renamed) throw error;
		throw await backAsBefore(context, seen, former, { renamed, start: step.wasTurnedOff, error });
	}
}

/** After a failed change: the former definition, and the machine running again if it ran. @returns the error to throw */
async function backAsBefore(
	{ host }: Context,
	seen: Seen,
	former: string,
	{ renamed, start, error }: { renamed: boolean; start: boolean; error: unknown },
): Promise<Error> {
	const message = error instanceof Error ? error.message : String(error);
	try {
		if (renamed) await rename(host, seen.uuid, seen.name);
		await patiently(() => host.domains.define(former));
		if (renamed) await patiently(() => host.domains.setAutostart(seen.uuid, seen.autostart));
		if (start) await turnOn(host, { uuid: seen.uuid, state: "shutoff", active: false });
	} catch (again) {
		const why = again instanceof Error ? again.message : String(again);
		return new Error(`${message}\nAnd the former definition could not be restored: ${why}`, { cause: error });
	}
	const now = start ? "runs with its former definition again" : "has its former definition again";
	return new Error(`${message}\n${seen.name} ${now}.`, { cause: error });
}
