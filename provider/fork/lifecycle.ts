/**
 * A fork point: a machine that was booted, made ready and stopped for good, so that others go on from there. On the host
 * it is a machine that is off, with a disk that nobody writes to any more, and two files: its memory and its devices.
 */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { chooseAccelerator } from "../domain/accelerator";
import { removeDomain } from "../domain/create";
import { look } from "../domain/look";
import { foreign } from "../domain/own";
import type { Context, Lifecycle } from "../lifecycle";
import { InputError } from "../lifecycle";
import { isLocalUri } from "../local-uri";
import { foundOwnLine, isOwnedBy } from "../owner";
import { forgetMade, isSucceeded, rememberMade } from "../volume/made-here";
import { findVolume, usablePool } from "../volume/pools";
import { remove } from "../volume/remove";
import { refuseWhileUsed } from "../volume/uses";
import { opensFiles } from "./device-state";
import { makePoint } from "./make";
import { rules } from "./rules";
import { type ForkPointFacts, type ForkPointInputs, forkPointSchema } from "./schema";

/** All that a fork point is made from: another value of any makes another fork point. */
const CONTENT = [
	"base",
	"parent",
	"baseContentId",
	"pool",
	"name",
	"domain",
	"network",
	"files",
	"commands",
	"startBeforeFork",
	"restartAfterFork",
	"ready",
] as const;

export const forkPoint: Lifecycle<ForkPointInputs, ForkPointFacts> = {
	name: "ForkPoint",
	schema: forkPointSchema,
	rules,
	sensitive: ["files", "commands", "ready"],
	outputs: ["name", "pool"],

	/** Pure. */
	changes(olds, news) {
		return CONTENT.flatMap((property) =>
			isDeepStrictEqual(olds[property], news[property])
				? []
				: [{ property, effect: "replace", note: "a fork point does not change: another one is booted and made ready" }],
		);
	},

	async plan(inputs, { host, makes = "new" }) {
		if (makes === false) return [];
		await refuseHost(inputs, host);
		const { accelerator, why } = await chooseAccelerator(host, inputs.domain.type ?? "auto", "x86_64");
		const name = domainNameOf(inputs);
		const there = await host.domains.find(name);
		const memoryMiB = inputs.domain.memoryMiB ?? 1024;
		return [
			...(there ? [foundOwnLine(`domain ${name}`)] : []),
			`${inputs.parent === undefined ? `boots a clone of ${inputs.base}` : `goes on from ${inputs.parent}`}, makes it ready, and keeps its memory (${memoryMiB} MiB at most) in the pool ${inputs.pool}`,
			`accelerator: ${accelerator === "kvm" ? "kvm" : "qemu (TCG, emulation)"}: ${why}`,
		];
	},

	async create(inputs, context) {
		const { host } = context;
		const began = performance.now();
		await refuseHost(inputs, host);
		const pool = await usablePool(host, inputs.pool);
		const name = domainNameOf(inputs);
		const contentId = contentIdOf(inputs);
		const there = await host.domains.find(name);
		if (there) {
			const seen = await look(host, there.uuid);
			const owner = seen?.config.recorded?.owner;
			if (!isOwnedBy(owner, inputs)) throw new Error(foreign(context, name, owner, "exists already"));
			const fork = seen?.config.recorded?.fork;
			if (fork?.complete && fork.spec === contentId) {
				throw new Error(
					`fork point ${name} is there, and the state does not know it: remove it (virsh undefine ${name}) with its files, ` +
						`${fork.memory} and ${fork.state}, once nothing needs them`,
				);
			}
			context.log(`removes fork point ${name}, which an earlier run did not finish`);
			await removeDomain(host, there.uuid);
		}
		const made = await makePoint(context, pool, inputs, { name, contentId });
		const createMs = Math.round((performance.now() - began) * 1000) / 1000;
		rememberMade(host, made.uuid, { ownerId: inputs.ownerId, createMs, fileFormat: undefined });
		return { id: made.uuid, state: { ...inputs, ...made, timings: { ...made.timings, createMs } } };
	},

	/** Gone when one of its parts is: children could not be made from what is left. */
	async read(id, state, { host, log }) {
		const seen = await look(host, id);
		if (!seen?.config.recorded?.fork?.complete) return undefined;
		for (const path of [state.disk, state.memory, state.devices]) {
			if (await findVolume(host, path)) continue;
			log(`${path} of fork point ${state.domainName} is gone`);
			return undefined;
		}
		return state;
	},

	update: async (_id, olds, news) => ({ ...olds, ...news }),

	async delete(id, state, { host, log }) {
		if (isSucceeded(host, id, state)) {
			log(`${state.domainName} stays: its replacement has taken it over`);
			return;
		}
		const others = { overlays: true, domains: ({ uuid }: { uuid: string }) => uuid !== id };
		await refuseWhileUsed(host, state.disk, "deleted", others, "Destroy the children first, or keep the fork point.");
		await removeDomain(host, id);
		const pool = await usablePool(host, state.pool);
		for (const path of [state.disk, state.memory, state.devices]) await remove(host, pool, path);
		forgetMade(host, id);
	},
};

/** Of the content as well, so that a new fork point is there before the old one goes. */
function domainNameOf(inputs: ForkPointInputs): string {
	return `${inputs.name}-${contentIdOf(inputs).slice("sha256:".length, "sha256:".length + 8)}`;
}

function contentIdOf(inputs: ForkPointInputs): string {
	const content = JSON.stringify(CONTENT.map((property) => inputs[property] ?? null));
	return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** @throws InputError when QEMU there cannot fork */
async function refuseHost({ uri }: ForkPointInputs, host: Context["host"]): Promise<void> {
	const { driver, hypervisorVersion } = await host.info();
	if (driver.toUpperCase() !== "QEMU") {
		throw new InputError("uri", `got ${uri}, a ${driver} host; allowed are hosts with QEMU: others cannot fork`);
	}
	if (isLocalUri(uri) || (await opensFiles(host))) return;
	throw new InputError(
		"uri",
		`got ${uri}, whose QEMU ${hypervisorVersion} forks only for programs on the same machine; allowed are a host with QEMU 8.2 or later, or this machine`,
	);
}
