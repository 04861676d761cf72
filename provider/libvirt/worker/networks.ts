/** `Networks` of the interface, on libvirt's C API. */

import type { Lease, NetworkInfo, Networks } from "../api";
import { dhcpLease, libvirt, takeArray, uuidString } from "./ffi";
import { koffi } from "./koffi";
import {
	byNameOrUuid,
	type Connection,
	type Implementation,
	targetFlags,
	unlessGone,
	unlessUnsupported,
	using,
	usingEach,
} from "./objects";
import type { Handle } from "./signatures";

const COMMANDS = { modify: 1, delete: 2, add: 3 } as const;
const SECTIONS = { "ip-dhcp-host": 4, "ip-dhcp-range": 5, "dns-host": 10 } as const;
const INACTIVE_XML = 1;

function describe(network: Handle<"network">): NetworkInfo {
	return {
		name: libvirt.virNetworkGetName(network),
		uuid: uuidString((buffer) => libvirt.virNetworkGetUUIDString(network, buffer)),
		active: libvirt.virNetworkIsActive(network) === 1,
		persistent: libvirt.virNetworkIsPersistent(network) === 1,
	};
}

function xmlOf(network: Handle<"network">, inactive: boolean): string {
	const live = () => libvirt.virNetworkGetXMLDesc(network, 0);
	if (!inactive) return live();
	return unlessUnsupported(() => libvirt.virNetworkGetXMLDesc(network, INACTIVE_XML), live);
}

function all(connection: Connection): Handle<"network">[] {
	const list: [bigint | null] = [null];
	const count = libvirt.virConnectListAllNetworks(connection, list, 0);
	return takeArray(list[0], count);
}

function at<T>(connection: Connection, uuid: string, use: (network: Handle<"network">) => T): T {
	return using("network", libvirt.virNetworkLookupByUUIDString(connection, uuid), use);
}

interface LeaseStruct {
	expirytime: number | bigint;
	mac: string | null;
	ipaddr: string;
	prefix: number;
	hostname: string | null;
}

function takeLease(pointer: bigint): Lease {
	const lease: LeaseStruct = koffi.decode(pointer, dhcpLease);
	libvirt.virNetworkDHCPLeaseFree(pointer);
	return {
		mac: lease.mac ?? undefined,
		address: lease.ipaddr,
		prefix: lease.prefix,
		hostname: lease.hostname ?? undefined,
		expiresAt: Number(lease.expirytime),
	};
}

export const networks: Implementation<Networks> = {
	find(connection, nameOrUuid) {
		const network = byNameOrUuid(
			nameOrUuid,
			(uuid) => libvirt.virNetworkLookupByUUIDString(connection, uuid),
			(name) => libvirt.virNetworkLookupByName(connection, name),
		);
		return network && unlessGone(() => using("network", network, describe));
	},
	list: (connection) => usingEach("network", all(connection), describe),
	listWithXml: (connection) =>
		usingEach("network", all(connection), (network) => {
			const info = describe(network);
			return { ...info, xml: xmlOf(network, info.persistent && info.active) };
		}),
	define: (connection, xml) => using("network", libvirt.virNetworkDefineXML(connection, xml), describe),
	xml: (connection, uuid, options) => at(connection, uuid, (network) => xmlOf(network, options?.inactive === true)),
	start(connection, uuid) {
		at(connection, uuid, (network) => libvirt.virNetworkCreate(network));
	},
	destroy(connection, uuid) {
		at(connection, uuid, (network) => libvirt.virNetworkDestroy(network));
	},
	undefine(connection, uuid) {
		at(connection, uuid, (network) => libvirt.virNetworkUndefine(network));
	},
	setAutostart(connection, uuid, autostart) {
		at(connection, uuid, (network) => libvirt.virNetworkSetAutostart(network, autostart ? 1 : 0));
	},
	getAutostart(connection, uuid) {
		const autostart: [number] = [0];
		at(connection, uuid, (network) => libvirt.virNetworkGetAutostart(network, autostart));
		return autostart[0] === 1;
	},
	update(connection, uuid, command, section, xml, target) {
		const parentIndex = -1;
		at(connection, uuid, (network) =>
			libvirt.virNetworkUpdate(network, COMMANDS[command], SECTIONS[section], parentIndex, xml, targetFlags[target]),
		);
	},
	leases: (connection, uuid) =>
		at(connection, uuid, (network) => {
			const list: [bigint | null] = [null];
			const count = libvirt.virNetworkGetDHCPLeases(network, null, list, 0);
			return takeArray(list[0], count).map(takeLease);
		}),
};
