/**
 * Tools that a change needs in the guest: looked for, added as far as that is allowed, and taken away at the end. The guest
 * itself has written down what was added, so that whoever comes next finds it, whatever has become of the run or its template.
 */
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { guestExec, runInGuest, writeGuestFile } from "../domain/agent";
import type { Context } from "../lifecycle";
import { hiding } from "../secrets";
import { quoted } from "../shell";
import type { AgentPolicy } from "./agent-policy";
import { CompensatedError, type EngineStep, InterruptedError } from "./engine";
import type { MorphTemplate } from "./template";
import { contentOf, type Tool } from "./tool";

/** What has become of the tools of a change, by their names. */
export interface ToolReport {
	/** The guest had them. */
	present: string[];
	/** Were added. */
	added: string[];
	/** Of those and of what an earlier run had left: were taken away again. */
	removed: string[];
	/** Could not be added. */
	unavailable: string[];
	/** Were not there, and may not be added. */
	unauthorised: string[];
}

export interface FoundTool {
	tool: Tool;
	/** `added` by an earlier run, `absent`: is to be added. */
	state: "present" | "added" | "absent" | "unavailable" | "unauthorised";
	/** Why it is not added. */
	why?: string;
}

/** Where the scripts for guests are in this package, and their folder in the guest. */
const SCRIPTS = join(__dirname, "..", "..", "..", "guest");
const FOLDER = "/var/lib/clones-tools";

const SECONDS = 60;

async function inGuest({ host }: Context, uuid: string, args: string[], seconds = SECONDS, input?: string) {
	const script = await readFile(join(SCRIPTS, "tools/tool"), "utf8");
	const ended = await runInGuest(host, uuid, "/bin/sh", ["-c", script, "tool", ...args], seconds, { input });
	if (!ended) throw new Error(`it has not ended in the guest within ${seconds} s`);
	if (!ended.succeeded) throw new Error(`the guest says: ${ended.said || `nothing (${ended.how})`}`);
	return ended.stdout.split("\n").filter(Boolean);
}

/** Looks, and changes nothing. A guest that cannot be asked has none of them, and gets none. */
export async function findTools(
	context: Context,
	uuid: string,
	template: MorphTemplate | undefined,
	policy: AgentPolicy | undefined,
): Promise<FoundTool[]> {
	return askForTools(context, uuid, template, policy).catch((error) =>
		(template?.tools ?? []).map((tool) => ({
			tool,
			state: "unavailable",
			why: `it cannot be asked: ${messageOf(error)}`,
		})),
	);
}

/** The same. @throws Error when the guest cannot be asked */
export async function askForTools(
	context: Context,
	uuid: string,
	{ tools = [] }: MorphTemplate = {},
	policy: AgentPolicy | undefined,
): Promise<FoundTool[]> {
	if (tools.length === 0) return [];
	const args = tools.flatMap(({ name, provides }) => [name, provides]);
	const states = await inGuest(context, uuid, ["look", ...args]);
	return tools.map((tool, index): FoundTool => {
		const state = states[index];
		if (state === "present" || state === "added") return { tool, state };
		if (!policy?.mayAdd.includes(tool.sha256)) {
			return { tool, state: "unauthorised", why: `agentPolicy.mayAdd does not have its sha256 ${tool.sha256}` };
		}
		const content = contentOf(tool);
		return typeof content === "string" ? { tool, state: "unavailable", why: content } : { tool, state: "absent" };
	});
}

/** Those that may be added, of a guest that cannot be asked yet: each is looked for when its turn is. */
export function permittedTools({ tools = [] }: MorphTemplate = {}, policy: AgentPolicy | undefined): FoundTool[] {
	return tools
		.filter((tool) => policy?.mayAdd.includes(tool.sha256))
		.map((tool): FoundTool => ({ tool, state: "absent" }));
}

/** Why a change cannot be made: tools that it needs and does not get; undefined where it gets all of them. */
export function complaintAboutFound(found: ReadonlyArray<FoundTool>): string | undefined {
	const lacking = found.filter(({ tool, why }) => tool.required && why !== undefined);
	if (lacking.length === 0) return undefined;
	return lacking
		.map(({ tool, state, why }) => {
			const may = state === "unauthorised" ? "may not" : "cannot";
			return `tool ${tool.name}: the guest shows no ${tool.provides}, and it ${may} be added: ${why}`;
		})
		.join("; ");
}

export function addingSteps(context: Context, uuid: string, found: ReadonlyArray<FoundTool>): EngineStep[] {
	return found.filter(({ why }) => why === undefined).map((one) => addingStep(context, uuid, one));
}

