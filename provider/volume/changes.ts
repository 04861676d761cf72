/** What a change of a volume's inputs means. */
import { isDeepStrictEqual } from "node:util";
import { batchText } from "../batch";
import { type Change, InputError, type State } from "../lifecycle";
import { isUnknown } from "../unknown";
import type { VolumeFacts, VolumeInputs } from "./schema";
import { MIB, wayOf } from "./wanted";

type Olds = State<VolumeInputs, VolumeFacts> | VolumeInputs;

const LOST = "the volume is made anew and what was written to it is lost";

/**
 * Pure.
 * @throws InputError when the volume would have to shrink, which would cut off data
 */
export function changes(olds: Olds, news: VolumeInputs): Change[] {
	if (news.moves && olds.uri === news.moves.from) {
		const note = "made on the new host first; this one goes when the machine on it has moved there";
		return [{ property: "uri", effect: "replace", createsFirst: true, note }];
	}
	const found: Change[] = [];
	const replace = (property: string, note: string) => found.push({ property, effect: "replace", note });
	if (differs(olds.pool, news.pool)) replace("pool", `volumes do not move between pools: ${LOST}`);
	if (differs(olds.name, news.name)) replace("name", `libvirt cannot rename a volume: ${LOST}`);
	if (differs(olds.format, news.format)) replace("format", `the format of a volume is fixed: ${LOST}`);
	if (sourceDiffers(olds.source, news.source)) replace("source", `its content is another one: ${LOST}`);
	if (injectedDiffers(olds, news)) replace("injected", `the scripts in it are other ones: ${LOST}`);
	if (replicaDiffers(olds, news)) replace("replicaOf", `it is to hold what another volume holds: ${LOST}`);
	if (news.onBaseChange === "keep" || news.onBaseChange === "rebase") refuseLostBase(olds, news);
	if (news.onBaseChange !== "keep") found.push(...baseChanges(olds, news));
	if (!found.some(({ effect }) => effect === "replace")) {
		found.push(...independenceChange(olds, news), ...sizeChange(olds, news), ...movableChange(olds, news));
	}
	return found;
}

function differs(before: unknown, now: unknown): boolean {
	return !isDeepStrictEqual(before, now);
}

/** The content counts, not where it is read from. */
function sourceDiffers(before: VolumeInputs["source"], now: VolumeInputs["source"]): boolean {
	if (isUnknown(now)) return true;
	if (!before || !now) return before !== now;
	if (before.cloudInit || now.cloudInit) return differs(before.cloudInit, now.cloudInit);
	if (before.archive || now.archive) return differs(before.archive, now.archive);
	if (before.sha256 === undefined || now.sha256 === undefined) {
		return before.file !== now.file || before.url !== now.url;
	}
	return before.sha256 !== now.sha256;
}

/** Of the scripts only the version is recorded. */
function injectedDiffers({ injected: before }: Olds, { injected: now }: VolumeInputs): boolean {
	if (isUnknown(now)) return true;
	return differs(before?.version, now?.version);
}

/** Where it comes from does not count as long as the content is known to be the same. */
function replicaDiffers({ replicaOf: before }: Olds, { replicaOf: now }: VolumeInputs): boolean {
	if (isUnknown(now) || !before || !now) return before !== now;
	if (before.contentId !== undefined && before.contentId === now.contentId) return false;
	return differs(before, now);
}

function baseChanges(olds: Olds, news: VolumeInputs): Change[] {
	const changed = changedBase(olds, news);
	if (changed) return [changedBaseEffect(changed, olds, news)];
	// The way of cloning decides what a volume is; where it is not known, the same way is what is likely.
	const known = !isUnknown(news.cloning) && !isUnknown(news.format);
	if (known && wayOf(olds) !== wayOf(news)) {
		return [{ property: "cloning", effect: "replace", note: `clones are made by ${wayOf(news)}: ${LOST}` }];
	}
	return [];
}

