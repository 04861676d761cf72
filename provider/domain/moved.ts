/** A machine whose `uri` is another host's: what is recorded of it as if it had been there before, and what a preview says. */
import { connect } from "../libvirt";
import { type Change, type Context, InputError, type State } from "../lifecycle";
import { refuseUnreachable } from "../morph/reachable";
import { type Policy, policyOf } from "../move/convergence";
import { isAnotherHost, type Moves } from "../move/moves";
import { refuseObstacles } from "../move/obstacles";
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
	if (seen) await refuseObstacles(from, connect(news.uri), seen.name, (seen.live ?? seen.config).root);
	return { from: olds.uri, how: seen?.active ? "running" : "off" };
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

/** Pure. */
export function moveChange({ from, how }: Moves, news: DomainInputs): Change {
	const disks = news.disks.filter(({ device }) => device !== "cdrom").length;
	const { migrateUri } = wayTo(news);
	const sent = `memory and what its ${disks} disk(s) hold are sent to ${migrateUri}`;
	const notes = {
		running: `moves from ${from} while it runs: ${sent}, ${pauseClause(policyOf(news.migration))}, then it goes on there`,
		off: `moves from ${from}: what its ${disks} disk(s) hold is sent to ${migrateUri}; it stays off`,
		arrived: `has come from ${from} already: recorded`,
	};
	return { property: "uri", effect: "live", note: notes[how] };
}
