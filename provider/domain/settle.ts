/** References of a machine that only say in another way what is recorded. */
import { hasRoomAgain } from "../fork/preempt";
import type { Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { isUnknown } from "../unknown";
import { findVolume } from "../volume/pools";
import { look as lookAt } from "./look";
import { movesOf } from "./moved";
import { findThere } from "./own";
import type { DomainInputs } from "./schema";

type Look = (reference: string) => Promise<string | undefined>;

/** Keeps the recorded template, volumes and networks where the new ones are the same thing. */
export async function settle(olds: DomainInputs, news: DomainInputs, context: Context): Promise<DomainInputs> {
	const { host } = context;
	const kept = { ...news };
	// Of a machine's first boot, which it has had.
	if (olds.init && news.init) kept.init = olds.init;
	if (olds.fork && news.fork?.onParentChange === "keep") {
		// It goes on as it is, whatever its parent has become.
		kept.template = olds.template;
		kept.fork = { ...news.fork, point: olds.fork.point };
	} else {
		kept.template = await sameAs(olds.template === undefined ? [] : [olds.template], news.template, domainOf(host));
	}
	if (Array.isArray(news.disks)) {
		const before = olds.disks.map(({ volume }) => volume);
		kept.disks = await all(news.disks, async (disk) => ({
			...disk,
			volume: (await sameAs(before, disk.volume, volumeOf(host)))!,
		}));
	}
	if (Array.isArray(news.nics)) {
		const before = (olds.nics ?? []).flatMap(({ network }) => network ?? []);
		kept.nics = await all(news.nics, async (nic) =>
			nic.network === undefined ? nic : { ...nic, network: await sameAs(before, nic.network, networkOf(host)) },
		);
	}
	const moves = await movesOf(olds, kept, context);
	if (moves) kept.moves = moves;
	if (kept.fork?.preemptible && kept.running === true) kept.fork = await withPreempted(olds, kept.fork, context);
	return kept;
}

/** One that has given way is off without a difference to what is recorded: whether there is room again is looked at here. */
async function withPreempted(
	olds: DomainInputs,
	fork: NonNullable<DomainInputs["fork"]>,
	context: Context,
): Promise<NonNullable<DomainInputs["fork"]>> {
	const look = async () => {
		const there = await findThere(context, { ...olds, adopt: false });
		const seen = there && (await lookAt(context.host, there.uuid));
		if (!seen || seen.active || seen.config.recorded?.preempted !== true) return fork;
		const goesOn = await hasRoomAgain(context.host, seen.uuid, seen.config.memoryMiB);
		return { ...fork, preempted: goesOn ? ("goesOn" as const) : ("stays" as const) };
	};
	return look().catch(() => fork);
}

const domainOf =
	(host: Host): Look =>
	async (reference) =>
		(await host.domains.find(reference))?.uuid;
const volumeOf =
	(host: Host): Look =>
	async (reference) =>
		(await findVolume(host, reference))?.path;
const networkOf =
	(host: Host): Look =>
	async (reference) =>
		(await host.networks.find(reference))?.uuid;

/** Only what is new is looked up: a preview without changes asks nothing. */
async function sameAs(before: string[], now: string | undefined, idOf: Look): Promise<string | undefined> {
	if (now === undefined || isUnknown(now) || before.length === 0 || before.includes(now)) return now;
	const look = (reference: string) => idOf(reference).catch(() => undefined);
	const id = await look(now);
	if (id === undefined) return now;
	for (const reference of before) if ((await look(reference)) === id) return reference;
	return now;
}

function all<T>(items: ReadonlyArray<T>, work: (item: T) => Promise<T>): Promise<T[]> {
	return Promise.all(items.map((item) => (isUnknown(item) ? item : work(item))));
}
