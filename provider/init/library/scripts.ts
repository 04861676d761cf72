/** The scripts of the library, as data. What each does stands in `guest/init/library/NAME`. */
import type { Rule } from "../../lifecycle";
import type { Stage } from "../hooks";
import { networkScripts } from "./network-scripts";
import { serverScripts } from "./server-scripts";
import type { Setting, SettingValue } from "./settings";
import { systemScripts } from "./system-scripts";

export interface LibraryScript {
	/** One sentence, for the docs. */
	description: string;
	/** Which list it usually stands in. */
	kind: "init" | "customize";
	/** Part of the boot: before the network, once there is one, or at the end. */
	stage: Stage;
	/** Whether it has to run at every boot, because some images keep nothing of what it does. */
	everyBoot?: boolean;
	settings: ReadonlyArray<Setting>;
	rules?: ReadonlyArray<Rule<Record<string, SettingValue>>>;
}

/** By name, in the order in which the docs list them. */
export const libraryScripts = { ...networkScripts, ...systemScripts, ...serverScripts } satisfies Record<
	string,
	LibraryScript
>;

export type LibraryScriptName = keyof typeof libraryScripts;
