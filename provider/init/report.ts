/** What a guest's `run report` prints. */
import { Buffer } from "node:buffer";
import { SCRIPT_KINDS, type ScriptKind } from "./order";

const STATES = ["pending", "running", "done", "failed", "skipped"] as const;
const STATUSES = ["waiting", "source", "problem", "running", "disabled", "left"] as const;

/** What has become of one script. */
export interface ScriptReport {
	name: string;
	kind: ScriptKind;
	/** When it runs, as in the plan: "first-boot", "after 60", "daily 03:00" and so on. */
	when: string;
	state: (typeof STATES)[number];
	exitCode?: number;
	/** Since 1970. */
	startedSeconds?: number;
	finishedSeconds?: number;
	/** How long it took. */
	seconds?: number;
	/** How often it was begun, because the machine stopped while it ran. */
	runs?: number;
	/** Why it failed or was skipped. */
	reason?: string;
	/** The last 4 KiB of what it said; empty where it may hold secrets. */
	output: string;
}

export interface InitReport {
	/** SHA-256 of the payload, in hex. */
	version: string;
	/**
	 * `waiting` for its first stage, `source`: the machine that the image was made from, where nothing runs; `problem`: no
	 * parameters can be computed; `running`: as the scripts tell; `disabled`; `left`: removed or moved.
	 */
	status: (typeof STATUSES)[number];
	problem?: string;
	/** The machine's id, and what of its hardware that is. */
	id?: string;
	identifier?: string;
	instance?: number;
	/** Without secret ones. */
	parameters: Record<string, string>;
	/** In their order. */
	scripts: ScriptReport[];
}

/** @throws Error when it is none */
export function parseReport(text: string): InitReport {
	const lines = text.split("\n").map((line): [string, string] => {
		const at = line.indexOf(" ");
		return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
	});
	const first = lines[0];
	if (first?.[0] !== "format" || first[1] !== "1") {
		throw new Error(
			`the guest's report cannot be read: it begins with ${JSON.stringify(text.slice(0, 80))} instead of "format 1"`,
		);
	}
	const start = lines.findIndex(([key]) => key === "script");
	const head = start < 0 ? lines : lines.slice(0, start);
	const value = (key: string) => head.find(([name]) => name === key)?.[1];
	return {
		version: value("version") ?? "",
		status: oneOf(STATUSES, value("status"), "status"),
		...defined({
			problem: value("problem"),
			id: value("id"),
			identifier: value("identifier"),
			instance: number(value("instance")),
		}),
		parameters: Object.fromEntries(
			head.flatMap(([key, rest]) => {
				if (key !== "parameter") return [];
				const [name = "", ...words] = rest.split(" ");
				return [[name, words.join(" ")]];
			}),
		),
		scripts: start < 0 ? [] : scriptsIn(lines.slice(start)),
	};
}

function scriptsIn(lines: Array<[string, string]>): ScriptReport[] {
	const scripts: Array<{ name: string; facts: Map<string, string> }> = [];
	for (const [key, value] of lines) {
		if (key === "script") scripts.push({ name: value.replace(/^\d+-/, ""), facts: new Map() });
		// Later lines are newer.
		else scripts.at(-1)?.facts.set(key, value);
	}
	return scripts.map(({ name, facts }) => ({
		name,
		kind: oneOf(SCRIPT_KINDS, facts.get("kind"), `${name}: kind`),
		when: facts.get("when") ?? "first-boot",
		state: oneOf(STATES, facts.get("state"), `${name}: state`),
		...defined({
			exitCode: number(facts.get("exit")),
			startedSeconds: number(facts.get("started")),
			finishedSeconds: number(facts.get("finished")),
			seconds: number(facts.get("seconds")),
			runs: number(facts.get("runs")),
			reason: facts.get("reason"),
		}),
		output: Buffer.from(facts.get("output") ?? "", "base64").toString("utf8"),
	}));
}

function number(text: string | undefined): number | undefined {
	const found = text === undefined || text === "" ? Number.NaN : Number(text);
	return Number.isFinite(found) ? found : undefined;
}

function oneOf<Word extends string>(words: ReadonlyArray<Word>, found: string | undefined, what: string): Word {
	const word = words.find((each) => each === found);
	if (word !== undefined) return word;
	throw new Error(
		`the guest's report cannot be read: ${what} is ${JSON.stringify(found)}; known are ${words.join(", ")}`,
	);
}

type Known<Facts> = { [Key in keyof Facts]?: Exclude<Facts[Key], undefined> };

function defined<Facts extends object>(facts: Facts): Known<Facts> {
	return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Known<Facts>;
}
