/** DHCP leases that an earlier run of a machine left: they are listed until they expire, whoever has the address now. */
import type { Host, Lease } from "../libvirt";
import type { NicSpec } from "../xml/devices";

export interface FormerLease {
	/** Name of the network. */
	network: string;
	mac: string;
	address: string;
	/** Seconds since 1970. */
	expiresAt: number;
}

/** The leases that these NICs have now, before their machine is started; none where nobody waits for an address. */
export async function leasesBefore(
	host: Host,
	{ waitFor }: { waitFor?: { address: string } | undefined },
	nics: ReadonlyArray<NicSpec>,
): Promise<FormerLease[]> {
	if (!waitFor || waitFor.address === "none") return [];
	const macs = nics.map(({ mac }) => mac);
	const networks = new Set(nics.flatMap(({ source }) => ("network" in source ? [source.network] : [])));
	const found = await Promise.all(
		[...networks].map(async (network) =>
			(await leasesIn(host, network)).flatMap(({ mac, address, expiresAt }) =>
				mac !== undefined && macs.includes(mac) ? [{ network, mac, address, expiresAt }] : [],
			),
		),
	);
	return found.flat();
}

/**
 * Which of them nobody has asked for since: a guest that starts does, even for the address it had. A lease without end
 * does not show that, and counts as asked for.
 * @returns addresses
 */
export async function unclaimed(host: Host, former: ReadonlyArray<FormerLease>): Promise<string[]> {
	const limited = former.filter(({ expiresAt }) => expiresAt > 0);
	const networks = [...new Set(limited.map(({ network }) => network))];
	const now = new Map(await Promise.all(networks.map(async (name) => [name, await leasesIn(host, name)] as const)));
	const isSame = (a: FormerLease, b: Lease) =>
		a.mac === b.mac && a.address === b.address && a.expiresAt === b.expiresAt;
	return limited
		.filter((lease) => now.get(lease.network)?.some((other) => isSame(lease, other)))
		.map(({ address }) => address);
}

/** None where the network cannot tell: then a machine is not waited for by leases of it. */
async function leasesIn(host: Host, network: string): Promise<Lease[]> {
	try {
		const found = await host.networks.find(network);
		return found ? await host.networks.leases(found.uuid) : [];
	} catch {
		return [];
	}
}
