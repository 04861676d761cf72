/** How a machine goes to another host: while it runs, standing still, saved and restored, or by a restart. Pure. */
import { InputError } from "../lifecycle";
import type { Obstacle } from "./obstacles";

/** From the best to the worst. */
export const MOVE_MODES = ["live", "paused", "saveRestore", "reboot"] as const;
export type MoveMode = (typeof MOVE_MODES)[number];

export interface Wish {
	mode?: "auto" | MoveMode | undefined;
	allowReboot?: boolean | undefined;
}

/**
 * @param to URI of its new host
 * @param found what keeps it from going on there as it is
 * @throws InputError where it cannot go as it is wanted to
 */
export function modeOf(
	{ name, to }: { name: string; to: string },
	{ mode = "auto", allowReboot = false }: Wish = {},
	found: ReadonlyArray<Obstacle> = [],
): MoveMode {
	const standing = found.filter((obstacle) => obstacle.mode === "paused");
	const others = found.filter((obstacle) => obstacle.mode !== "paused");
	const byRestart = others.every((obstacle) => obstacle.mode === "reboot");
	if (byRestart && mode === "reboot") return "reboot";
	if (others.length === 0) return goingOn({ name, mode }, standing);
	if (byRestart && mode === "auto" && allowReboot) return "reboot";
	const why = others.map(({ reason }) => reason).join("; ");
	throw new InputError(
		"uri",
		`got ${to}, where ${name} cannot go on: ${why}. Allowed is a host that has what it runs with` +
			(byRestart ? `, or a restart on the way there without that (machine, cpu, its devices): ${wayOut(mode)}` : ""),
	);
}

/** By a migration: its memory goes from QEMU to QEMU, while it runs or stands still. */
export function isMigrated(mode: MoveMode): boolean {
	return mode === "live" || mode === "paused";
}

function goingOn(
	{ name, mode }: { name: string; mode: NonNullable<Wish["mode"]> },
	standing: ReadonlyArray<Obstacle>,
): MoveMode {
	if (mode === "auto") return standing.length === 0 ? "live" : "paused";
	if (mode !== "live" || standing.length === 0) return mode;
	const why = standing.map(({ reason }) => reason).join("; ");
	throw new InputError(
		"migration.mode",
		`got "live" for ${name}: ${why}; allowed are "auto", "paused" and "saveRestore"`,
	);
}

function wayOut(mode: NonNullable<Wish["mode"]>): string {
	return mode === "auto" ? "migration.allowReboot" : 'migration.mode "reboot" with allowReboot';
}
