import type { Host } from "../../provider/libvirt";

/** What a driver says that has been killed. */
export const DIES = /the driver is dead/;

/** A host whose driver is killed before or after one of its calls that change something. */
export function dyingHost(host: Host, diesAt: number): Host {
	let events = 0;
	const CHANGES = ["setVcpus", "setMemory", "updateDevice", "setMetadata", "define", "attachDevice", "detachDevice"];
	const domains = new Proxy(host.domains, {
		get:
			(target, name: keyof Host["domains"]) =>
			async (...given: unknown[]) => {
				const changes = CHANGES.includes(name);
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
