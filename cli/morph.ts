/** What machines on a host can change to while they run, and how far a change has come. Changes nothing. */
import { stringify } from "yaml";
import { connect } from "../provider/libvirt";
import type { Context } from "../provider/lifecycle";
import { memoryWays } from "../provider/morph/memory";
import type { MorphOption } from "../provider/morph/options";
import type { MorphRecord } from "../provider/morph/record";
import type { Shape } from "../provider/morph/shape";
import { surveyOptions, surveyProgress } from "../provider/morph/survey";
import { readTemplate, templateLines } from "../provider/morph/template-file";
import { commonCpu } from "../provider/move/common-cpu";
import { bandwidthOf } from "./arguments";
import { table } from "./table";

interface Asked {
	uri: string;
	/** Of machines, or their UUIDs. */
	names: ReadonlyArray<string>;
	/** URI of the host that they are to go to. */
	to?: string | undefined;
	/** MiB a second. */
	bandwidth?: string | undefined;
}

const contextOf = (uri: string): Context => ({ host: connect(uri), log: (line) => console.error(line) });

/** @returns lines of a table, one for each type and, below it, one for each reason why it is no better */
export async function morphOptions({ uri, names, to, bandwidth }: Asked): Promise<string[]> {
	if (names.length === 0) throw new Error("morph options: name at least one machine");
	const target = to === undefined ? undefined : connect(to);
	const { machines, options } = await surveyOptions(contextOf(uri), names, undefined, target, bandwidthOf(bandwidth));
	const lacks = machines.flatMap(({ name, running }) => (running?.lacks ?? []).map((what) => `${name} lacks ${what}`));
	const ways = machines.flatMap(({ name, running }) => (running ? [`memory of ${name}: ${waysLine(running)}`] : []));
	return [
		...table([["type", "vCPUs", "MiB", "", "because"], ...options.flatMap(rowsOf)]),
		...(ways.length > 0 ? ["", ...ways] : []),
		...(lacks.length > 0 ? ["", ...lacks] : []),
	];
}

/** "virtioMem, balloon; not dimm: it has no room for DIMMs" */
function waysLine({ memory }: Shape): string {
	const ways = Object.entries(memoryWays(memory));
	const there = ways.flatMap(([way, why]) => (why === undefined ? [way] : []));
	const not = ways.flatMap(([way, why]) => (why === undefined ? [] : [`not ${way}: ${why}`]));
	return [there.join(", ") || "none", ...not].join("; ");
}

function rowsOf({ type, size, mode, reasons }: MorphOption): string[][] {
	const head = [type, String(size.vcpus), String(size.memoryMiB), mode];
	const because = reasons.map(({ machine, reason }) => (machine === undefined ? reason : `${machine}: ${reason}`));
	return (because.length > 0 ? because : [""]).map((text, index) => [...(index === 0 ? head : ["", "", "", ""]), text]);
}

/** @returns lines of a table, one for each machine and, below it, one for each step of a change that is under way */
export async function morphStatus({ uri, names }: Asked): Promise<string[]> {
	const all = await surveyProgress(contextOf(uri), names);
	if (all.length === 0) return [`no machines of this package on ${uri}`];
	return table([
		["machine", "defined as", "change"],
		...all.flatMap(({ name, size, record }) => {
			const [first = "", ...steps] = record ? linesOf(record) : ["none under way"];
			return [[name, size, first], ...steps.map((line) => ["", "", line])];
		}),
	]);
}

function linesOf({ goal, direction, reason, origin, steps }: MorphRecord): string[] {
	const from = `from ${origin.vcpus} vCPUs, ${origin.memoryMiB} MiB`;
	const way =
		direction === "forward" ? `to ${goal}, ${from}` : `taken back from ${goal}: ${reason ?? "another is wanted"}`;
	return [way, ...steps.map(({ id, state }) => `  ${state}: ${id}`)];
}

/** @returns the CPU that each of some hosts can give, as YAML @throws InputError for a host that cannot tell, or cannot give it */
export async function morphCpu({ names }: Asked): Promise<string[]> {
	return stringify({ cpu: await commonCpu({ hosts: [...names] }) })
		.trimEnd()
		.split("\n");
}

/** @returns what each template comes to @throws InputError naming everything that is wrong in one */
export async function morphCheck({ names }: Asked): Promise<string[]> {
	if (names.length === 0) throw new Error("morph check: name at least one file");
	return names.flatMap((file) => [`${file}:`, ...templateLines(readTemplate(file))]);
}
