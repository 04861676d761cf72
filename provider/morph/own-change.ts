/** What changes of the machine itself, in the place that a template gives it. */
import type { EngineStep } from "./engine";
import type { MorphStep } from "./template";

export interface OwnChange extends Pick<EngineStep, "isDone"> {
	kind: MorphStep["kind"];
	phase: "hotUnplug" | "hotPlug";
	/** "put in disk vdb": completes "could not ..." as well. */
	line: string;
	/** @param seconds that the guest has to do its part */
	act(seconds: number): Promise<void>;
	undo(seconds: number): Promise<void>;
}
