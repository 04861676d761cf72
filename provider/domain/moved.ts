/** A machine whose `uri` is another host's: what is recorded of it as if it had been there before, and what a preview says. */
import { connect } from "../libvirt";
import { type Change, type Context, InputError, type State } from "../lifecycle";
import { refuseUnreachable } from "../morph/reachable";
import { hasPrograms } from "../morph/template";
import { type Policy, policyOf } from "../move/convergence";
import { modeOf } from "../move/mode";
import { isAnotherHost, type Moves } from "../move/moves";
import { obstacles } from "../move/obstacles";
import { wayTo } from "../move/way";
import { look } from "./look";
import { findThere } from "./own";
import type { DomainFacts, DomainInputs } from "./schema";

type Olds = State<DomainInputs, DomainFacts> | DomainInputs;

/**
 * What is recorded, with the volumes and networks that stand for the former ones on the new host: the rest is what really
 * changes.
 */
export function asMoved<T extends Olds>(olds: T, news: DomainInputs): T {
	const disks = olds.disks.map((disk, index) => ({ ...disk, volume: news.disks[index]?.volume ?? disk.volume }));
	const nics = Array.isArray(news.nics)
		? olds.nics?.map((nic, index) => {
				const { network: _, bridge: __, user: ___, ...rest } = nic;
				const { network, bridge, user } = news.nics![index] ?? nic;
				return {
					...rest,
					...(network === undefined ? {} : { network }),
					...(bridge === undefined ? {} : { bridge }),
					...(user === undefined ? {} : { user }),
				};
			})
		: olds.nics;
	return {
		...olds,
		uri: news.uri,
		disks,
		nics,
		// Paths on the host.
		consoleLog: olds.consoleLog === undefined ? undefined : news.consoleLog,
		boot: bootThere(olds.boot, news.boot),
	};
}

function bootThere(before: DomainInputs["boot"], now: DomainInputs["boot"]): DomainInputs["boot"] {
	if (!before || !now) return before;
	const { kernel, initrd } = now;
	return { ...before, kernel, ...(before.initrd !== undefined && initrd !== undefined && { initrd }) };
}

/**
 * Whether the new inputs have it move, by a look at both hosts.
 * @throws InputError where nothing tells how its host reaches the new one, or it cannot go on there
 */
export async function movesOf(olds: DomainInputs, news: DomainInputs, context: Context): Promise<Moves | undefined> {
	if (olds.uri === news.uri || !(await isAnotherHost(olds.uri, news.uri))) return undefined;
	await refuseFromOutside(olds.uri, news);
	const at = (uri: string, inputs: DomainInputs) =>
		findThere({ ...context, host: connect(uri) }, { ...inputs, adopt: false }).catch(() => undefined);
	const there = await at(olds.uri, olds);
	if (!there) return (await at(news.uri, news)) ? { from: olds.uri, how: "arrived" } : undefined;
	if (olds.fork?.powerOn === "refork") {
		throw new InputError(
			"uri",
			`got ${news.uri}, another host; a machine that goes on from its parent at each power-on stays where that is`,
		);
	}
	wayTo(news);
	refuseUnreachable(olds.uri, news.morph);
	const from = connect(olds.uri);
	const seen = await look(from, there.uuid);
	if (!seen) return { from: olds.uri, how: "off" };
	const found = await obstacles(from, connect(news.uri), (seen.live ?? seen.config).root);
	const mode = modeOf({ name: seen.name, to: news.uri }, news.migration, found);
	if (!seen.active) return { from: olds.uri, how: "off" };
	return { from: olds.uri, how: "running", mode, because: found.map(({ reason }) => reason) };
}

function pauseClause({ maxPauseMs, onNoConvergence, timeoutSeconds }: Policy): string {
	const longer = onNoConvergence === "suspend" ? `, or of what that takes after ${timeoutSeconds} s` : "";
	return `the last of it in a pause of at most ${maxPauseMs} ms${longer}`;
}

/** The order of a set is kept among hosts that its program names: on others it does not see which machines there are. */
async function refuseFromOutside(from: string, { uri, among }: DomainInputs): Promise<void> {
	if (among === undefined) return;
	const others = await Promise.all(among.map((known) => known !== from && isAnotherHost(from, known)));
	if (others.includes(false)) return;
	throw new InputError(
		"uri",
		`got ${uri}, and it is on ${from}, which is none of the hosts of its set (${among.join(", ")}): allowed is a move ` +
			"among them. Leave the former host in hosts until all machines have left it",
	);
}

/**
 * One that is gone from its host may have been brought beside Pulumi to another one of its set, or back to where it came
 * from: made anew it would be there twice.
 * @throws Error that says where it is
 */
export async function refuseElsewhere(
	uuid: string,
	{ name, uri, among = [], cameFrom }: DomainInputs & Pick<DomainFacts, "cameFrom">,
): Promise<void> {
	for (const other of new Set([...among, ...(cameFrom === undefined ? [] : [cameFrom])])) {
		if (other === uri) continue;
		const found = await connect(other)
			.domains.find(uuid)
			.catch(() => undefined);
		if (!found) continue;
		throw new Error(
			`${name} is not on ${uri} any more, and on ${other}, ${among.includes(other) ? "another host of its set" : "from where it came"}: it was brought there by ` +
				"somebody else. Name that host for it in the program, and run pulumi up without a refresh; or bring it back",
		);
	}
}

/** Pure. */
export function moveChange({ from, how, mode = "live", because = [] }: Moves, news: DomainInputs): Change {
	const disks = news.disks.filter(({ device }) => device !== "cdrom").length;
	const { migrateUri } = wayTo(news);
	const sent = `memory and what its ${disks} disk(s) hold are sent to ${migrateUri}`;
	const why = because.length === 0 ? "" : ` (${because.join("; ")})`;
	const running = {
		live: `while it runs: ${sent}, ${pauseClause(policyOf(news.migration))}, then it goes on there`,
		saveRestore:
			`saved, and goes on there at its next instruction: it stands still for as long as it takes until its memory has ` +
			`been brought through this machine, and what its ${disks} disk(s) hold sent to ${migrateUri}`,
		reboot: `by a restart${why}: shut down, what its ${disks} disk(s) hold sent to ${migrateUri}, then started there${hasPrograms(news.morph) ? "; the steps of morph are left out" : ""}`,
	};
	const notes = {
		running: `moves from ${from} ${running[mode]}`,
		off: `moves from ${from}: what its ${disks} disk(s) hold is sent to ${migrateUri}; it stays off`,
		arrived: `has come from ${from} already: recorded`,
	};
	const effect = how === "running" && mode === "reboot" ? "restart" : "live";
	return { property: "uri", effect, note: notes[how] };
}
