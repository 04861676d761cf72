/** IPv4 addresses as numbers. */

export interface Subnet {
	/** The address that was given: the gateway's. */
	address: number;
	prefix: number;
	/** First and last address: the network's own and the broadcast address. */
	network: number;
	broadcast: number;
}

export function toNumber(address: string): number {
	return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function toAddress(number: number): string {
	return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

/** @param cidr an address with its prefix, such as 192.168.150.1/24 */
export function subnetOf(cidr: string): Subnet {
	const [address = "", prefix = "32"] = cidr.split("/");
	const size = 2 ** (32 - Number(prefix));
	const number = toNumber(address);
	const network = Math.floor(number / size) * size;
	return { address: number, prefix: Number(prefix), network, broadcast: network + size - 1 };
}

/** Whether a machine may have the address: in the subnet, and neither its first nor its last. */
export function isHostAddress({ network, broadcast }: Subnet, address: number): boolean {
	return address > network && address < broadcast;
}

/** The addresses that machines may have, for an error. */
export function hostRange({ network, broadcast }: Subnet): string {
	return `${toAddress(network + 1)} to ${toAddress(broadcast - 1)}`;
}

export interface Range {
	start: string;
	end: string;
}

/** libvirt refuses ranges of more addresses. */
export const MAX_RANGE = 65_535;

/** The subnet without the gateway: one range, or two where the gateway lies in the middle; up to `MAX_RANGE` addresses each. */
export function defaultRanges({ address, network, broadcast }: Subnet): Range[] {
	const parts = [
		[network + 1, Math.min(address, broadcast) - 1],
		[Math.max(address, network) + 1, broadcast - 1],
	] as const;
	return parts
		.filter(([start, end]) => start <= end)
		.map(([start, end]) => ({ start: toAddress(start), end: toAddress(Math.min(end, start + MAX_RANGE - 1)) }));
}
