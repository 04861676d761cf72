/** What the host itself is asked. */
import { libvirt } from "./ffi";
import type { Connection } from "./objects";

type Query = { emulator?: string; arch?: string; machine?: string; type?: string };

/** 9000000 -> "9.0.0" */
function version(number: number | bigint): string {
	const value = Number(number);
	return [Math.floor(value / 1_000_000), Math.floor(value / 1000) % 1000, value % 1000].join(".");
}

export const host = {
	versions(connection: Connection) {
		const library: [number | bigint] = [0];
		const hypervisor: [number | bigint] = [0];
		libvirt.virConnectGetLibVersion(connection, library);
		libvirt.virConnectGetVersion(connection, hypervisor);
		return {
			libvirtVersion: version(library[0]),
			hypervisorVersion: version(hypervisor[0]),
			hostname: libvirt.virConnectGetHostname(connection),
			driver: libvirt.virConnectGetType(connection),
		};
	},
	capabilitiesXml: (connection: Connection) => libvirt.virConnectGetCapabilities(connection),
	domainCapabilitiesXml: (connection: Connection, query: Query) =>
		libvirt.virConnectGetDomainCapabilities(
			connection,
			query.emulator ?? null,
			query.arch ?? null,
			query.machine ?? null,
			query.type ?? null,
			0,
		),
};
