/**
 * The hardware ids that clone number n of a component gets: pure functions of the component's owner id and n, from which
 * the guest reads n again as its `instance`.
 */
import { InputError } from "../lifecycle";
import { stackTag } from "../owner";
import { shown } from "../problems";
import { hashOf } from "./identifiers";

/** The highest n of which the kind's ids carry the whole number. */
const HIGHEST = { mac: 0xffff, uuid: 0xffff_ffff } as const;

/** What QEMU's disks hand to a guest of a serial; the end of a longer one, where n is, would be cut off. */
export const LONGEST_DISK_SERIAL = 20;

/**
 * `52:54:hh:hh:nn:nn`
 *
 * @param owner owner id of the component
 * @param nic NIC number: each has its own hash
 * @throws InputError when n is above 65535
 */
export function givenMac(owner: string, n: number, nic = 0, property = "identifier"): string {
	checkNumber("mac", n, property);
	const hash = hashOf(`${owner}#${nic}`).slice(0, 4);
	return `5254${hash}${hexDigits(n, 4)}`.replace(/..(?!$)/g, "$&:");
}

/**
 * `tttttttt-hhhh-8hhh-8hhh-hhhhnnnnnnnn`, with the stack's tag first, like every UUID of a stack.
 *
 * @throws InputError when n is above 4294967295
 */
export function givenUuid(owner: string, n: number, property = "identifier"): string {
	checkNumber("uuid", n, property);
	const hash = hashOf(owner);
	return [
		stackTag(owner),
		hash.slice(8, 12),
		`8${hash.slice(12, 15)}`,
		`8${hash.slice(15, 18)}`,
		hash.slice(18, 22) + hexDigits(n, 8),
	].join("-");
}

/**
 * `NAME-n`, for serials, OEM strings (after their prefix) and serials of disks.
 *
 * @param name of the component
 * @throws InputError for the serial of a disk of more than 20 bytes
 */
export function givenText(kind: "serial" | "oem" | "disk-serial", name: string, n: number, property = "name"): string {
	const text = `${name}-${n}`;
	if (kind === "disk-serial" && Buffer.byteLength(text) > LONGEST_DISK_SERIAL) {
		throw new InputError(
			property,
			`got ${shown(name)}, which gives the disk serial ${shown(text)}; allowed are serials of at most ${LONGEST_DISK_SERIAL} bytes: ` +
				"give a shorter name, or identify the machines by mac or uuid",
		);
	}
	return text;
}

function checkNumber(kind: keyof typeof HIGHEST, n: number, property: string): void {
	if (Number.isInteger(n) && n >= 0 && n <= HIGHEST[kind]) return;
	throw new InputError(
		property,
		`got ${kind} for instance ${n}; allowed are instances from 0 to ${HIGHEST[kind]} with it`,
	);
}

function hexDigits(value: number, width: number): string {
	return value.toString(16).padStart(width, "0");
}
