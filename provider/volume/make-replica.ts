/**
 * A volume with what a volume on another host holds. Where both hosts see the same file it is that file; else its content is
 * sent: all of it, or what it has beside a base that is on this host as well.
 */
import { execFile } from "node:child_process";
import { copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, type Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { withTemporaryFolder } from "../temporary";
import type { Undo } from "../undo";
import { backingChain } from "./bases";
import { isLocal } from "./local";
import { seenAs, send } from "./make-upload";
import { findPool, findVolume } from "./pools";
import { bytesIn, mebibytes } from "./space";
import { noteMade } from "./uses";
import { lineageOf, type Made, type Wanted } from "./wanted";
import { describeVolume, statContentId, type VolumeDescription } from "./xml";

const run = promisify(execFile);

/** The volume on the other host. */
interface Original extends VolumeDescription {
	host: Host;
	chain: string[];
}

/** @throws Error where the original is gone, or its files are not this machine's */
export async function makeReplica(context: Context, wanted: Wanted, undo: Undo): Promise<Made> {
	const { host, log } = context;
	const { base, inputs } = wanted;
	const { contentId } = inputs.replicaOf!;
	const original = await originalOf(wanted);
	const shared = await sharedFile(host, original);
	if (shared) {
		log(`${shared.path} is the same file on both hosts: nothing is copied`);
		return { ...shared, made: "shared", contentId };
	}
	await refuseElsewhere(host, original, base?.path);
	return withTemporary(async (file) => {
		log(`reading ${original.path} of ${original.host.uri}${base ? "" : " with all that is below it"}`);
		const { signal } = context;
		if (base) {
			await copyFile(original.path, file);
			await qemuImg(["rebase", "-u", "-f", "qcow2", "-F", base.format, "-b", base.path, file], signal);
		} else await qemuImg(["convert", "-f", "qcow2", "-O", "qcow2", original.path, file], signal);
		const sent = await send(context, wanted, file, (await stat(file)).size, undo);
		const { capacityBytes } = await seenAs(context, wanted, sent);
		log(`sent ${mebibytes((await stat(file)).blocks * 512)} MiB to ${host.uri}`);
		noteMade(host, sent.path, base?.path);
		const { key, path } = sent;
		return { key, path, capacityBytes, made: "replica", contentId, lineage: lineageOf(wanted) };
	});
}

/** For the preview: how the content gets here. */
export async function replicaLine({ host }: Pick<Context, "host">, wanted: Wanted): Promise<string> {
	const original = await originalOf(wanted);
	const what = `${original.path} of ${original.host.uri}`;
	if (await sharedFile(host, original)) return `${what}, which both hosts have: nothing is copied`;
	if (wanted.base) {
		const bytes = original.fileBytes ?? original.allocationBytes;
		return `copy of ${what}, thin on ${wanted.base.path}: at most ${mebibytes(bytes)} MiB are copied`;
	}
	const bytes = await bytesIn(original.host, [original.path, ...original.chain], original);
	return `copy of ${what} with all that is below it: at most ${mebibytes(bytes)} MiB are copied`;
}

async function originalOf({ inputs }: Wanted): Promise<Original> {
	const { uri, volume } = inputs.replicaOf!;
	const host = connect(uri);
	const found = await findVolume(host, volume);
	if (!found) {
		throw new Error(`the volume ${volume} is gone from ${uri}: run pulumi refresh, and pulumi up makes it anew`);
	}
	const described = describeVolume(await host.volumes.xml(found.key));
	return { ...described, host, chain: await backingChain(host, described) };
}

/** The original where this host has the same file, of that length and time of change, and all that is below it. */
async function sharedFile(
	host: Host,
	{ path, fileBytes, stamp, chain }: Original,
): Promise<Pick<Made, "key" | "path" | "capacityBytes" | "lineage"> | undefined> {
	const found = path.startsWith("/") && stamp !== undefined ? await findVolume(host, path) : undefined;
	if (!found) return undefined;
	const seen = describeVolume(await host.volumes.xml(found.key));
	if (seen.fileBytes !== fileBytes || seen.stamp?.modifiedNs !== stamp?.modifiedNs) return undefined;
	const { key, capacityBytes } = seen;
	const [base] = chain;
	if (base === undefined) return { key, path, capacityBytes };
	for (const below of chain) if (!(await findVolume(host, below))) return undefined;
	const baseContentId = statContentId(describeVolume(await host.volumes.xml(base)));
	return { key, path, capacityBytes, lineage: { base, baseContentId, chain } };
}

async function refuseElsewhere(host: Host, { host: there, key, path }: Original, below?: string): Promise<void> {
	const info = await there.pools.findByVolume(key);
	const pool = info && (await findPool(there, info.uuid));
	// No path is taken for an option or a protocol.
	const isPath = path.startsWith("/") && (below === undefined || below.startsWith("/"));
	if (isPath && pool && (await isLocal(there, pool, path))) return;
	throw new Error(
		`${path} of ${there.uri} cannot be sent to ${host.uri}: its files are not files of this machine, where qemu-img reads ` +
			"them. Run the program on the host that has them, or make the image on each host by a component of its own",
	);
}

function withTemporary<T>(work: (file: string) => Promise<T>): Promise<T> {
	return withTemporaryFolder("image", (folder) => work(join(folder, "image")));
}

async function qemuImg(args: string[], signal: AbortSignal | undefined): Promise<void> {
	await run("qemu-img", args, { ...(signal && { signal }) }).catch((error) => {
		if (error.code === "ENOENT") {
			throw new Error(
				"qemu-img is not installed on this machine: install it (apt install qemu-utils, dnf install qemu-img)",
			);
		}
		throw new Error(`qemu-img ${args[0]}: ${String(error.stderr || error.message).trim()}`, { cause: error });
	});
}
