/** A driver that is killed in the middle of an update of a machine. */
import assert from "node:assert/strict";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import type { Host } from "../../provider/libvirt";
import type { Full, Lab } from "./domain-lab";

/** What changes something on the host. */
const CHANGES = ["setVcpus", "setMemory", "updateDevice", "setMetadata", "define", "attachDevice", "detachDevice"];

/**
 * @param counted the calls before or after which it may be killed
 * @returns whether it was: with few changes left it comes to its end
 */
export async function diesAtCall(
	diesAt: number,
	lab: Lab,
	state: Full,
	news: DomainInputs,
	counted: ReadonlyArray<string> = CHANGES,
): Promise<boolean> {
	const context = { ...lab.context, host: dyingHost(lab.host, diesAt, counted) };
	return domain.update(state.uuid, state, news, context).then(
		() => false,
		(error) => assert.match(String(error), /the driver is dead/) ?? true,
	);
}

function dyingHost(host: Host, diesAt: number, counted: ReadonlyArray<string>): Host {
	let events = 0;
	const domains = new Proxy(host.domains, {
		get:
			(target, name: keyof Host["domains"]) =>
			async (...given: unknown[]) => {
				const changes = counted.includes(name);
				const die = () => {
					if (events >= diesAt) throw new Error("the driver is dead");
				};
				die();
				if (changes) events++;
				die();
				const result = await (target[name] as (...args: unknown[]) => Promise<unknown>).apply(target, given);
				if (changes) events++;
				die();
				return result;
			},
	});
	return Object.assign(Object.create(host) as Host, { domains });
}
