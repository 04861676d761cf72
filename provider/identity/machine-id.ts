import { randomBytes } from "node:crypto";
import { InputError } from "../lifecycle";
import { shown } from "../problems";

/** A new content for /etc/machine-id: 32 hex digits, a random UUID (version 4) without hyphens, as systemd makes them. */
export function newMachineId(): string {
	const bytes = randomBytes(16);
	bytes[6] = (bytes[6]! & 0x0f) | 0x40;
	bytes[8] = (bytes[8]! & 0x3f) | 0x80;
	return bytes.toString("hex");
}

/**
 * @returns the id in lower case
 * @throws InputError unless it is 32 hex digits that are not all zero
 */
export function checkMachineId(id: string, property: string): string {
	if (/^[0-9a-f]{32}$/i.test(id) && !/^0+$/.test(id)) return id.toLowerCase();
	throw new InputError(property, `got ${shown(id)}; allowed are 32 hex digits that are not all zero, without hyphens`);
}
