/** `Volumes` of the interface, on libvirt's C API. */
import type { VolumeInfo, Volumes } from "../api";
import { libvirt } from "./ffi";
import { type Connection, flags, type Implementation, unlessGone, using } from "./objects";
import type { Handle, VolumeInfoStruct } from "./signatures";
import { download, upload } from "./streams";

const PREALLOCATE_METADATA = 1;
const REFLINK = 2;

export function describeVolume(volume: Handle<"volume">, pool: string): VolumeInfo {
	return {
		name: libvirt.virStorageVolGetName(volume),
		key: libvirt.virStorageVolGetKey(volume),
		path: libvirt.virStorageVolGetPath(volume),
		pool,
	};
}

function describe(volume: Handle<"volume">): VolumeInfo {
	const pool = using("pool", libvirt.virStoragePoolLookupByVolume(volume), (found) =>
		libvirt.virStoragePoolGetName(found),
	);
	return describeVolume(volume, pool);
}

function lookUp(connection: Connection, keyOrPath: string): Handle<"volume"> {
	const byKey = unlessGone(() => libvirt.virStorageVolLookupByKey(connection, keyOrPath));
	return byKey ?? libvirt.virStorageVolLookupByPath(connection, keyOrPath);
}

/** The volume with that key or path, or undefined. To be freed. */
export function findVolume(connection: Connection, keyOrPath: string): Handle<"volume"> | undefined {
	return unlessGone(() => lookUp(connection, keyOrPath));
}

function at<T>(connection: Connection, keyOrPath: string, use: (volume: Handle<"volume">) => T): T {
	return using("volume", lookUp(connection, keyOrPath), use);
}

function inPool<T>(connection: Connection, poolUuid: string, use: (pool: Handle<"pool">) => T): T {
	return using("pool", libvirt.virStoragePoolLookupByUUIDString(connection, poolUuid), use);
}

export const volumes: Implementation<Volumes> = {
	find: (connection, keyOrPath) => unlessGone(() => at(connection, keyOrPath, describe)),
	findInPool: (connection, poolUuid, name) =>
		unlessGone(() =>
			inPool(connection, poolUuid, (pool) =>
				using("volume", libvirt.virStorageVolLookupByName(pool, name), (volume) =>
					describeVolume(volume, libvirt.virStoragePoolGetName(pool)),
				),
			),
		),
	create: (connection, poolUuid, xml, options) =>
		inPool(connection, poolUuid, (pool) => {
			const flag = flags([options?.preallocateMetadata, PREALLOCATE_METADATA]);
			const name = libvirt.virStoragePoolGetName(pool);
			return using("volume", libvirt.virStorageVolCreateXML(pool, xml, flag), (volume) => describeVolume(volume, name));
		}),
	createFrom: (connection, poolUuid, xml, sourceKey, options) =>
		inPool(connection, poolUuid, (pool) =>
			at(connection, sourceKey, (source) => {
				const flag = flags([options?.reflink, REFLINK]);
				const name = libvirt.virStoragePoolGetName(pool);
				return using("volume", libvirt.virStorageVolCreateXMLFrom(pool, xml, source, flag), (volume) =>
					describeVolume(volume, name),
				);
			}),
		),
	xml: (connection, keyOrPath) => at(connection, keyOrPath, (volume) => libvirt.virStorageVolGetXMLDesc(volume, 0)),
	size(connection, keyOrPath) {
		const info: Partial<VolumeInfoStruct> = {};
		at(connection, keyOrPath, (volume) => libvirt.virStorageVolGetInfo(volume, info));
		return { capacityBytes: Number(info.capacity), allocationBytes: Number(info.allocation) };
	},
	resize(connection, keyOrPath, capacityBytes) {
		at(connection, keyOrPath, (volume) => libvirt.virStorageVolResize(volume, capacityBytes, 0));
	},
	delete(connection, keyOrPath) {
		at(connection, keyOrPath, (volume) => libvirt.virStorageVolDelete(volume, 0));
	},
	upload: (connection, keyOrPath, file, options) =>
		at(connection, keyOrPath, (volume) => upload(connection, volume, file, options)),
	download: (connection, keyOrPath, file, options) =>
		at(connection, keyOrPath, (volume) => download(connection, volume, file, options)),
};
