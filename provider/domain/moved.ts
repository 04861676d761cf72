/** A machine whose `uri` is another host's: what is recorded of it as if it had been there before, and what a preview says. */
import { connect, LibvirtError } from "../libvirt";
import { type Change, type Context, InputError, type State } from "../lifecycle";
import { refuseUnreachable } from "../morph/reachable";
import { hasPrograms } from "../morph/template";
import { type Policy, policyOf } from "../move/convergence";
import { lackLine, lacksOf } from "../move/lacking";
import { modeOf } from "../move/mode";
import { isAnotherHost, type Moves, untold } from "../move/moves";
import { obstacles } from "../move/obstacles";
import { refuseForked } from "../move/saved";
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
	if (olds.uri === news.uri) return undefined;
	const way = { from: olds.uri, to: news.uri };
	const at = (uri: string, inputs: DomainInputs) =>
		findThere({ ...context, host: connect(uri) }, { ...inputs, adopt: false }).catch((error: Error) => {
			// Somebody else's of that name is none of ours.
			if (error instanceof LibvirtError) throw untold(way, `machine ${olds.name}`, error.message);
			return undefined;
		});
	const here = await at(news.uri, news);
	const isAnother = await isAnotherHost(olds.uri, news.uri);
	if (here && !isAnother) return undefined;
	const there = await at(olds.uri, olds);
	if (!isAnother) return undefined;
	await refuseFromOutside(olds.uri, news);
	if (!there) return here && { from: olds.uri, how: "arrived" };
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
	const to = connect(news.uri);
	const { whenLacking = "refuse" } = news.migration ?? {};
	const { root } = seen.live ?? seen.config;
	const found = await obstacles(from, to, root, whenLacking);
	const mode = modeOf({ name: seen.name, to: news.uri }, news.migration, found);
	const adapts = whenLacking === "adapt" ? await lacksOf(from, to, root) : [];
	const lines = adapts.filter(({ remedy }) => remedy).map((lack) => lackLine(lack, news.uri, "adapt"));
	const adapting = lines.length === 0 ? {} : { adapting: lines };
	if (!seen.active) return { from: olds.uri, how: "off", ...adapting };
	if (mode === "saveRestore") refuseForked(olds);
	const decisive = found.filter((obstacle) => (obstacle.mode === "paused") === (mode === "paused"));
	const because = decisive.map(({ reason }) => reason);
	return { from: olds.uri, how: "running", mode, because, ...adapting };
}

function pauseClause({ maxPauseMs, onNoConvergence, timeoutSeconds }: Policy): string {
	const longer = onNoConvergence === "suspend" ? `, or of what that takes after ${timeoutSeconds} s` : "";
	return `the last of it in a pause of at most ${maxPauseMs} ms${longer}`;
}

/** The order of a set is kept among hosts that its program names: on others it does not see which machines there are. */
async function refuseFromOutside(from: string, { uri, among }: DomainInputs): Promise<void> {
	if (among === undefined) return;
	const others = await Promise.all(among.map((known) => known !== from && isAnotherHost(from, known)));
	if (others.some((isAnother) => !isAnother)) return;
	throw new InputError(
		"uri",
		`got ${uri}, and it is on ${from}, which is none of the hosts of its set (${among.join(", ")}): allowed is a move ` +
			"among them. Leave the former host in hosts until all machines have left it",
	);
}

/**
 * One that is gone from its host may have been brought beside Pulumi to another one of its set, or back to where it came
 * from: made anew it would be there twice.
 * @throws Error that says where it is, or which host does not tell
 */
export async function refuseElsewhere(
	uuid: string,
	{ name, uri, among = [], cameFrom }: DomainInputs & Pick<DomainFacts, "cameFrom">,
): Promise<void> {
	for (const other of new Set([...among, ...(cameFrom === undefined ? [] : [cameFrom])])) {
		if (other === uri) continue;
		const isOfSet = among.includes(other);
		const where = `${other}, ${isOfSet ? "another host of its set" : "from where it came"}`;
		const found = await connect(other)
			.domains.find(uuid)
			.catch((error: Error) => {
				throw new Error(
					`${name} is not on ${uri} any more, and whether it is on ${where}, cannot be told: ${error.message}\n` +
						"Made anew it could be there twice. Have that host answer; where it is gone for good, " +
						`${isOfSet ? "take it out of the set" : "forget the machine (pulumi state delete), and pulumi up makes it anew"}`,
					{ cause: error },
				);
			});
		if (!found) continue;
		throw new Error(
			`${name} is not on ${uri} any more, and on ${where}: it was brought there by somebody else. ` +
				"Name that host for it in the program, and run pulumi up without a refresh; or bring it back",
		);
	}
}

/** Pure. */
export function moveChange(
	{ from, how, mode = "live", because = [], adapting = [] }: Moves,
	news: DomainInputs,
): Change {
	const disks = news.disks.filter(({ device }) => device !== "cdrom").length;
	const { migrateUri } = wayTo(news);
	const sent = `memory and what its ${disks} disk(s) hold are sent to ${migrateUri}`;
	const why = because.length === 0 ? "" : ` (${because.join("; ")})`;
	const running = {
		live: `while it runs: ${sent}, ${pauseClause(policyOf(news.migration))}, then it goes on there`,
		paused: `standing still${why}: what its ${disks} disk(s) hold is sent to ${migrateUri} while it runs, its memory after that while it stands still, then it goes on there`,
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
	return { property: "uri", effect, note: [notes[how], ...adapting].join("; ") };
}
