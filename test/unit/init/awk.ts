/** Runs the guest's awk program in every awk that this machine has. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import type { Subject } from "../../../provider/init/expression/machine";
import { hashOf } from "../../../provider/init/identifiers";

const PROGRAM = path.resolve(__dirname, "../../../../guest/init/parameters.awk");

type Awk = readonly [command: string, ...words: string[]];

const KNOWN: ReadonlyArray<Awk> = [["busybox", "awk"], ["mawk"], ["gawk"], ["original-awk"]];

/** Guests have the first one or the second one. */
export const AWKS = KNOWN.filter(
	([command, ...words], index) => index < 2 || spawnSync(command, [...words, "BEGIN {}"]).status === 0,
);

/** What `guest/init/run` says about a machine before the programs. */
export function facts({ identifier, hardware }: Subject): string {
	const own = identifier.map((part) => hardware[part]);
	return [
		"machine",
		...identifier.map((part) => `identifier ${part}`),
		...Object.entries(hardware).flatMap(([id, value]) => [`id ${id} ${value}`, `hash ${id} ${hashOf(value)}`]),
		...(own.includes(undefined) ? [] : [`hash identifier ${hashOf(own.join("/"))}`]),
		"",
	].join("\n");
}

export interface Printed {
	/** "NAME VALUE" or "error NAME TEXT". */
	lines: string[];
	status: number | null;
	complaints: string;
}

export function runAwk([command, ...words]: Awk, input: string): Printed {
	const { stdout, stderr, status, error } = spawnSync(command, [...words, "-f", PROGRAM], {
		input,
		env: { ...process.env, LC_ALL: "C" },
		encoding: "utf8",
		maxBuffer: 1 << 28,
	});
	if (error) throw error;
	return { lines: stdout.split("\n").slice(0, -1), status, complaints: stderr };
}
