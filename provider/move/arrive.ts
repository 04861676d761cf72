/** What is left to do for a machine when it is on its new host. */
import { look, type Seen } from "../domain/look";
import { note } from "../domain/note";
import { isInvalidState, patiently } from "../domain/patience";
import { powerOff } from "../domain/power";
import type { DomainInputs } from "../domain/schema";
import { independentDefinition } from "../fork/definition";
import type { Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { pausesFor } from "../morph/template";
import { hold } from "../volume/holders";
import { parse, serialize } from "../xml/element";
import { elsewhere } from "../xml/elsewhere";
import { hasSaved, movingIn } from "./moving";
import { removeFile, restoreHere } from "./saved";

/** Each step may have been done by a run that was cut off. */
export async function arrive(context: Context, there: Host, uuid: string, inputs: DomainInputs): Promise<void> {
	const { host: here, log } = context;
	const seen = await look(here, uuid);
	const moving = seen && movingIn(seen);
	if (seen && moving) {
		const migrated = seen.active && !moving.off ? await here.domains.migrated(uuid).catch(() => undefined) : undefined;
		if (hasSaved(moving)) await restoreHere(context, seen, moving, restored(seen, inputs));
		else if (moving.off) await powerOff(here, uuid);
		else if (migrated) {
			const soFar = seen.state === "paused" ? " so far" : "";
			log(`moved in ${migrated.totalMs} ms, of which it stood still for ${migrated.pauseMs} ms${soFar}`);
		}
		// The variables of its firmware go with a definition alone, which libvirt has removed without them.
		const { root, firmware } = seen.config;
		if (firmware !== "bios") await there.domains.define(serialize(root), { validate: false });
	}
	const left = await there.domains.find(uuid);
	if (left?.state === "shutoff") await patiently(() => there.domains.undefine(uuid));
	if (moving?.saved) await removeFile(there, moving.saved.there);
	if (!seen || !moving) return;
	for (const path of moving.shared ?? []) await hold(here, path);
	const { pending } = seen.config.recorded!;
	const liveId = seen.live?.liveId;
	// Changes that wait for the next start wait for the end of another run of it now.
	const waits = pending && liveId !== undefined && { pending: { ...pending, liveId } };
	if (moving.saved && !pausesFor(inputs.morph)) {
		await patiently(() => here.domains.resume(uuid)).catch(unlessRunning);
		log(`it goes on there ${Date.now() - moving.saved.at} ms after it was saved`);
	}
	await note(here, uuid, { moving: undefined, ...waits }, ["config"]);
}

/** What a machine is to be on its new host, of what it was when it was saved. */
function restored({ config }: Seen, inputs: DomainInputs): (xml: string) => string {
	return (xml) => {
		const disks = config.disks.flatMap(({ target, source, format = "raw" }) =>
			target !== undefined && source ? [[target, { source, format }] as const] : [],
		);
		const nics = config.nics.flatMap(({ mac, source }) =>
			mac !== undefined && source ? [[mac, source] as const] : [],
		);
		const { boot, consoleLog, fork } = inputs;
		const recorded = { ...config.recorded!, moving: undefined };
		const there = { disks: new Map(disks), nics: new Map(nics), boot, consoleLog, recorded };
		const moved = elsewhere(parse(xml, `what ${inputs.name} was`), there);
		return serialize(fork ? independentDefinition(moved) : moved);
	};
}

function unlessRunning(error: unknown): void {
	if (!isInvalidState(error)) throw error;
}
