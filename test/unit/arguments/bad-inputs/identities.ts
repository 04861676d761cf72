import { inside, LONG, NAME, OWNED, type Row, type Table } from "./common";

/** How a directory is reached, at the place of its settings. */
const SERVER: Row[] = [
	["url", "http://dc1.example.com", "dc1.example.com", "ldaps://dc1/base", 5],
	["startTls", "yes"],
	["ca", "/etc/ssl/ca.pem", 5],
	["caFile", "ca.pem", 5],
	["serverName", "dc_1", 5],
	["user", "", 5],
	["password", "", 5],
	["timeoutSeconds", 0, 601, 1.5, "10"],
];

export const IdentityPool: Table = {
	good: { name: "web", store: { sqlite: { path: "/nonexistent/identities.sqlite" } }, count: 4, names: "web-{001}" },
	rows: [
		...OWNED,
		NAME,
		["store", "identities.sqlite", []],
		["store.sqlite", "/x.sqlite", []],
		["store.sqlite.path", "x.sqlite", "/a/../x.sqlite", "", 5],
		["store.postgres", "db.example.com"],
		["store.postgres.host", "", 5],
		["store.postgres.port", 0, 65_536, "5432"],
		["store.postgres.database", "", 5],
		["store.postgres.user", "", 5],
		["store.postgres.password", "", 5],
		["store.postgres.tls", true, "on"],
		["store.postgres.tls.ca", "/etc/ssl/ca.pem"],
		["store.postgres.tls.certificate", "/etc/ssl/client.pem"],
		["store.postgres.tls.key", "/etc/ssl/client.key"],
		["store.postgres.tls.serverName", "db_1"],
		["realm", "a b", 5],
		["count", 0, -1, 1.5, "4", 100_001],
		["names", "web", "web-{1}-{2}", "web_{1}", "{1}", "-{1}", 5, "", `${LONG}{1}`],
		["macs", "52:54:00:10:00:01", [], ["x-y"]],
		["ipv4", "10.0.0.0/24", [], ["10.0.0.9-10.0.0.1"], ["fd00::/64"], ["10.0.0.300"]],
		["ipv4Network", "10.0.0.1", 5],
		["ipv4LeaveOut", "10.0.0.5", [5]],
		["ipv6", "fd00::/64", [], ["10.0.0.0/24"], ["fd00::9-fd00::1"]],
		["ipv6Network", 5],
		["ipv6LeaveOut", "fd00::5", [5]],
		["licenceIds", "L-1", [], [5], ["L-1"], ["L-1", "L-2", "L-1", "L-4"], ["L-1", "", "L-3", "L-4"]],
		["identities", "web", [], [5]],
		["identities[0].name", "", 5],
		["identities[0].mac", "", 5],
		["identities[0].ips", "10.0.0.1", [5]],
		["identities[0].machineId", "", 5],
		["identities[0].licenceId", "", 5, LONG.repeat(5)],
		["identities[0].data", "licence", { licence: 5 }],
		["addressing", "manual", true],
		["nameservers", "10.0.0.1", [5], ["10.0.0.1"]],
		["domain", "example com", 5],
		["directory", "ldap", []],
		["directory.ldap", "ldaps://ldap.example.com"],
		...inside("directory.ldap", SERVER),
		["directory.ldap.baseDn", "machines", 5],
		["directory.ldap.objectClasses", "account", []],
		["directory.ldap.nameAttribute", "u id", 5],
		["directory.ldap.ownerAttribute", "", 5],
		["directory.ldap.passwordAttribute", "user password", 5],
		["directory.ldap.passwordHashing", "md5", true],
		["directory.ldap.attributes", "host", [], { host: 5 }],
		["directory.activeDirectory", "ldaps://dc1.example.com"],
		...inside("directory.activeDirectory", SERVER),
		["directory.activeDirectory.ou", "Pool", 5],
		["directory.activeDirectory.ownerAttribute", "", 5],
		["directory.activeDirectory.keytab", "yes"],
		["directory.activeDirectory.offlineJoin", true],
		["directory.activeDirectory.offlineJoin.domainController", "dc_1", 5],
		["directory.activeDirectory.offlineJoin.command", "net", []],
		["directory.activeDirectory.offlineJoin.timeoutSeconds", 0, "60"],
		["encryptionKey", "short", 5],
		["draining", "yes"],
		["quarantined", "web-001", [5], ["web-999"]],
	],
};

const ACCESS = { pool: "web", store: { sqlite: { path: "/nonexistent/identities.sqlite" } }, key: "" };

export const Identity: Table = {
	good: { pool: JSON.stringify(ACCESS) },
	rows: [
		["previousOwnerIds", "org/project/dev/web", { a: "b" }],
		["pool", "", 5, "web", "{}", "[1]", "null", {}],
		["prefer", "web-001", [5], [""], ["web_1"], [LONG]],
	],
};

/** Made with each pool; no program gives it anything. */
export const Lessees: Table = {
	good: { pool: JSON.stringify(ACCESS), lessees: [] },
	rows: [
		["previousOwnerIds", "org/project/dev/web"],
		["pool", "", "web"],
		["lessees", "vm", [5]],
	],
};
