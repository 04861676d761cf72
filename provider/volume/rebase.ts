/**
 * Puts a clone on another base without changing what it holds: where the two bases differ, the former's content is
 * copied into the clone. `qemu-img rebase` does it, in its safe mode: the name of the base is written last, so that a
 * clone of which the rebase was killed is still a good clone of the former base.
 */
import { spawn } from "node:child_process";
import type { Host } from "../libvirt/api";
import type { Context } from "../lifecycle";
import { type Base, backingChain, baseFor } from "./bases";
import { isLocal } from "./local";
import { directoryOf, findPool } from "./pools";
import { progressLog } from "./progress";
import { refreshPool } from "./refresh";
import type { Lineage, VolumeInputs } from "./schema";
import { bytesIn, mebibytes, refuseWithoutSpace } from "./space";
import { type DomainUse, forgetUses, usesOf } from "./uses";
import type { VolumeDescription } from "./xml";

/** Whether there is something to do: a volume that stands alone depends on no base. */
export function needsRebase(volume: VolumeDescription, base: Pick<Base, "path">): boolean {
	return volume.backing !== undefined && volume.backing.path !== base.path;
}

/** At most so many bytes are copied: what the one or the other base has. */
export async function bytesOfRebase(host: Host, volume: VolumeDescription, base: Base): Promise<number> {
	return bytesIn(host, [...(await backingChain(host, volume)), base.path, ...base.backing], volume);
}

/** Puts the volume on the base that the inputs name. @returns the lineage then */
export async function onNewBase(context: Context, inputs: VolumeInputs, volume: VolumeDescription): Promise<Lineage> {
	const base = await baseFor(context.host, inputs);
	if (needsRebase(volume, base)) await rebase(context, volume, base);
	const chain = volume.backing ? [base.path, ...base.backing] : [];
	return { base: base.path, baseContentId: inputs.baseContentId ?? base.contentId, chain };
}

/** @throws Error before anything is touched when a machine runs, there is no room, or the files are not of this machine */
async function rebase(context: Context, volume: VolumeDescription, base: Base): Promise<void> {
	const { host, log } = context;
	const obstacle = await rebaseObstacle(host, volume, base);
	if (obstacle !== undefined) throw new Error(obstacle);
	const bytes = await bytesOfRebase(host, volume, base);
	await refuseWithoutSpace(host, volume, bytes);
	log(`putting ${volume.path} on ${base.path} instead of ${volume.backing?.path}: at most ${mebibytes(bytes)} MiB`);
	try {
		await qemuImgRebase(context, volume, base, bytes);
	} finally {
		forgetUses(host);
	}
	const pool = await host.pools.findByVolume(volume.key);
	if (pool) await refreshPool(host, pool.uuid, { now: true });
}

/** What keeps the volume from being rebased now; undefined when nothing does. */
export async function rebaseObstacle(host: Host, volume: VolumeDescription, base: Base): Promise<string | undefined> {
	const cannot = `the volume ${volume.path} cannot be put on the base ${base.path}`;
	if (base.backing.includes(volume.path)) return `${cannot}: the base is itself a clone of the volume.`;
	if (!(await isHere(host, volume.path)) || !(await isHere(host, base.path))) {
		return (
			`${cannot}: that is done by qemu-img on the storage host, and the files of ${host.uri} are not files of this ` +
			'machine. Run pulumi there, or use independent: true, which works everywhere, or onBaseChange: "replace".'
		);
	}
	const running = { overlays: false, domains: (use: DomainUse) => use.running };
	const { domains } = await usesOf(host, volume.path, running);
	if (domains.length === 0) return undefined;
	return (
		`${cannot}: ${domains.map(({ name }) => name).join(", ")} ${domains.length === 1 ? "runs" : "run"} on it. Turn the ` +
		"machine off in an update before this one (running: false), or use independent: true, which copies while it runs. " +
		"Nothing was changed."
	);
}

async function isHere(host: Host, path: string): Promise<boolean> {
	const pool = await host.pools.findByVolume(path);
	const place = pool && (await findPool(host, pool.uuid));
	return place?.directory === directoryOf(path) && isLocal(host, place, path);
}

async function qemuImgRebase(context: Context, volume: VolumeDescription, base: Base, bytes: number): Promise<void> {
	const { log, signal } = context;
	// A copy that was killed may have left room in the file that nothing uses; it is given back.
	await qemuImg(["check", "-q", "-r", "leaks", "-f", "qcow2", volume.path], volume, signal);
	const progress = progressLog(log, bytes, "compared");
	const args = ["rebase", "-p", "-f", "qcow2", "-F", base.format, "-b", base.path, volume.path];
	await qemuImg(args, volume, signal, (text) => {
		const percent = /([\d.]+)\/100%/.exec(text)?.[1];
		if (percent !== undefined) progress((Number(percent) / 100) * bytes);
	});
}

/** @throws Error with what qemu-img said */
function qemuImg(
	args: ReadonlyArray<string>,
	volume: VolumeDescription,
	signal: AbortSignal | undefined,
	onOutput: (text: string) => void = () => {},
): Promise<void> {
	return new Promise((resolve, reject) => {
		const child = spawn("qemu-img", args, { stdio: ["ignore", "pipe", "pipe"], ...(signal ? { signal } : {}) });
		let said = "";
		child.stdout.setEncoding("utf8").on("data", onOutput);
		child.stderr.setEncoding("utf8").on("data", (text: string) => {
			said = (said + text).slice(-2000);
		});
		child.once("error", (error: NodeJS.ErrnoException) => {
			const missing = error.code === "ENOENT";
			reject(missing ? new Error("qemu-img is not installed here: install qemu-utils (Fedora: qemu-img)") : error);
		});
		child.once("close", (code, by) => {
			if (code === 0) return resolve();
			const how = code === null ? `was ended by ${by}` : `ended with ${code}`;
			reject(
				new Error(
					`qemu-img ${args[0]} of ${volume.path} ${how}: ${said.trim() || "it said nothing"}. The volume is on its former ` +
						"base and holds what it held; the next `pulumi up` tries again.",
				),
			);
		});
	});
}
