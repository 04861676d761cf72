import { Authority } from "./certificates";
import { makeDomain } from "./new-domain";
import type { Relay } from "./relay";
import { until } from "./until";
import { World } from "./world";

/** Active Directory: Samba's domain controller dc1.lab.test, with an empty `OU=Pool`. Takes some 5 s to start, the first time 10 s. */
export class DomainController {
	readonly domain = "lab.test";
	readonly realm = "LAB.TEST";
	readonly ou = "OU=Pool,DC=lab,DC=test";
	readonly serverName = "dc1.lab.test";
	readonly admin = { user: "administrator@lab.test", password: "Admin-secret.1" };

	private constructor(
		readonly world: World,
		/** Certificate of the authority, in PEM form. */
		readonly ca: string,
		/** To the ports for LDAPS and for StartTLS. */
		readonly ldaps: Relay,
		readonly ldap: Relay,
	) {}

	static async start(): Promise<DomainController> {
		const world = await World.start("dc1", "lab.test");
		try {
			const authority = await Authority.create();
			const controller = new DomainController(
				world,
				authority.certificate,
				await world.relay(636),
				await world.relay(389),
			);
			await controller.install(authority);
			await controller.startServer();
			return controller;
		} catch (error) {
			await world.stop();
			throw error;
		}
	}

	async startServer(): Promise<void> {
		await this.world.daemon("samba", ["--interactive", "--no-process-group"], "/var/log/samba/all");
		await until("the domain controller gives tickets", () => this.login(this.admin.user, this.admin.password));
		await until("the domain controller answers LDAPS", () =>
			this.world.exec("ldapsearch", ["-x", "-H", "ldaps://dc1.lab.test", "-b", "", "-s", "base"], {
				env: { ...process.env, LDAPTLS_CACERT: "/run/tls/ca" },
			}),
		);
	}

	/** kill -9 of the server with all its processes, again and again: it makes new ones all the time. */
	async kill(): Promise<void> {
		const running = `for process in /proc/[0-9]*; do
			case $(readlink $process/exe) in */samba | */samba/* | */smbd | */winbindd) echo "\${process#/proc/}" ;; esac
		done`;
		const script = `while pids=$(${running}); [ -n "$pids" ]; do kill -9 $pids 2>/dev/null; sleep 0.05; done; rm -rf /run/samba`;
		await this.world.exec("sh", ["-c", script]);
	}

	/** Gets a ticket-granting ticket for a user. @throws with kinit's own words */
	async login(user: string, password: string, cache = "/run/cache-login"): Promise<void> {
		const principal = user.replace(/@.*/, (domain) => domain.toUpperCase());
		await this.world.exec("kinit", [principal], { input: password, env: kerberos(cache) });
	}

	/**
	 * Logs in with a keytab, as a machine does, and gets a ticket for a service.
	 * @returns the tickets, as klist lists them
	 * @throws with kinit's or kvno's own words
	 */
	async loginWithKeytab(keytab: string, principal: string, service = "ldap/dc1.lab.test"): Promise<string> {
		const file = `/run/keytab-${principal.replace(/\W/g, "")}-${Math.random().toString(36).slice(2)}`;
		const cache = `${file}.cache`;
		await this.world.exec("sh", ["-c", 'umask 077; base64 -d >"$0"', file], { input: keytab });
		try {
			await this.world.exec("kinit", ["-k", "-t", file, principal], { env: kerberos(cache) });
			await this.world.exec("kvno", [service], { env: kerberos(cache) });
			return (await this.world.exec("klist", ["-e"], { env: kerberos(cache) })).stdout;
		} finally {
			await this.world.exec("rm", ["-f", file, cache]);
		}
	}

	/** Gets a ticket for a service, as the administrator, and opens it with the service's own keytab. */
	async decrypt(keytab: string, service: string): Promise<{ stdout: string }> {
		const cache = "/run/cache-decrypt";
		await this.login(this.admin.user, this.admin.password, cache);
		await this.world.exec("sh", ["-c", 'umask 077; base64 -d >"$0"', "/run/keytab-decrypt"], { input: keytab });
		return this.world.exec("kvno", ["-k", "/run/keytab-decrypt", service], { env: kerberos(cache) });
	}

