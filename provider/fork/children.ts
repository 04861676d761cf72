/** Machines that go on from a fork point, of whichever stack. */
import { look } from "../domain/look";
import type { Host } from "../libvirt";
import { InUseError } from "../lifecycle";
import { stackOf } from "../owner";
import { usesOf } from "../volume/uses";

const MOST = 10;

/** Adds to what refuses the delete of a fork point whose machines they are: another stack's nobody would look for. */
export async function namingChildren(host: Host, own: string, error: unknown): Promise<unknown> {
	if (!(error instanceof InUseError)) return error;
	const uuids = new Set(error.users.domains);
	for (const overlay of error.users.volumes.slice(0, MOST)) {
		for (const { uuid } of (await usesOf(host, overlay)).domains) uuids.add(uuid);
	}
	uuids.delete(own);
	const names: string[] = [];
	for (const uuid of [...uuids].slice(0, MOST)) {
		const seen = await look(host, uuid);
		const owner = seen?.config.recorded?.owner;
		if (seen) names.push(owner === undefined ? seen.name : `${seen.name} of ${stackOf(owner)}`);
	}
	if (names.length === 0) return error;
	const more = uuids.size > MOST ? ` and ${uuids.size - MOST} more` : "";
	return new InUseError(`${error.message} Its machines: ${names.sort().join(", ")}${more}.`, error.users);
}
