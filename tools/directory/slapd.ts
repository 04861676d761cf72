import { Authority, type Certificate } from "./certificates";
import type { Relay } from "./relay";
import { until } from "./until";
import { World } from "./world";

const suffix = "dc=pool,dc=test";

/**
 * A plain LDAP directory: OpenLDAP's slapd with an empty data base, a certificate for `ldap.pool.test`, LDAPS and
 * StartTLS. `ou=machines` is there for accounts; `cn=reader` may read it and nothing else.
 */
export class Slapd {
	readonly baseDn = `ou=machines,${suffix}`;
	readonly admin = { user: `cn=admin,${suffix}`, password: "Admin-secret-1" };
	readonly reader = { user: `cn=reader,${suffix}`, password: "Reader-secret-1" };
	/** Name that the certificate is for. */
	readonly serverName = "ldap.pool.test";

	private process: number | undefined;

	private constructor(
		readonly world: World,
		/** Certificate of the authority, in PEM form. */
		readonly ca: string,
		/** To the port for LDAPS, and to that for StartTLS. */
		readonly ldaps: Relay,
		readonly ldap: Relay,
	) {}

	static async start(): Promise<Slapd> {
		const world = await World.start("ldap", "pool.test");
		try {
			const authority = await Authority.create();
			const server = await authority.sign(["ldap.pool.test"]);
			await world.exec("mkdir", ["-p", "/run/slapd/data"]);
			await world.put("/run/slapd/ca", authority.certificate);
			// Debian's AppArmor rules bind slapd to its usual folders; they are for the file of that name.
			await world.exec("cp", ["/usr/sbin/slapd", "/run/slapd/server"]);
			const slapd = new Slapd(world, authority.certificate, await world.relay(636), await world.relay(389));
			await slapd.configure(server);
			await slapd.startServer();
			await slapd.fill();
			return slapd;
		} catch (error) {
			await world.stop();
			throw error;
		}
	}

	/** Gives it another certificate; to be followed by a start. */
	async configure({ certificate, key }: Certificate): Promise<void> {
		await this.world.put("/run/slapd/certificate", certificate);
		await this.world.put("/run/slapd/key", key);
		await this.world.put("/run/slapd/configuration", this.configuration());
	}

	async startServer(): Promise<void> {
		const urls = "ldap://10.99.0.1 ldaps://10.99.0.1";
		const args = ["-f", "/run/slapd/configuration", "-h", urls, "-d", "0"];
		this.process = await this.world.daemon("/run/slapd/server", args, "/run/slapd/log");
		await until("slapd answers", () => this.world.exec("ldapwhoami", ["-x", "-H", "ldap://10.99.0.1"]));
	}

	/** Stops it in its tracks, with its connections open, or lets it go on. */
	async pause(signal: "STOP" | "CONT"): Promise<void> {
		await this.world.exec("kill", [`-${signal}`, String(this.process)]);
	}

	/** kill -9; what was committed is kept. */
	async kill(): Promise<void> {
		await this.world.exec("kill", ["-9", String(this.process)]);
		const gone = `while kill -0 ${this.process} 2>/dev/null; do sleep 0.01; done`;
		await this.world.exec("sh", ["-c", gone]);
	}

	/** Whether somebody can log in; with a tool that has nothing to do with the product. */
	async canBind(dn: string, password: string): Promise<boolean> {
		const args = ["-x", "-H", "ldap://10.99.0.1", "-D", dn, "-w", password];
		try {
			await this.world.exec("ldapwhoami", args);
			return true;
		} catch (error) {
			if (/Invalid credentials \(49\)/.test(String(error))) return false;
			throw error;
		}
	}

	/** Entries below `ou=machines` as ldapsearch prints them. */
	async search(filter: string, ...attributes: string[]): Promise<string> {
		const login = ["-x", "-LLL", "-o", "ldif-wrap=no", "-D", this.admin.user, "-w", this.admin.password];
		const args = ["-H", "ldap://10.99.0.1", "-b", this.baseDn, filter, ...attributes];
		return (await this.world.exec("ldapsearch", [...login, ...args], { maxBuffer: 1 << 24 })).stdout;
	}

	/** Adds, changes or removes entries, in LDIF. */
	async modify(ldif: string): Promise<void> {
		const args = ["-x", "-H", "ldap://10.99.0.1", "-D", this.admin.user, "-w", this.admin.password];
		await this.world.exec("ldapmodify", args, { input: ldif });
	}

	async stop(): Promise<void> {
		await this.world.stop();
	}

	private configuration(): string {
		const schemas = ["core", "cosine", "inetorgperson", "nis"];
		return `${schemas.map((name) => `include /etc/ldap/schema/${name}.schema`).join("\n")}
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile /run/slapd/ca
TLSCertificateFile /run/slapd/certificate
TLSCertificateKeyFile /run/slapd/key
database mdb
maxsize 268435456
suffix "${suffix}"
rootdn "${this.admin.user}"
rootpw ${this.admin.password}
directory /run/slapd/data
index objectClass,uid eq
access to attrs=userPassword by anonymous auth by self write
access to * by dn.exact="${this.reader.user}" read by self read
`;
	}

	private async fill(): Promise<void> {
		await this.modify(`dn: ${suffix}
changetype: add
objectClass: dcObject
objectClass: organization
o: pool
dc: pool

dn: ${this.baseDn}
changetype: add
objectClass: organizationalUnit
ou: machines

dn: ${this.reader.user}
changetype: add
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ${this.reader.password}
`);
	}
}