	/**
	 * Joins a machine by a blob, with Samba's own tools and files of its own, and then asks the controller whether it is a
	 * member. @returns what `net ads testjoin` says @throws with its own words
	 */
	async joinOffline(name: string, blob: string): Promise<string> {
		const folder = `/run/member-${Math.random().toString(36).slice(2)}`;
		const keys = ["private dir", "lock directory", "state directory", "cache directory"];
		const options = { realm: this.realm, workgroup: "LAB", security: "ads", "netbios name": name };
		const lines = [...Object.entries(options), ...keys.map((key) => [key, folder])].map(
			([key, value]) => `${key} = ${value}`,
		);
		const configuration = `${folder}/smb.conf`;
		await this.world.exec("mkdir", [folder]);
		await this.world.put(configuration, `[global]\n${lines.join("\n")}\n`);
		await this.world.put(`${folder}/blob`, blob);
		await this.world.exec("net", ["offlinejoin", "requestodj", `loadfile=${folder}/blob`, "-s", configuration]);
		return (await this.world.exec("net", ["ads", "testjoin", "-s", configuration])).stdout;
	}

	/** Adds a user that may log in. */
	async addUser(name: string, password: string, group?: string): Promise<void> {
		const quoted = Buffer.from(`"${password}"`, "utf16le").toString("base64");
		const dn = `CN=${name},CN=Users,DC=lab,DC=test`;
		const user = [`sAMAccountName: ${name}`, "userAccountControl: 512", `unicodePwd:: ${quoted}`];
		await this.modify([`dn: ${dn}`, "changetype: add", "objectClass: user", ...user, ""].join("\n"));
		if (group === undefined) return;
		const membership = ["changetype: modify", "add: member", `member: ${dn}`, ""];
		await this.modify([`dn: CN=${group},CN=Users,DC=lab,DC=test`, ...membership].join("\n"));
	}

	/** Changes one attribute of a user. */
	async setUser(name: string, attribute: string, value: string, ...options: string[]): Promise<void> {
		const change = ["changetype: modify", `replace: ${attribute}`, `${attribute}: ${value}`, ""];
		await this.modify([`dn: CN=${name},CN=Users,DC=lab,DC=test`, ...change].join("\n"), ...options);
	}

	async setPassword(name: string, password: string): Promise<void> {
		await this.world.exec("samba-tool", ["user", "setpassword", name, `--newpassword=${password}`]);
	}

	/** Makes a user's password one of the year 2012, which has expired by the domain's rules. */
	async agePassword(name: string): Promise<void> {
		// Samba lets nobody write another time than "now" and "never", unless told to leave out what it does about passwords.
		await this.setUser(name, "pwdLastSet", "130000000000000000", "--controls=local_oid:1.3.6.1.4.1.7165.4.3.20:0");
	}

	/** Entries as the data base has them, in LDIF. */
	async search(filter: string, ...attributes: string[]): Promise<string> {
		const args = ["-H", "/var/lib/samba/private/sam.ldb", filter, ...attributes];
		return (await this.world.exec("ldbsearch", args, { maxBuffer: 1 << 24 })).stdout;
	}

	/** Adds, changes or removes entries, in LDIF. */
	async modify(ldif: string, ...options: string[]): Promise<void> {
		await this.world.exec("ldbmodify", ["-H", "/var/lib/samba/private/sam.ldb", ...options], { input: ldif });
	}

	async stop(): Promise<void> {
		await this.world.stop();
	}

	private async install(authority: Authority): Promise<void> {
		const server = await authority.sign([this.serverName]);
		await this.world.exec("mkdir", ["-p", "/run/tls"]);
		for (const [name, content] of Object.entries({ ca: authority.certificate, ...server })) {
			await this.world.put(`/run/tls/${name}`, content);
		}
		const options = {
			interfaces: "lo",
			"bind interfaces only": "yes",
			"tls cafile": "/run/tls/ca",
			"tls certfile": "/run/tls/certificate",
			"tls keyfile": "/run/tls/key",
		};
		await makeDomain(this.world, {
			provision: [
				...["--realm=LAB.TEST", "--domain=LAB", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL"],
				...["--host-ip=10.99.0.1", "--host-name=dc1", `--adminpass=${this.admin.password}`],
				...Object.entries(options).map(([name, value]) => `--option=${name}=${value}`),
			],
			entries: `dn: ${this.ou}\nchangetype: add\nobjectClass: organizationalUnit\n`,
		});
	}
}

function kerberos(cache: string): NodeJS.ProcessEnv {
	return { ...process.env, KRB5CCNAME: `FILE:${cache}`, LC_ALL: "C" };
}
