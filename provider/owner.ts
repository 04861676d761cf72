/**
 * Ownership: every object on a host says whose it is, so that a create that was interrupted finds its own object again
 * and nobody touches somebody else's.
 *
 * Domains and networks carry their owner in `<metadata>`; pools in their definition's source; volumes in their name.
 */
import { createHash } from "node:crypto";

/** Namespace of our elements in `<metadata>`. */
export const METADATA_NAMESPACE = "urn:pulumi-libvirt-clones:1";
export const METADATA_PREFIX = "clones";

/** The stack's part of an owner id: `organization/project/stack`. */
export function stackOf(ownerId: string): string {
	return ownerId.split("/").slice(0, 3).join("/");
}

/** The logical name's part of an owner id. */
export function logicalNameOf(ownerId: string): string {
	return ownerId.split("/").slice(3).join("/");
}

/** Eight hex digits that stand for a stack in the names of its volumes. */
export function stackTag(ownerId: string): string {
	return createHash("sha256").update(stackOf(ownerId)).digest("hex").slice(0, 8);
}

/**
 * A UUID that is a function of the owner id alone (version 8, RFC 9562) and starts with the stack's tag, so that an
 * object that can carry nothing else still says whose it is.
 *
 * @param generation another UUID of the same owner, where the former ones are taken
 */
export function ownerUuid(ownerId: string, generation = 0): string {
	const bytes = createHash("sha256")
		.update(generation === 0 ? ownerId : `${ownerId}#${generation}`)
		.digest()
		.subarray(0, 16);
	bytes[6] = (bytes[6]! & 0x0f) | 0x80;
	bytes[8] = (bytes[8]! & 0x3f) | 0x80;
	const hex = bytes.toString("hex");
	return [stackTag(ownerId), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Eight hex digits that stand for the address of a host: which guard resource watches over an object. */
export function guardTag(uri: string): string {
	return createHash("sha256").update(uri).digest("hex").slice(0, 8);
}

/** A MAC address that is a function of the owner id and the NIC's index: locally administered, unicast, `52:` first. */
export function ownerMac(ownerId: string, nic: number): string {
	const hash = createHash("sha256").update(`${ownerId}#${nic}`).digest();
	return ["52", ...[0, 1, 2, 3, 4].map((i) => hash[i]!.toString(16).padStart(2, "0"))].join(":");
}

/** Whether an owner recorded on the host is this one, under its present or a previous id. */
export function isOwnedBy(
	recorded: string | undefined,
	inputs: { ownerId: string; previousOwnerIds?: string[] | undefined },
): boolean {
	return recorded !== undefined && (recorded === inputs.ownerId || (inputs.previousOwnerIds ?? []).includes(recorded));
}

/**
 * What a preview says of an object that is not in the state and carries this owner. From the host alone a run that was
 * killed, or a lost state, cannot be told from a stack of the same name in another backend.
 *
 * @param what as in "domain web-0"
 */
export function foundOwnLine(what: string): string {
	return (
		`warning: ${what} exists already, recorded as this very one: it is taken over, as is right after an interrupted run ` +
		"or with a lost state. If a stack of the same name in another backend made it, give one of the stacks another name"
	);
}

/** Whether libvirt refused a definition because an object of that name has another UUID. */
export function isNameTaken(error: unknown): boolean {
	return error instanceof Error && /already exists with uuid/.test(error.message);
}
