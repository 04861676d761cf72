/**
 * A new domain in a world. Provisioning takes longer than everything else about a domain controller: what it makes is
 * kept in the cache, for as long as nothing about it changes.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../cache";
import { withLock } from "../lock";
import type { World } from "./world";

const run = promisify(execFile);

export interface NewDomain {
	/** What `samba-tool domain provision` is told. */
	provision: string[];
	/** Entries to be added, in LDIF. */
	entries: string;
}

/** All that the server and its tools read, relative to the root. */
const PATHS = ["var/lib/samba", "etc/samba/smb.conf", "etc/krb5.conf"];

/** Passwords, such as the administrator's, expire after 42 days by the domain's own rules. */
const OLDEST_MS = 30 * 24 * 3600 * 1000;

/** Before the server is started. */
export async function makeDomain(world: World, domain: NewDomain): Promise<void> {
	const archive = await archiveOf(domain);
	const isMade = await withLock(
		`${archive}.lock`,
		() => {},
		async () => {
			if (await isFresh(archive)) return false;
			await provision(world, domain);
			await keep(world, archive);
			return true;
		},
	);
	if (!isMade) await run("tar", ["-C", rootOf(world), ...WITH_ACCESS_LISTS, "-xf", archive]);
}

/** Another version of Samba may make, and want, something else. */
async function archiveOf(domain: NewDomain): Promise<string> {
	const { stdout: version } = await run("samba", ["--version"]);
	const hash = createHash("sha256")
		.update(JSON.stringify([version, domain, PATHS]))
		.digest("hex");
	return join(cacheDirectory(), "domains", `${hash.slice(0, 16)}.tar`);
}

async function isFresh(archive: string): Promise<boolean> {
	const made = await stat(archive).catch(() => undefined);
	return made !== undefined && Date.now() - made.mtimeMs < OLDEST_MS;
}

async function provision(world: World, { provision, entries }: NewDomain): Promise<void> {
	await world.exec("mkdir", ["-p", "/var/lib/samba/private", "/var/lib/samba/bind-dns"]);
	await world.exec("samba-tool", ["domain", "provision", ...provision]);
	await world.exec("cp", ["/var/lib/samba/private/krb5.conf", "/etc/krb5.conf"]);
	await world.exec("ldbmodify", ["-H", "/var/lib/samba/private/sam.ldb"], { input: entries });
}

async function keep(world: World, archive: string): Promise<void> {
	const partial = `${archive}.part`;
	await mkdir(dirname(archive), { recursive: true });
	try {
		await run("tar", ["-C", rootOf(world), ...WITH_ACCESS_LISTS, "-cf", partial, ...PATHS]);
		await rename(partial, archive);
	} finally {
		await rm(partial, { force: true });
	}
}

/** Samba keeps Windows' access lists in extended attributes. */
const WITH_ACCESS_LISTS = ["--sparse", "--xattrs", "--xattrs-include=*"];

/** From outside: the cache may be where the world has something of its own. */
function rootOf(world: World): string {
	return `/proc/${world.pid}/root`;
}
