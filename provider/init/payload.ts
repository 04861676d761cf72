/** From the scripts of an image to the files that carry them. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkedDescription, type Description, type PayloadDescription } from "./description";
import { hooksOf, type Stage } from "./hooks";
import { OWN_FOLDER, type Payload, type PayloadFile } from "./payload-type";
import { type NumberedScript, planFile, planFiles, scriptSettings, scriptText } from "./plan-files";
import { isOfBoot, scheduleText } from "./script";
import { windowsFiles } from "./windows/files";
import { isForWindows } from "./windows/rules";

export type { PayloadDescription } from "./description";

/** Where the guest's programs are in this package. */
const PROGRAMS = join(__dirname, "..", "..", "..", "guest", "init");

/**
 * The same description gives the same payload.
 * @param folder of the guest's programs
 * @throws InputError that says what is wrong with it
 */
export async function makePayload(given: PayloadDescription, folder = PROGRAMS): Promise<Payload> {
	const description = checkedDescription(given);
	const scripts = description.scripts.map((script, index) => ({
		...script,
		number: String(index + 1).padStart(2, "0"),
	}));
	if (isForWindows(scripts)) return windowsPayload(description, scripts);
	const hooks = hooksOf(stagesOf(description), servicesOf(scripts));
	const plan = planOf(description, scripts);
	const version = versionOf(plan);
	const files = [
		...(await programs(folder)),
		...plan,
		...scripts.map(scriptText),
		...hooks.files,
		planFile("version", version),
	];
	return { files: sorted(files), links: hooks.links, lines: hooks.lines, version };
}

/** Windows has programs of its own, and nothing but scheduled tasks starts them. */
async function windowsPayload(description: Description, scripts: ReadonlyArray<NumberedScript>): Promise<Payload> {
	const plan = planOf(description, scripts);
	const version = versionOf(plan);
	const { files, lines } = await windowsFiles([...plan, planFile("version", version)], scripts);
	return { system: "windows", files: sorted(files), links: [], lines, version };
}

function planOf(description: Description, scripts: ReadonlyArray<NumberedScript>): PayloadFile[] {
	return [...planFiles(description), ...scripts.flatMap((script) => scriptSettings(script, description))];
}

/**
 * Of what the user has said, all of which is in the plan: of the scripts' texts a hash. The programs of this package are
 * left out, with their units and the texts of the library: another version of the package is no other image.
 */
function versionOf(plan: ReadonlyArray<PayloadFile>): string {
	const hash = createHash("sha256");
	for (const { path, content } of sorted(plan)) hash.update(`${path}\0${content.length}\0`).update(content);
	return hash.digest("hex");
}

function sorted(files: ReadonlyArray<PayloadFile>): PayloadFile[] {
	return [...files].sort((one, other) => (one.path < other.path ? -1 : 1));
}

async function programs(folder: string): Promise<PayloadFile[]> {
	const read = async (name: string, mode: number) => ({
		path: `${OWN_FOLDER}/${name}`,
		mode,
		content: await readFile(join(folder, name)),
	});
	const parts = (await readdir(join(folder, "parts"))).map((name) => `parts/${name}`);
	return Promise.all([
		...["run", "identify"].map((name) => read(name, 0o755)),
		...["parameters.awk", ...parts].map((name) => read(name, 0o644)),
	]);
}

/** Of these a unit or a line of inittab is made. What is set up for later is set up in a stage, too. */
function stagesOf({ scripts, afterwards }: Description): Set<Stage> {
	const stages = new Set<Stage>();
	for (const { when, stage } of scripts) {
		if (isOfBoot(when)) stages.add(stage ?? "late");
		else stages.add(when?.firstLogin || when?.program !== undefined ? "early" : "late");
	}
	if (afterwards !== "keep") stages.add("late");
	return stages;
}

/** Services that a script runs before. What is not in a folder is no program but a service. */
function servicesOf(scripts: ReadonlyArray<NumberedScript>): Array<{ number: string; service: string }> {
	return scripts.flatMap(({ number, when }) => {
		if (when?.program === undefined || when.program.startsWith("/")) return [];
		return [{ number, service: scheduleText(when).slice("program ".length) }];
	});
}
