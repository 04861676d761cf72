/** What an image of Windows carries: programs for PowerShell, the plan, scripts, and the tasks that start them. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { OWN_FOLDER, type Payload, type PayloadFile, WINDOWS_FOLDER } from "../payload-type";
import { type NumberedScript, scriptText } from "../plan-files";
import { tasksOf } from "./tasks";

/** Where the guest's programs are in this package. */
export const WINDOWS_PROGRAMS = join(__dirname, "..", "..", "..", "..", "guest", "windows");

/** Windows runs this file itself, as the system, when a generalized image has been set up, before anybody can log in. */
const SETUP_COMPLETE = "/Windows/Setup/Scripts/SetupComplete.cmd";

const REGISTER =
	'powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "%ProgramData%\\clones-init\\run.ps1" register';

/** Without a mark of its encoding PowerShell reads a script in the machine's own. */
const MARK = "\uFEFF";

export async function windowsFiles(
	plan: ReadonlyArray<PayloadFile>,
	scripts: ReadonlyArray<NumberedScript>,
): Promise<Pick<Payload, "files" | "lines">> {
	const tasks = tasksOf(scripts).map(({ name, xml }) => file(`plan/tasks/${name}.xml`, xml));
	const files = [...(await programs()), ...[...plan, ...scripts.map(windowsScript)].map(placed), ...tasks];
	return { files, lines: [{ path: SETUP_COMPLETE, line: REGISTER }] };
}

async function programs(): Promise<PayloadFile[]> {
	const names = (await readdir(WINDOWS_PROGRAMS)).filter((name) => name.endsWith(".ps1"));
	return Promise.all(names.map(async (name) => file(name, await readFile(join(WINDOWS_PROGRAMS, name), "utf8"))));
}

function file(name: string, text: string): PayloadFile {
	return { path: `${WINDOWS_FOLDER}/${name}`, mode: 0o600, content: Buffer.from(text) };
}

function placed({ path, ...rest }: PayloadFile): PayloadFile {
	return { ...rest, path: windowsPath(path) };
}

/** Where a file of a payload is there. */
export function windowsPath(path: string): string {
	return path.replace(OWN_FOLDER, WINDOWS_FOLDER);
}

/** Known by the end of its name; cmd.exe loses its place in a file whose lines do not end in its own way. */
function windowsScript(script: NumberedScript): PayloadFile {
	const { path, mode } = scriptText(script);
	const lines = script.content.replaceAll(/\r?\n/g, "\r\n");
	return /^#ps1/i.test(lines)
		? { path: `${path}.ps1`, mode, content: Buffer.from(MARK + lines) }
		: { path: `${path}.cmd`, mode, content: Buffer.from(lines) };
}
