/** The identities of a pool: computed from a pattern and ranges, or given one by one. */
import { InputError } from "../lifecycle";
import { shown } from "../problems";
import { type AddressRules, addressesOf } from "./address-ranges";
import { checkAddress } from "./addresses";
import { type NewIdentity, nameKey } from "./identity";
import { checkLicenceId, licenceIdsOf } from "./licence-id";
import { checkMachineId } from "./machine-id";
import { checkMac, type MacRules, macsOf } from "./macs";
import { checkName, type NameLimit, namesOf } from "./names";

export interface Ranges {
	/** How many identities. */
	count: number;
	/** Pattern of the host names, such as `web-{001}`. */
	names: string;
	/** Ranges of MAC addresses, such as `52:54:00:10:00:01-52:54:00:10:0f:ff`. */
	macs?: ReadonlyArray<string> | undefined;
	/** Ranges of IPv4 addresses, such as `10.0.0.10-10.0.0.99` or `10.0.0.0/24`. */
	ipv4?: ReadonlyArray<string> | undefined;
	ipv4Network?: AddressRules["network"];
	ipv4LeaveOut?: AddressRules["leaveOut"];
	/** Ranges of IPv6 addresses, such as `fd00::10-fd00::ff` or `fd00::/64`. */
	ipv6?: ReadonlyArray<string> | undefined;
	ipv6Network?: AddressRules["network"];
	ipv6LeaveOut?: AddressRules["leaveOut"];
	/** Ids of licences, the first for the first identity; those that are left over are for more of them. */
	licenceIds?: ReadonlyArray<string> | undefined;
}

export interface IdentityRules extends MacRules {
	/** A shorter limit than that of host names. */
	nameLimit?: NameLimit | undefined;
}

/** @throws InputError that names the property of the ranges that is wrong */
export function identitiesFromRanges(ranges: Ranges, { nameLimit, ...rules }: IdentityRules = {}): NewIdentity[] {
	const { count, ipv4Network, ipv4LeaveOut, ipv6Network, ipv6LeaveOut } = ranges;
	if (!Number.isSafeInteger(count) || count < 0) {
		throw new InputError("count", `got ${shown(count)}; allowed is a whole number from 0 and up`);
	}
	const names = namesOf(ranges.names, count, "names", nameLimit);
	const macs = ranges.macs && macsOf(ranges.macs, count, "macs", rules);
	const ipv4 =
		ranges.ipv4 && addressesOf(4, ranges.ipv4, count, "ipv4", { network: ipv4Network, leaveOut: ipv4LeaveOut });
	const ipv6 =
		ranges.ipv6 && addressesOf(6, ranges.ipv6, count, "ipv6", { network: ipv6Network, leaveOut: ipv6LeaveOut });
	const licenceIds = ranges.licenceIds && licenceIdsOf(ranges.licenceIds, count);
	return names.map((name, index) => ({
		name,
		...(macs && { mac: macs[index]! }),
		ips: [ipv4?.[index], ipv6?.[index]].filter((ip) => ip !== undefined),
		...(licenceIds && { licenceId: licenceIds[index]! }),
	}));
}

/**
 * @returns the same, normalised
 * @throws InputError that names the entry: `identities[3].mac`
 */
export function identitiesFromList(
	list: ReadonlyArray<NewIdentity>,
	property = "identities",
	{ nameLimit, ...rules }: IdentityRules = {},
): NewIdentity[] {
	const identities = list.map(({ name, mac, ips = [], machineId, licenceId, data }, index): NewIdentity => {
		const at = `${property}[${index}]`;
		checkName(name, `${at}.name`, nameLimit);
		return {
			name,
			...(mac !== undefined && { mac: checkMac(mac, `${at}.mac`, rules) }),
			ips: ips.map((ip, position) => checkAddress(ip, `${at}.ips[${position}]`)),
			...(machineId !== undefined && { machineId: checkMachineId(machineId, `${at}.machineId`) }),
			...(licenceId !== undefined && { licenceId: checkLicenceId(licenceId, `${at}.licenceId`) }),
			...(data && { data }),
		};
	});
	refuseTwins(identities, property);
	return identities;
}

/** @throws InputError when two have a name, a MAC address, an IP address, a machine-id or a licence id in common */
function refuseTwins(identities: ReadonlyArray<NewIdentity>, property: string): void {
	const seen = new Map<string, string>();
	for (const [index, { name, mac, ips = [], machineId, licenceId }] of identities.entries()) {
		const own: Array<[string, string, string | undefined]> = [
			["name", nameKey(name), name],
			["mac", mac ?? "", mac],
			["machineId", machineId ?? "", machineId],
			["licenceId", licenceId ?? "", licenceId],
			...ips.map((ip, position): [string, string, string] => [`ips[${position}]`, ip, ip]),
		];
		for (const [field, key, value] of own) {
			if (value === undefined) continue;
			const path = `${property}[${index}].${field}`;
			const kind = `${field.replace(/\[.*/, "")} ${key}`;
			const first = seen.get(kind);
			if (first !== undefined) {
				throw new InputError(
					path,
					`got ${shown(value)}, which ${first} has already; allowed is one that no other identity has`,
				);
			}
			seen.set(kind, path);
		}
	}
}
