/** How busy machines are, by the processor time that they have used between two looks. */

import { hostCapabilities } from "../../provider/domain/accelerator";
import type { DomainInfo, Host } from "../../provider/libvirt";
import { attribute, child, parse, text } from "../../provider/xml/element";
import type { WatchRule } from "./rules";

/** Of one look. */
interface Look {
	atSeconds: number;
	/** Processor seconds by UUID. */
	used: Map<string, number>;
}

export class Measure {
	private last: Look | undefined;

	constructor(
		private readonly host: Host,
		private readonly rule: Pick<WatchRule, "of" | "machines">,
	) {}

	/** @returns percent of the processors; undefined at the first look, and where no machine runs */
	async load(): Promise<number | undefined> {
		const running = (await this.host.domains.list()).filter(({ state }) => state === "running");
		const measured = running.filter(({ name }) => isMeant(name, this.rule.machines));
		const look = await this.look(measured);
		const before = this.last;
		this.last = look;
		if (!before) return undefined;
		const seconds = look.atSeconds - before.atSeconds;
		// A machine that was not there, or was started anew, has no difference yet.
		const both = measured.filter(({ uuid }) => (before.used.get(uuid) ?? Infinity) <= (look.used.get(uuid) ?? -1));
		if (both.length === 0 || seconds <= 0) return undefined;
		const used = both.reduce((sum, { uuid }) => sum + look.used.get(uuid)! - before.used.get(uuid)!, 0);
		return Math.min(100, (used / seconds / (await this.processors(both))) * 100);
	}

	private async look(domains: ReadonlyArray<DomainInfo>): Promise<Look> {
		const used = await Promise.all(
			domains.map(async ({ uuid }) => {
				// One that has just ended counts no more.
				const seconds = await this.host.domains.processorSeconds(uuid).catch(() => undefined);
				return [uuid, seconds] as const;
			}),
		);
		const known = used.filter((entry): entry is [string, number] => entry[1] !== undefined);
		return { atSeconds: performance.now() / 1000, used: new Map(known) };
	}

	private async processors(domains: ReadonlyArray<DomainInfo>): Promise<number> {
		if (this.rule.of === "hostCpu") return hostProcessors(this.host);
		const each = await Promise.all(domains.map(({ uuid }) => vcpusOf(this.host, uuid)));
		return each.reduce((sum, vcpus) => sum + vcpus, 0);
	}
}

function isMeant(name: string, pattern: string | undefined): boolean {
	if (pattern === undefined) return true;
	const parts = pattern.split("*").map((part) => part.replaceAll(".", "\\."));
	return new RegExp(`^${parts.join(".*")}$`).test(name);
}

async function vcpusOf(host: Host, uuid: string): Promise<number> {
	const vcpu = child(parse(await host.domains.xml(uuid), "a machine's definition"), "vcpu");
	return Number(attribute(vcpu, "", "current") ?? text(vcpu) ?? 1);
}

async function hostProcessors(host: Host): Promise<number> {
	const topology = child(await hostCapabilities(host), "host/topology");
	const cells = [...(topology?.getElementsByTagName("cpu") ?? [])];
	return Math.max(1, cells.length);
}