/** What was there before is not the step's, and is not taken away with it. */
function addingStep(context: Context, uuid: string, found: FoundTool): EngineStep {
	const { tool } = found;
	const { name, provides, timeoutSeconds } = tool;
	return {
		id: `tool ${name} ${tool.sha256.slice(0, 16)}`,
		what: `add the tool ${name} to the guest`,
		timeoutSeconds: 2 * timeoutSeconds + 2 * SECONDS,
		onFailure: tool.required ? "compensate" : "continue",
		isDone: async () => {
			const [state] = await inGuest(context, uuid, ["look", name, provides]);
			return state === "present" || state === "added";
		},
		act: async () => {
			try {
				await add(context, uuid, tool);
				found.state = "added";
			} catch (error) {
				found.state = "unavailable";
				throw error;
			}
		},
		undo: async () => void (await inGuest(context, uuid, ["drop", name], timeoutSeconds + SECONDS)),
	};
}

async function add(context: Context, uuid: string, tool: Tool): Promise<void> {
	const { name, provides, script, package: packed, keep, sha256, credentials = {}, timeoutSeconds } = tool;
	const content = contentOf(tool);
	if (typeof content === "string") throw new Error(content);
	const file = packed ? basename(packed.file) : "script";
	const given = (words: string[]) => words.map((word) => word.replaceAll("{file}", `${FOLDER}/${name}/${file}`));
	const remove = packed
		? given(packed.remove).map(quoted).join(" ")
		: `rm -f ${quoted(provides)} ${quoted(`${provides}.clones-new`)}`;
	await inGuest(context, uuid, ["begin", name, provides, keep ? "yes" : "no", remove], timeoutSeconds + SECONDS);
	await writeGuestFile(context.host, uuid, `${FOLDER}/${name}/${file}`, content);
	const how = script ? ["script", provides] : ["package", ...given(packed!.install)];
	// Not among the arguments, which everybody in the guest can list.
	const variables = Object.entries(credentials).map(([key, value]) => `export ${key}=${quoted(value)}\n`);
	const input = variables.length > 0 ? variables.join("") : undefined;
	await inGuest(context, uuid, ["install", name, sha256, file, ...how], timeoutSeconds, input).catch((error) => {
		// It is recorded in the machine's definition, which everybody on the host can read.
		throw new Error(hiding(credentials, [[]])(messageOf(error)));
	});
}

/** Takes away all that was added for a while. */
export function removingStep(
	context: Context,
	uuid: string,
	tools: ReadonlyArray<Tool>,
	removed: string[],
): EngineStep {
	return {
		id: "tools removed",
		what: "remove the tools that were added to the guest",
		timeoutSeconds: secondsFor(tools) + SECONDS,
		onFailure: "abort",
		isDone: () => hasNone(context, uuid),
		act: async () => void removed.push(...(await removeTools(context, uuid, tools))),
	};
}

async function hasNone({ host }: Context, uuid: string): Promise<boolean> {
	const said = await guestExec(host, uuid, "/bin/sh", ["-c", `[ ! -e ${FOLDER} ] || echo some`]);
	return said.trim() === "";
}

/** @returns names of those that were taken away @throws Error for one that is still there */
export async function removeTools(context: Context, uuid: string, tools: ReadonlyArray<Tool> = []): Promise<string[]> {
	const lines = await inGuest(context, uuid, ["sweep"], secondsFor(tools));
	return lines.flatMap((line) => /^removed (.*)$/.exec(line)?.[1] ?? []);
}

const secondsFor = (tools: ReadonlyArray<Tool>) => tools.reduce((sum, tool) => sum + tool.timeoutSeconds, SECONDS);

/** Whether a record has tools that were added to the guest, or were begun to be. */
export function hasTools(record: { steps: ReadonlyArray<{ id: string }> } | undefined): boolean {
	return record?.steps.some(({ id }) => id.startsWith("tool ")) === true;
}

/**
 * Does what needs tools, and takes them away as well when that fails and the steps are not taken back: the next run adds
 * them again.
 */
export async function withoutLeavingTools<T>(
	context: Context,
	uuid: string,
	{ tools = [] }: MorphTemplate = {},
	work: () => Promise<T>,
): Promise<T> {
	try {
		return await work();
	} catch (error) {
		const stays = error instanceof CompensatedError || error instanceof InterruptedError || context.signal?.aborted;
		if (tools.length > 0 && !stays) {
			await removeTools(context, uuid, tools).catch((failure) =>
				context.log(`tools that were added to the guest are removed by the next run: ${messageOf(failure)}`),
			);
		}
		throw error;
	}
}

export function reportOf(found: ReadonlyArray<FoundTool>, removed: ReadonlyArray<string>): ToolReport {
	const those = (state: FoundTool["state"]) => found.filter((one) => one.state === state).map(({ tool }) => tool.name);
	return {
		present: those("present"),
		added: those("added"),
		removed: [...removed],
		unavailable: those("unavailable"),
		unauthorised: those("unauthorised"),
	};
}

/** "jq present; strace added; strace removed" */
export function reportLine(report: ToolReport): string {
	const parts = Object.entries(report).filter(([, names]) => names.length > 0);
	return parts.map(([what, names]) => `${what}: ${names.join(", ")}`).join("; ");
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
