/** Whether a stack may fork a fork point: what the parent's memory holds, every child holds. */
import type { Host } from "../libvirt";
import { type CommonInputs, InputError } from "../lifecycle";
import { stackOf } from "../owner";
import { isPermitted, shownPatterns } from "../permitted";
import { type Element, parse, text } from "../xml/element";
import { recordedIn } from "../xml/metadata";

type Requester = Pick<CommonInputs, "ownerId" | "previousOwnerIds">;

/** @throws InputError for a stack that its owner does not want to fork it */
export function refuseStranger(inputs: Requester, root: Element, property: string): void {
	const { fork, owner = "", forkableBy } = recordedIn(root) ?? {};
	if (!fork || isPermitted(inputs, owner, forkableBy)) return;
	throw new InputError(
		property,
		`got fork point ${text(root, "name")}, which ${stackOf(inputs.ownerId)} may not fork: it belongs to ${owner}; ` +
			`allowed are its own stack and ${shownPatterns(forkableBy)}. Its owner can let it: forkableBy of that ForkPoint`,
	);
}

/** @throws InputError for a stack that may not go on from it. One that is not there (yet) is told of elsewhere. */
export async function refuseStrangerAt(host: Host, inputs: Requester & { parent?: string | undefined }): Promise<void> {
	const info = inputs.parent === undefined ? undefined : await host.domains.find(inputs.parent);
	if (!info) return;
	const root = parse(await host.domains.xml(info.uuid, { inactive: true }), `the definition of ${info.name}`);
	refuseStranger(inputs, root, "parent");
}
