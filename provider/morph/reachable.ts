/** Whether the steps of a template can run on the host that a machine leaves. Pure. */
import { InputError } from "../lifecycle";
import { isUnknown } from "../unknown";
import { hostCommand, NEEDED } from "./host-program";
import { type MorphTemplate, runsOnHosts } from "./template";

/** @throws InputError for steps of a host on which nothing can be run */
export function refuseUnreachable(uri: string, template: MorphTemplate = {}): void {
	if (isUnknown(template) || !runsOnHosts(template) || hostCommand(uri, [""]) !== undefined) return;
	throw new InputError("morph", `has steps that run on hosts, and the machine moves from ${uri}: ${NEEDED}`);
}
