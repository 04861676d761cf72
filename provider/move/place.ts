/** On which of two hosts a machine is that moves between them. The hosts tell, whoever asks and whatever was cut off. */
import { setTimeout as sleep } from "node:timers/promises";
import { unlessGone } from "../domain/patience";
import type { Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { parse } from "../xml/element";
import { recordedIn } from "../xml/metadata";
import type { Convergence } from "./convergence";
import type { Moving } from "./moving";

/** What a host shows of a machine. `between`: it stands still for a migration, on either side. */
export type Sight = "none" | "off" | "runs" | "between";

/** `there` where it was, `here` where it is to be, `moving` while both show it, `gone` from both. */
export type Place = "there" | "here" | "moving" | "gone" | "unclear";

/** VIR_DOMAIN_PAUSED_MIGRATION */
const PAUSED_BY_MIGRATION = 2;
/** How long both may show a machine without a migration between them: the last steps of one. */
const LAST_STEPS_SECONDS = 60;
const POLL_MS = 250;
const TELL_MS = 10_000;

const PLACES: Record<Sight, Record<Sight, Place>> = {
	// By what the former host shows, then by the new one.
	none: { none: "gone", off: "here", runs: "here", between: "unclear" },
	// A definition that is left of one that runs elsewhere.
	off: { none: "there", off: "unclear", runs: "here", between: "unclear" },
	runs: { none: "there", off: "unclear", runs: "unclear", between: "moving" },
	between: { none: "there", off: "unclear", runs: "moving", between: "moving" },
};

/** Pure. */
export function placeOf(there: Sight, here: Sight): Place {
	return PLACES[there][here];
}

export async function sightOf(host: Host, uuid: string): Promise<Sight> {
	const info = await host.domains.find(uuid);
	if (!info) return "none";
	if (info.state === "shutoff") return "off";
	if (info.state !== "paused") return "runs";
	// It may have left since.
	const now = await unlessGone(host.domains.state(uuid));
	if (!now) return "none";
	return now.state === "paused" && now.reason === PAUSED_BY_MIGRATION ? "between" : "runs";
}

/** One that goes on from its saved memory stands still as one that comes by a migration; but for that it is there for good. */
async function isRestored(host: Host, uuid: string): Promise<boolean> {
	const [info, job] = await Promise.all([host.domains.find(uuid), host.domains.job(uuid).catch(() => undefined)]);
	return info?.persistent === true && !job;
}

/**
 * Whether what is off there is what its firmware's variables are to be removed by: the definition of one that has arrived
 * here, with the record of that very move.
 */
async function isLeftOver(there: Host, here: Host, uuid: string): Promise<boolean> {
	const [before, now] = await Promise.all(
		[there, here].map(async (host) => {
			const xml = await unlessGone(host.domains.xml(uuid, { inactive: true }));
			return xml === undefined ? undefined : recordedIn(parse(xml, `the definition of ${uuid}`))?.moving;
		}),
	);
	return now !== undefined && now === before && (JSON.parse(now) as Moving).to === here.uri;
}

/**
 * Where a machine is, once a migration that goes on has come to its end.
 * @param convergence of that migration
 * @throws Error with what each host shows, where that does not tell
 */
export async function placeAtRest(
	{ host: here, log }: Pick<Context, "host" | "log">,
	there: Host,
	machine: { uuid: string; name: string },
	convergence?: Convergence,
): Promise<"there" | "here" | "gone"> {
	let lastJob = performance.now();
	let lastTold = Number.NEGATIVE_INFINITY;
	for (;;) {
		const [before, now] = await Promise.all([sightOf(there, machine.uuid), sightOf(here, machine.uuid)]);
		const restored = before === "none" && now === "between" && (await isRestored(here, machine.uuid));
		const bothOff = before === "off" && now === "off";
		const arrived = restored || (bothOff && (await isLeftOver(there, here, machine.uuid)));
		const place = arrived ? "here" : placeOf(before, now);
		const job = before === "none" ? undefined : await there.domains.job(machine.uuid).catch(() => undefined);
		// One that has just begun shows nothing on the new host yet.
		const begins = place === "there" && job?.isMigration === true;
		if (!begins && (place === "there" || place === "here" || place === "gone")) return place;
		if (job) lastJob = performance.now();
		// Between two questions a migration may have ended.
		if (performance.now() - lastJob > (place === "unclear" ? 5 : LAST_STEPS_SECONDS) * 1000) {
			throw new Error(unclear(machine.name, there.uri, before, here.uri, now));
		}
		if (job?.isMigration) await convergence?.look(job);
		if (job && performance.now() - lastTold > TELL_MS) {
			log(`a migration of an earlier run goes on: ${progress(job)}`);
			lastTold = performance.now();
		}
		await sleep(POLL_MS);
	}
}

export function progress({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }): string {
	const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
	return `${mebibytes(doneBytes)} of ${mebibytes(totalBytes)} MiB`;
}

const SHOWN: Record<Sight, string> = {
	none: "there is none",
	off: "it is defined and off",
	runs: "it runs or is paused",
	between: "it stands still for a migration that has not come to its end",
};

function unclear(name: string, there: string, before: Sight, here: string, now: Sight): string {
	return (
		`where ${name} is cannot be told: on ${there} ${SHOWN[before]}; on ${here} ${SHOWN[now]}. Nothing was changed. ` +
		"Look which of them has what was written last, remove the other one's definition (virsh undefine, after virsh " +
		"destroy where it runs; its disks stay), and run pulumi up again"
	);
}