/** What says that the base is another one; undefined when it is the same. */
export function changedBase(
	olds: Pick<VolumeInputs, "base" | "baseDomain" | "baseContentId">,
	news: VolumeInputs,
): { property: "base" | "baseDomain" | "baseContentId"; note: string } | undefined {
	for (const property of ["base", "baseDomain"] as const) {
		if (differs(olds[property], news[property])) return { property, note: "it is a clone of another base" };
	}
	const { baseContentId } = news;
	// One that was or is not given cannot be compared.
	if (olds.baseContentId === undefined || baseContentId === undefined || olds.baseContentId === baseContentId) {
		return undefined;
	}
	return { property: "baseContentId", note: "the content of the base is another one" };
}

function changedBaseEffect(
	{ property, note }: NonNullable<ReturnType<typeof changedBase>>,
	olds: Olds,
	news: VolumeInputs,
): Change {
	const isClone = (inputs: Olds) => ["overlay", "reflink", "copy"].includes(wayOf(inputs));
	if (news.onBaseChange === "rebase" && isClone(olds) && isClone(news)) {
		const how = "the volume is put on the new base: its content stays, and what differs between the bases is copied";
		return { property, effect: "live", note: how };
	}
	const { batch } = news;
	const order = batch && batchText(batch);
	return { property, effect: "replace", note: `${order === undefined ? "" : `${order}: `}${note}: ${LOST}` };
}

function independenceChange(olds: Olds, news: VolumeInputs): Change[] {
	const [before, now] = [olds.independent === true, isUnknown(news.independent) || news.independent === true];
	if (before === now) return [];
	const property = "independent";
	if (!now) return [{ property, effect: "live", note: "recorded: what was copied into it stays" }];
	return [{ property, effect: "live", note: "what it shares with its base is copied into it, while in use" }];
}

/** Its delete goes by what is recorded. */
function movableChange(olds: Olds, news: VolumeInputs): Change[] {
	if ((olds.movable ?? false) === (news.movable ?? false)) return [];
	return [{ property: "movable", effect: "live", note: "recorded: nothing about the volume changes" }];
}

/**
 * A volume of this package stays for as long as clones need it; one of `@pulumi/libvirt` is deleted whatever stands on it
 * when another takes its place.
 * @throws InputError where a clone that stays would lose its base, or lose it before it is on another
 */
export function refuseLostBase(olds: VolumeInputs, news: VolumeInputs): void {
	if (!olds.foreignBase || !news.foreignBase || olds.independent) return;
	for (const property of ["base", "baseDomain"] as const) {
		if (!differs(olds[property], news[property])) continue;
		const now = isUnknown(news[property]) ? "one that is still to be made" : `"${news[property]}"`;
		throw new InputError(
			property,
			`got ${now} instead of "${olds[property]}", which this clone stands on and onBaseChange "${news.onBaseChange}" needs: ` +
				"@pulumi/libvirt deletes what it replaces, whatever depends on it. Allowed is the same base, with a new image as a " +
				'resource and a pool of its own beside it; or onBaseChange "replace" or, for a ThinClonePool, "rolling"',
		);
	}
}

function sizeChange(olds: Olds, news: VolumeInputs): Change[] {
	if (news.sizeMiB === undefined) return [];
	const property = "sizeMiB";
	if (isUnknown(news.sizeMiB)) return [{ property, effect: "live", note: "the volume grows if it has to" }];
	const capacityBytes = "capacityBytes" in olds && olds.sizeMiB === undefined ? olds.capacityBytes : undefined;
	const before = capacityBytes === undefined ? olds.sizeMiB : capacityBytes / MIB;
	// The inputs alone do not tell what size the source or base had.
	if (before === undefined) return [{ property, effect: "live", note: "the volume grows to it if it is smaller" }];
	if (before === news.sizeMiB) return [];
	if (news.sizeMiB < before) {
		throw new InputError(
			property,
			`got ${news.sizeMiB}; the volume has ${before} MiB and never shrinks, because that would cut off data: ` +
				`allowed are ${Math.ceil(before)} and more, or make a new volume under another name`,
		);
	}
	return [
		{ property, effect: "live", note: `the volume grows from ${before} MiB to ${news.sizeMiB} MiB while in use` },
	];
}
