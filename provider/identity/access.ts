/** The way to a pool of identities: what is recorded with the pool, and with each lease, so that it can be returned. */
import { Allocator } from "./allocator";
import { adDirectory } from "./directory/ad";
import type { Directory } from "./directory/directory";
import { ldapDirectory } from "./directory/ldap";
import { noDirectory } from "./directory/none";
import type { DirectorySettings, StoreSettings } from "./settings";
import type { StaticSettings } from "./static-network";
import { reach } from "./store/away";
import { openPostgresStore } from "./store/postgres";
import { openSqliteStore } from "./store/sqlite";
import type { IdentityStore } from "./store/store";

/** All of it is as secret as the passwords and the key in it. */
export interface Access {
	/** Name of the pool in its store. */
	pool: string;
	realm?: string | undefined;
	store: StoreSettings;
	directory?: DirectorySettings | undefined;
	/** Domain of the machines, when it is not the directory's own. */
	domain?: string | undefined;
	/** How machines set their addresses themselves; absent where they come from DHCP. */
	network?: StaticSettings | undefined;
	/** Owner id of the pool; written into the accounts. */
	owner: string;
	/** Opens the secrets in the store: 32 bytes in base64. */
	key: string;
}

export interface OpenPool {
	store: IdentityStore;
	directory: Directory;
	allocator: Allocator;
}

interface Shared {
	users: number;
	opened: Promise<OpenPool>;
}

/** Pools that are in use in this process, by their access: many leases of one pool share its connections. */
const inUse = new Map<string, Shared>();

/** Opens the pool, or shares it with whoever has it open, and lets go of it when nobody uses it any more. */
export async function withPool<T>(access: Access, log: (line: string) => void, use: (pool: OpenPool) => Promise<T>) {
	const key = JSON.stringify(access);
	const shared = inUse.get(key) ?? { users: 0, opened: open(access, log) };
	inUse.set(key, shared);
	shared.users++;
	try {
		return await use(await shared.opened);
	} finally {
		if (--shared.users === 0) {
			inUse.delete(key);
			await shared.opened.then(close, () => {});
		}
	}
}

/** The store alone, for a look at it. */
export async function withStore<T>(settings: StoreSettings, use: (store: IdentityStore) => Promise<T>): Promise<T> {
	const store = await reach(JSON.stringify(settings), () => openStore(settings));
	try {
		return await use(store);
	} finally {
		await store.close();
	}
}

async function open(access: Access, log: (line: string) => void): Promise<OpenPool> {
	const { pool, realm, owner, domain, key } = access;
	const store = await openStore(access.store);
	const directory = directoryOf(access.directory);
	try {
		const allocator = await Allocator.open({ store, directory, pool, realm, owner, domain, key: { key }, log });
		return { store, directory, allocator };
	} catch (error) {
		await close({ store, directory });
		throw error;
	}
}

async function close({ store, directory }: Pick<OpenPool, "store" | "directory">): Promise<void> {
	await directory.close().catch(() => {});
	await store.close();
}

function openStore({ sqlite, postgres }: StoreSettings): Promise<IdentityStore> {
	return postgres ? openPostgresStore(postgres) : openSqliteStore(sqlite!);
}

/** @throws InputError for settings that are not allowed; nothing is contacted */
function directoryOf(settings: DirectorySettings | undefined): Directory {
	if (settings?.activeDirectory) return adDirectory(settings.activeDirectory);
	return settings?.ldap ? ldapDirectory(settings.ldap) : noDirectory;
}
