import { isForWindows } from "../../provider/init/windows/rules";
import type { Rule } from "../../provider/lifecycle";
import { isUnknown } from "../../provider/unknown";
import type { ClonedInstanceWithInitInputs } from "./schema";

type Check = (inputs: ClonedInstanceWithInitInputs) => string | undefined;

/** Rules about clones of Windows, whose scripts nobody is told of yet; those of single scripts the payload has. */
export const windowsRules: ReadonlyArray<Rule<ClonedInstanceWithInitInputs>> = [
	forWindows("timeoutSeconds", ({ timeoutSeconds }) =>
		isUnknown(timeoutSeconds) || timeoutSeconds === 0
			? undefined
			: `got ${timeoutSeconds ?? "none"} with scripts for windows; allowed is 0: what they did is written down in the guest, and not waited for`,
	),
	forWindows("injectInto", ({ injectInto = "image" }) =>
		injectInto === "image" ? undefined : `got "${injectInto}" with scripts for windows; allowed is "image"`,
	),
	forWindows("withState", ({ withState }) =>
		withState ? "got true with scripts for windows; allowed is false: such clones boot" : undefined,
	),
	forWindows("onScriptChange", ({ onScriptChange = "keep" }) =>
		onScriptChange === "keep" || onScriptChange === "replace"
			? undefined
			: `got "${onScriptChange}" with scripts for windows; allowed are "keep" and "replace"`,
	),
];

function forWindows(property: string, check: Check): Rule<ClonedInstanceWithInitInputs> {
	return { property, needs: [], check: (inputs) => (hasWindowsScripts(inputs) ? check(inputs) : undefined) };
}

function hasWindowsScripts({ init, customize, cleanup }: ClonedInstanceWithInitInputs): boolean {
	const scripts = [init, customize, cleanup].flatMap((list) => (isUnknown(list) ? [] : (list ?? [])));
	return isForWindows(scripts.filter((script) => !isUnknown(script)));
}
