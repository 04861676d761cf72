/** What the tests of scripts in guests share: scripts that say that they have run, and ready ones of the library. */
import assert from "node:assert/strict";
import { type SettingValue, scriptOf } from "../../provider/init/library";
import type { Parameters } from "../../provider/init/parameters-schema";
import type { PayloadDescription } from "../../provider/init/payload";
import { type InitReport, parseReport } from "../../provider/init/report";
import type { TestHost } from "../../tools/testhost";
import type { Guest } from "../images/guest";

type Script = PayloadDescription["scripts"][number];

export const RUN = "/usr/lib/clones-init/run";

/** Its last two bytes are the machine's number: 7. */
export const MAC = "52:54:00:1b:00:07";
export const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNob3duIGluIGEgdGVzdCwgb2Ygbm8gdXNl ada@laptop";

/**
 * The addresses of a private host's network.
 * @returns `network`: the address without its last part; `gateway`: the host's own in it
 */
export async function defaultNetwork(host: Pick<TestHost, "virsh">): Promise<{ network: string; gateway: string }> {
	const [, gateway] = /<ip address='([0-9.]+)'/.exec(await host.virsh("net-dumpxml", "default")) ?? [];
	assert.ok(gateway !== undefined, "the network has no address");
	return { gateway, network: gateway.replace(/\.\d+$/, "") };
}

/** A script that writes a line to the disk. */
export const logs = (text: string, more = "") => `#!/bin/sh\necho "${text}" >> /root/ran\n${more}`;

/** One that does nothing else. */
export const logging = (name: string, when?: Script["when"]): Script => ({
	kind: "customize",
	name,
	content: logs(name),
	when,
});

/** Scripts of the library with their parameters, each under its own name. */
export function ready(uses: Record<string, Record<string, SettingValue>>) {
	const made = Object.entries(uses).map(([name, settings]) => ({ name, ...scriptOf(name, settings) }));
	return {
		scripts: made.map(
			({ name, content, kind, stage, everyBoot, secretParameters }): Script => ({
				name,
				content,
				kind,
				stage,
				...(everyBoot && { when: { everyBoot } }),
				...(secretParameters.length > 0 && { secret: true }),
			}),
		),
		parameters: Object.assign({}, ...made.map(({ parameters }) => parameters)) as Parameters,
		secretParameters: made.flatMap(({ secretParameters }) => secretParameters),
	};
}

export const report = async (guest: Guest): Promise<InitReport> => parseReport(await guest.shell(`${RUN} report`));

/** Waits until it has run, and tells all that has run since the last time. */
export async function ran(guest: Guest, last: string): Promise<string[]> {
	const log = await guest.until(`tail -n 1 /root/ran | grep -qx ${last} && cat /root/ran`, 120);
	await guest.shell("sleep 1; : > /root/seen; cat /root/ran > /root/seen; : > /root/ran");
	return log.split("\n");
}

export async function nothing(guest: Guest): Promise<void> {
	assert.equal(await guest.shell("sleep 2; cat /root/ran"), "");
}
