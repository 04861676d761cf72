/** A private host whose libvirt asks for a password at its socket; the one for readers stays open to all. */
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { TestHost } from "../../tools/testhost";

const run = promisify(execFile);

/** Adds a user to a database of Cyrus SASL's. */
const ADD = `tie(%users, "DB_File", $ARGV[0]) or die $!; $users{"$ARGV[1]\\0$ARGV[2]\\0userPassword"} = $ARGV[3];`;

/** URI of the socket that only reads. */
export function readingUri({ directory }: TestHost): string {
	return `qemu+unix:///system?socket=${directory}/run/libvirt/libvirt-sock-ro`;
}

/** From now on whoever changes something has to be this user. @returns libvirt's file of credentials with it */
export async function askForPassword(host: TestHost, password: string): Promise<string> {
	const folder = join(host.directory, "sasl");
	await mkdir(folder);
	await run("perl", ["-MDB_File", "-e", ADD, join(folder, "users"), "admin", "test", password]);
	await writeFile(join(folder, "libvirt.conf"), `mech_list: scram-sha-256\nsasldb_path: ${join(folder, "users")}\n`);
	await host.exec("mount", ["--bind", folder, "/etc/sasl2"]);
	const conf = join(host.directory, "etc/libvirtd.conf");
	await writeFile(conf, (await readFile(conf, "utf8")).replace('auth_unix_rw = "none"', 'auth_unix_rw = "sasl"'));
	await host.killLibvirtd("SIGTERM");
	await host.exec("libvirtd", ["--daemon", "--listen", "--pid-file", "/run/libvirtd.pid"]);
	for (let tries = 1; ; tries++) {
		const answers = await run("virsh", ["-r", "-c", readingUri(host), "list"]).catch((error) => error as Error);
		if (!(answers instanceof Error)) break;
		if (tries === 50) throw answers;
		await sleep(100);
	}
	return `[credentials-clones]\nauthname=admin@test\npassword=${password}\n\n[auth-libvirt-default]\ncredentials=clones\n`;
}
