/**
 * One operation of the engine's on a volume or a machine, in a process of its own, as in another run: it remembers nothing.
 * It is killed (SIGKILL) before or after one of the calls that change something on its hosts, if told so.
 */
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { connect } from "../../provider/libvirt";
import { volume } from "../../provider/volume/lifecycle";
import type { VolumeInputs } from "../../provider/volume/schema";
import type { Full } from "./domain-lab";
import { type VolumeState, wire } from "./volume-lab";

export type Operation =
	| { volume: "create"; olds: VolumeState; news: VolumeInputs }
	| { volume: "delete"; state: VolumeState }
	| { domain: "update"; state: Full; news: DomainInputs };

export interface Task {
	operation: Operation;
	/** 1 and up: before the first call, after it, before the second, ... */
	diesAt?: number | undefined;
}

process.once("message", async ({ operation, diesAt }: Task) => {
	let moments = 0;
	const live = () => {
		if (++moments === diesAt) process.kill(process.pid, "SIGKILL");
	};
	const uris = "news" in operation ? [operation.news.uri] : [];
	const before = "olds" in operation ? operation.olds.uri : operation.state.uri;
	for (const uri of new Set([before, ...uris])) {
		const { domains, volumes } = connect(uri);
		dieAround(domains, ["setMetadata", "define", "migrate", "save", "restore", "resume", "undefine", "start"], live);
		dieAround(volumes, ["create", "delete"], live);
	}
	process.send!({ result: wire((await run(operation)) ?? null) });
	process.disconnect();
	process.exit(0);
});

function dieAround<T extends object>(calls: T, names: ReadonlyArray<keyof T>, live: () => void): void {
	for (const name of names) {
		const call = (calls[name] as (...given: unknown[]) => Promise<unknown>).bind(calls);
		const dying = async (...given: unknown[]) => {
			live();
			const result = await call(...given);
			live();
			return result;
		};
		Object.assign(calls, { [name]: dying });
	}
}

async function run(operation: Operation): Promise<unknown> {
	const log = () => {};
	if ("domain" in operation) {
		const { state, news } = operation;
		return domain.update(state.uuid, state, news, { host: connect(news.uri), log });
	}
	if (operation.volume === "delete") {
		const { state } = operation;
		return volume.delete(state.key, state, { host: connect(state.uri), log });
	}
	const { olds, news } = operation;
	const context = { host: connect(news.uri), log };
	return (await volume.create(await volume.settle!(olds, news, context), context)).state;
}
