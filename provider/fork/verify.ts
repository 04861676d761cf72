/** Whether a forked child is who it was to be. Pure. */
import { createHash } from "node:crypto";
import { compared } from "../identity/addresses";
import type { ForkedFacts, ForkedInputs } from "./forked";
import { ImpostorError } from "./quarantine";

type Said = Pick<ForkedFacts, "hostname" | "machineId" | "hostKeys" | "random" | "clockOffsetSeconds">;

/** A clock that is further off is wrong for Kerberos and for certificates. */
const CLOCK_SECONDS = 30;

/**
 * @param other who has drawn the same random numbers before, if anybody has
 * @throws ImpostorError that names what is not as it was to be
 */
export function verify(
	said: Said,
	wanted: Pick<ForkedInputs, "hostname" | "machineId" | "hostKeys">,
	other: string | undefined,
): void {
	const complaints = [
		differs("host name", said.hostname, wanted.hostname),
		wanted.machineId === undefined ? undefined : differs("machine-id", said.machineId, wanted.machineId),
		...wanted.hostKeys.map(({ type, publicKey }) =>
			said.hostKeys.includes(keyHash(publicKey)) ? undefined : `it does not have its ${type} host key`,
		),
		said.hostKeys.length > wanted.hostKeys.length && wanted.hostKeys.length > 0
			? "it has ssh host keys that are not its own"
			: undefined,
		Math.abs(said.clockOffsetSeconds) > CLOCK_SECONDS ? `its clock is ${said.clockOffsetSeconds} s off` : undefined,
		randomComplaint(said.random, other),
	].filter((complaint) => complaint !== undefined);
	if (complaints.length > 0) throw new ImpostorError(`the child is not who it was to be: ${complaints.join("; ")}`);
}

const RESERVED = "which its identity has. A network gives it that where it is reserved: dhcp: { hosts: identities }";

/** @throws ImpostorError when a child has none of the addresses that it is to have */
export function verifyAddress(addresses: ReadonlyArray<string>, wanted: ReadonlyArray<string>, why = RESERVED): void {
	const own = wanted.map(compared);
	if (own.length === 0 || addresses.some((address) => own.includes(compared(address)))) return;
	throw new ImpostorError(
		`the child is not who it was to be: its address is ${addresses.join(" and ") || "none"} instead of ${own.join(" or ")}, ${why}`,
	);
}

/** SHA-256 of the key itself, which stands in the middle of the line, in hex. */
export function keyHash(publicKey: string): string {
	return createHash("sha256")
		.update(Buffer.from(publicKey.trim().split(/\s+/)[1] ?? "", "base64"))
		.digest("hex");
}

function differs(what: string, said: string, wanted: string): string | undefined {
	return said === wanted ? undefined : `its ${what} is ${JSON.stringify(said)} instead of ${wanted}`;
}

function randomComplaint(random: string, other: string | undefined): string | undefined {
	if (!/^[0-9a-f]{64}$/.test(random)) return `its random device gave ${JSON.stringify(random)}`;
	return other === undefined ? undefined : `its random device gives what that of ${other} gave`;
}
