/**
 * Schedules as scheduled tasks of Windows, which `Register-ScheduledTask -Xml` takes.
 *
 * Source: MS-TSCH 2.5, "XML Task Definition Language".
 */
import { type Content, type Element, element, serialize } from "../../xml/element";
import type { NumberedScript } from "../plan-files";
import { isOfBoot, type Schedule } from "../script";

export interface Task {
	name: string;
	xml: string;
}

const NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task";

/** The system itself. */
const SYSTEM_SID = "S-1-5-18";

/** Any day that is over: what is daily begins there. */
const LONG_AGO = "2000-01-01";

/** One for all scripts of the boot, and one for each that has a time of its own. */
export function tasksOf(scripts: ReadonlyArray<NumberedScript>): Task[] {
	const atBoot = scripts.some(({ when }) => isOfBoot(when));
	return [
		...(atBoot ? [task("boot", "Scripts of this image, at the boot", "boot", startTriggers())] : []),
		...scripts.flatMap(({ number, name, when }) =>
			isOfBoot(when) ? [] : [task(number, `A script of this image: ${name}`, `script ${number}`, triggersOf(when!))],
		),
	];
}

/** At each start, and now: it is registered in the middle of the first. */
function startTriggers(delay?: string): Element[] {
	return ["BootTrigger", "RegistrationTrigger"].map((kind) =>
		trigger(kind, delay === undefined ? undefined : element("Delay", {}, delay)),
	);
}

function triggersOf({ afterSeconds, dailyAt }: Schedule): Element[] {
	if (afterSeconds !== undefined) return startTriggers(`PT${afterSeconds}S`);
	if (dailyAt === undefined) return [trigger("LogonTrigger")];
	const days = element("ScheduleByDay", {}, element("DaysInterval", {}, 1));
	return [trigger("CalendarTrigger", element("StartBoundary", {}, `${LONG_AGO}T${dailyAt}:00`), days)];
}

/** @param settings in the order of the schema: what all triggers have comes before what this kind has */
function trigger(kind: string, ...settings: Content[]): Element {
	return element(kind, {}, element("Enabled", {}, "true"), ...settings);
}

function task(name: string, description: string, command: string, triggers: Element[]): Task {
	const file = "%ProgramData%\\clones-init\\run.ps1";
	const root = element(
		"Task",
		{ version: "1.2", xmlns: NAMESPACE },
		element("RegistrationInfo", {}, element("Description", {}, description)),
		element("Triggers", {}, ...triggers),
		element(
			"Principals",
			{},
			element(
				"Principal",
				{ id: "System" },
				element("UserId", {}, SYSTEM_SID),
				element("RunLevel", {}, "HighestAvailable"),
			),
		),
		element(
			"Settings",
			{},
			// The second waits for the first: one that it does not start would be lost.
			element("MultipleInstancesPolicy", {}, "Queue"),
			element("DisallowStartIfOnBatteries", {}, "false"),
			element("StopIfGoingOnBatteries", {}, "false"),
			// Each script has a limit of its own.
			element("ExecutionTimeLimit", {}, "PT0S"),
		),
		element(
			"Actions",
			{ Context: "System" },
			element(
				"Exec",
				{},
				element("Command", {}, "powershell.exe"),
				element("Arguments", {}, `-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "${file}" ${command}`),
			),
		),
	);
	return { name, xml: serialize(root) };
}
