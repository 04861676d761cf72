/** What the scripts of servers and their clients do. */
import type { Case } from "./library-cases";

const SYSTEMD = { "/run/systemd/system": undefined };
const QUIET = { systemctl: "" };
const FSTAB = "LABEL=debian / ext4 errors=remount-ro 0 1\n";
const K3S = { "/usr/local/bin/k3s": "" };
/** Debian's, and nothing of it runs here. */
const POSTGRESQL = {
	"/etc/postgresql/15/main/postgresql.conf": "port = 5432\n",
	"/etc/postgresql/15/main/pg_hba.conf": "local all all peer\n",
	"/var/lib/postgresql/15/main/PG_VERSION": "15\n",
};
const STDIN = `while read -r line; do echo " $line" >> "$CALLS"; done`;
/** Does what a copy does, where the command's option says. */
const COPY = `case $* in *pg_basebackup*)
	to=\${*#*--pgdata=}; to=\${to%% *}
	mkdir "$to"; : > "$to/standby.signal"; echo 16 > "$to/PG_VERSION"
esac`;
const SQL = [
	" SET log_statement = 'none';",
	" SET log_min_error_statement = 'panic';",
	" SELECT 'CREATE ROLE replicator' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \\gexec",
	" ALTER ROLE replicator WITH LOGIN REPLICATION PASSWORD 'a:b$(id)';",
];
const PSQL = "su -s /bin/sh postgres -c psql -q -v ON_ERROR_STOP=1 -d postgres";

export const serverCases: Case[] = [
	{
		title: "exports a folder",
		script: "nfs-server",
		settings: { path: "/srv/shared", clients: ["10.0.0.0/24", "*"] },
		files: SYSTEMD,
		programs: { ...QUIET, exportfs: "" },
		expected: {
			"/etc/exports.d/clones-srv-shared.exports":
				"/srv/shared 10.0.0.0/24(rw,sync,no_subtree_check) *(rw,sync,no_subtree_check)\n",
		},
		modes: { "/srv/shared": "755" },
		calls: ["systemctl --quiet enable nfs-server", "systemctl --quiet start nfs-server", "exportfs -ra"],
		again: ["systemctl --quiet enable nfs-server", "systemctl --quiet start nfs-server"],
	},
	{
		title: "mounts a folder once the server is there, and again at later starts",
		script: "nfs-client",
		settings: { server: "fd00::10", path: "/srv/shared", mountPoint: "/mnt/shared", timeoutSeconds: 9 },
		files: { "/etc/fstab": `${FSTAB}old:/ /mnt/shared nfs defaults 0 0`, "/proc/mounts": "" },
		programs: {
			"mount.nfs": "",
			sleep: "",
			mount: `if [ ! -e "$CALLS.tried" ]; then : > "$CALLS.tried"; echo "no route" >&2; exit 32; fi
				echo "[fd00::10]:/srv/shared /mnt/shared nfs4 rw 0 0" > "$CLONES_INIT_ROOT/proc/mounts"`,
		},
		expected: { "/etc/fstab": `${FSTAB}[fd00::10]:/srv/shared /mnt/shared nfs _netdev,defaults 0 0\n` },
		calls: ["mount /mnt/shared", "sleep 5", "mount /mnt/shared"],
	},
	{
		title: "has its token in a file that root alone reads, and its unit",
		script: "k3s-server",
		settings: { token: "K10::server:abc", address: "10.0.0.10", name: "web-0" },
		files: { ...SYSTEMD, ...K3S },
		programs: QUIET,
		expected: {
			"/etc/rancher/k3s/config.yaml": 'token: "K10::server:abc"\nnode-ip: "10.0.0.10"\nnode-name: "web-0"\n',
			"/etc/systemd/system/k3s.service": /\nType=notify\n.*\nExecStart=\/usr\/local\/bin\/k3s server\n/s,
		},
		modes: { "/etc/rancher/k3s/config.yaml": "600" },
		calls: ["systemctl daemon-reload", "systemctl --quiet enable k3s", "systemctl --quiet restart k3s"],
		again: ["systemctl --quiet enable k3s", "systemctl --quiet start k3s"],
	},
	{
		title: "joins its server, with OpenRC",
		script: "k3s-agent",
		settings: { token: "abc", server: "10.0.0.10" },
		files: K3S,
		programs: { "rc-service": "", "rc-update": "" },
		expected: {
			"/etc/rancher/k3s/config.yaml": 'token: "abc"\nserver: "https://10.0.0.10:6443"\n',
			"/etc/init.d/k3s-agent": /^#!\/sbin\/openrc-run\n.*\ncommand_args=agent\n/s,
		},
		modes: { "/etc/init.d/k3s-agent": "755" },
		calls: ["rc-update --quiet add k3s-agent default", "rc-service --quiet k3s-agent restart"],
		again: ["rc-update --quiet add k3s-agent default", "rc-service --quiet k3s-agent start"],
	},
	{
		title: "lets replicas in, and gives their role its password on standard input",
		script: "postgresql-primary",
		settings: { password: "a:b$(id)", clients: ["10.0.0.0/24", "fd00::/64"] },
		files: { ...SYSTEMD, ...POSTGRESQL },
		programs: { ...QUIET, psql: "", su: STDIN },
		expected: {
			"/etc/postgresql/15/main/pg_hba.conf": `local all all peer
# clones-init begin
host replication replicator 10.0.0.0/24 scram-sha-256
host replication replicator fd00::/64 scram-sha-256
# clones-init end
`,
			"/etc/postgresql/15/main/postgresql.conf": /^port = 5432\n# clones-init begin\nlisten_addresses = '\*'\n/,
		},
		modes: { "/etc/postgresql/15/main/pg_hba.conf": "640" },
		calls: [
			"chown postgres:postgres /etc/postgresql/15/main/pg_hba.conf",
			"chown postgres:postgres /etc/postgresql/15/main/postgresql.conf",
			"systemctl --quiet enable postgresql",
			"systemctl --quiet restart postgresql",
			PSQL,
			...SQL,
		],
		again: ["systemctl --quiet enable postgresql", "systemctl --quiet start postgresql", PSQL, ...SQL],
	},
	{
		title: "takes a copy of the primary once that answers, in place of its own data",
		script: "postgresql-replica",
		settings: { server: "web-0", password: "a:b" },
		files: { ...SYSTEMD, ...POSTGRESQL },
		programs: { ...QUIET, psql: "", su: COPY },
		expected: {
			"/var/lib/postgresql/15/main/PG_VERSION": "16\n",
			"/var/lib/postgresql/15/.clones-pgpass": "*:*:*:replicator:a\\:b\n",
		},
		modes: { "/var/lib/postgresql/15/.clones-pgpass": "600" },
		calls: [
			"chown postgres:postgres /var/lib/postgresql/15/.clones-pgpass",
			"su -s /bin/sh postgres -c pg_basebackup --no-password --write-recovery-conf --checkpoint=fast --pgdata=/var/lib/postgresql/15/main.new --dbname='host=web-0 user=replicator passfile=/var/lib/postgresql/15/.clones-pgpass'",
			"systemctl --quiet stop postgresql",
			"systemctl --quiet enable postgresql",
			"systemctl --quiet start postgresql",
		],
		again: ["systemctl --quiet enable postgresql", "systemctl --quiet start postgresql"],
	},
];
