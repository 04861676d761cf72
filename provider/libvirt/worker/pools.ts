/** `Pools` of the interface, on libvirt's C API. */
import type { PoolInfo, Pools } from "../api";
import { libvirt, takeArray, uuidString } from "./ffi";
import {
	byNameOrUuid,
	type Connection,
	type Implementation,
	unlessGone,
	unlessVanished,
	using,
	usingEach,
} from "./objects";
import type { Handle, PoolInfoStruct } from "./signatures";
import { describeVolume, findVolume } from "./volumes";

/** VIR_STORAGE_XML_INACTIVE */
const XML_INACTIVE = 1;

function describe(pool: Handle<"pool">): PoolInfo {
	return {
		name: libvirt.virStoragePoolGetName(pool),
		uuid: uuidString((buffer) => libvirt.virStoragePoolGetUUIDString(pool, buffer)),
		active: libvirt.virStoragePoolIsActive(pool) === 1,
		persistent: libvirt.virStoragePoolIsPersistent(pool) === 1,
	};
}

function xmlOf(pool: Handle<"pool">, inactive: boolean): string {
	if (!inactive) return libvirt.virStoragePoolGetXMLDesc(pool, 0);
	try {
		return libvirt.virStoragePoolGetXMLDesc(pool, XML_INACTIVE);
	} catch (error) {
		// To libvirt's test driver both are the same.
		if (!/unsupported flags/.test(String(error))) throw error;
		return libvirt.virStoragePoolGetXMLDesc(pool, 0);
	}
}

function at<T>(connection: Connection, uuid: string, use: (pool: Handle<"pool">) => T): T {
	return using("pool", libvirt.virStoragePoolLookupByUUIDString(connection, uuid), use);
}

export const pools: Implementation<Pools> = {
	find(connection, nameOrUuid) {
		const pool = byNameOrUuid(
			nameOrUuid,
			(uuid) => libvirt.virStoragePoolLookupByUUIDString(connection, uuid),
			(name) => libvirt.virStoragePoolLookupByName(connection, name),
		);
		return pool && unlessGone(() => using("pool", pool, describe));
	},
	findByVolume(connection, keyOrPath) {
		const volume = findVolume(connection, keyOrPath);
		if (volume === undefined) return undefined;
		return using("volume", volume, () =>
			unlessGone(() => using("pool", libvirt.virStoragePoolLookupByVolume(volume), describe)),
		);
	},
	list(connection) {
		const list: [bigint | null] = [null];
		const count = libvirt.virConnectListAllStoragePools(connection, list, 0);
		return usingEach("pool", takeArray<Handle<"pool">>(list[0], count), describe);
	},
	define: (connection, xml) => using("pool", libvirt.virStoragePoolDefineXML(connection, xml, 0), describe),
	build(connection, uuid) {
		at(connection, uuid, (pool) => libvirt.virStoragePoolBuild(pool, 0));
	},
	start(connection, uuid) {
		at(connection, uuid, (pool) => libvirt.virStoragePoolCreate(pool, 0));
	},
	destroy(connection, uuid) {
		at(connection, uuid, (pool) => libvirt.virStoragePoolDestroy(pool));
	},
	delete(connection, uuid) {
		at(connection, uuid, (pool) => libvirt.virStoragePoolDelete(pool, 0));
	},
	undefine(connection, uuid) {
		at(connection, uuid, (pool) => libvirt.virStoragePoolUndefine(pool));
	},
	refresh(connection, uuid) {
		at(connection, uuid, (pool) => libvirt.virStoragePoolRefresh(pool, 0));
	},
	xml: (connection, uuid, options) => at(connection, uuid, (pool) => xmlOf(pool, options?.inactive === true)),
	setAutostart(connection, uuid, autostart) {
		at(connection, uuid, (pool) => libvirt.virStoragePoolSetAutostart(pool, autostart ? 1 : 0));
	},
	getAutostart(connection, uuid) {
		const autostart: [number] = [0];
		at(connection, uuid, (pool) => libvirt.virStoragePoolGetAutostart(pool, autostart));
		return autostart[0] === 1;
	},
	space(connection, uuid) {
		const info: Partial<PoolInfoStruct> = {};
		at(connection, uuid, (pool) => libvirt.virStoragePoolGetInfo(pool, info));
		return {
			capacityBytes: Number(info.capacity),
			allocationBytes: Number(info.allocation),
			availableBytes: Number(info.available),
		};
	},
	listVolumes: (connection, uuid) =>
		at(connection, uuid, (pool) => {
			const list: [bigint | null] = [null];
			const count = libvirt.virStoragePoolListAllVolumes(pool, list, 0);
			const name = libvirt.virStoragePoolGetName(pool);
			const volumes = takeArray<Handle<"volume">>(list[0], count);
			const listed = usingEach("volume", volumes, (volume) => {
				const described = describeVolume(volume, name);
				const xml = unlessVanished(() => libvirt.virStorageVolGetXMLDesc(volume, 0));
				return xml === undefined ? [] : [{ ...described, xml }];
			});
			return listed.flat();
		}),
};
