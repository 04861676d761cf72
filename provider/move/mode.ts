/** How a machine goes to another host: while it runs, saved and restored there, or shut down and started there. Pure. */
import { InputError } from "../lifecycle";
import type { Obstacle } from "./obstacles";

/** From the best to the worst. */
export const MOVE_MODES = ["live", "saveRestore", "reboot"] as const;
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
	const byRestart = found.every((obstacle) => obstacle.mode === "reboot");
	if (byRestart && mode === "reboot") return "reboot";
	if (found.length === 0) return mode === "auto" ? "live" : mode;
	if (byRestart && mode === "auto" && allowReboot) return "reboot";
	const why = found.map(({ reason }) => reason).join("; ");
	throw new InputError(
		"uri",
		`got ${to}, where ${name} cannot go on: ${why}. Allowed is a host that has what it runs with` +
			(byRestart ? `, or a restart on the way there without that (machine, cpu, its devices): ${wayOut(mode)}` : ""),
	);
}

function wayOut(mode: NonNullable<Wish["mode"]>): string {
	return mode === "auto" ? "migration.allowReboot" : 'migration.mode "reboot" with allowReboot';
}
