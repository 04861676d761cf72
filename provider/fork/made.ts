/** Waiting until a fork point is made, by somebody else: a look at the host whenever libvirt tells of a change of it. */
import { look } from "../domain/look";
import { connect, DeadlineError, type Host, LibvirtError, WorkerError, watchDomains } from "../libvirt";
import { foundPoint } from "./lifecycle";
import type { ForkPointFacts } from "./schema";

/** What a set of machines, or another fork point, needs to know of it, and whose it is. */
export interface MadePoint extends Omit<ForkPointFacts, "timings" | "lineage"> {
	/** Name of the pool that its files are in. */
	pool: string;
	/** Owner id: organization, project, stack and the resource's name. */
	owner: string;
	/** Key of what its disk was made from. */
	base: string;
}

/** After how long a host is looked at again that could not be looked at. */
const AGAIN_MS = 1000;

/**
 * @param name of a ForkPoint, of its machine, or its UUID
 * @throws Error when it is not there in time, or there is more than one of that name
 */
export async function untilMade(
	uri: string,
	name: string,
	how: { timeoutSeconds: number; log: (line: string) => void; signal: AbortSignal },
): Promise<MadePoint> {
	const { timeoutSeconds, log, signal } = how;
	const host = connect(uri);
	const watcher = watchDomains(uri);
	const deadline = performance.now() + timeoutSeconds * 1000;
	let changed = false;
	let wake = () => {};
	const seen = () => {
		changed = true;
		wake();
	};
	const rest = (ms: number) =>
		new Promise<void>((resolve) => {
			// Keeps the process running, which the watcher does not.
			const timer = setTimeout(resolve, ms);
			wake = () => {
				clearTimeout(timer);
				resolve();
			};
			if (changed) wake();
		});
	signal.addEventListener("abort", seen);
	try {
		await watcher.ready();
		watcher.on("lifecycle", (event) => {
			if (isNamed(event, name)) seen();
		});
		watcher.on("connected", seen);
		let told = "";
		for (;;) {
			changed = false;
			const { point, state, again } = await lookFor(host, name);
			if (point) return point;
			signal.throwIfAborted();
			const left = deadline - performance.now();
			if (left <= 0) throw new Error(`after ${timeoutSeconds} s ${state} (--timeout)`);
			if (state !== told) log(`waits: ${state}`);
			told = state;
			await rest(Math.min(left, again ? AGAIN_MS : left));
		}
	} finally {
		signal.removeEventListener("abort", seen);
		await watcher.close();
	}
}

interface Look {
	point?: MadePoint;
	/** What there is instead. */
	state: string;
	/** Whether to look again though nothing changes. */
	again?: boolean;
}

async function lookFor(host: Host, name: string): Promise<Look> {
	try {
		return await lookOnce(host, name);
	} catch (error) {
		const away = error instanceof LibvirtError || error instanceof DeadlineError || error instanceof WorkerError;
		if (!away) throw error;
		return { state: `${host.uri} cannot be looked at: ${error.message}`, again: true };
	}
}

async function lookOnce(host: Host, name: string): Promise<Look> {
	const named = (await host.domains.list()).filter((info) => isNamed(info, name));
	const points: MadePoint[] = [];
	const unfinished: string[] = [];
	for (const { uuid, name: domainName } of named) {
		const recorded = (await look(host, uuid))?.config.recorded;
		if (!recorded?.fork) continue;
		const found = recorded.fork.complete ? await foundPoint(host, uuid) : undefined;
		if (!found) unfinished.push(domainName);
		else points.push(await described(host, found, recorded.owner));
	}
	// While one is made anew the former one is there as well.
	if (unfinished.length > 0) return { state: `${unfinished.join(", ")} is not finished` };
	const [point, ...others] = points;
	if (!point) return { state: `there is no fork point ${name} on ${host.uri}` };
	if (others.length === 0) return { point, state: "" };
	const names = points.map(({ domainName }) => domainName).sort();
	return { state: `there are several fork points ${name} on ${host.uri}: ${names.join(", ")}; name one in full` };
}

async function described(
	host: Host,
	{ lineage, timings: _, ...facts }: Omit<ForkPointFacts, "timings"> & { timings: unknown },
	owner: string,
): Promise<MadePoint> {
	const pool = await host.pools.findByVolume(facts.disk);
	return { ...facts, pool: pool?.name ?? "", owner, base: lineage.base };
}

/** Its machine has its name, and eight digits of what it was made from. */
function isNamed(domain: { name: string; uuid: string }, name: string): boolean {
	if (domain.name === name || domain.uuid === name) return true;
	return domain.name.startsWith(`${name}-`) && /^[0-9a-f]{8}$/.test(domain.name.slice(name.length + 1));
}
