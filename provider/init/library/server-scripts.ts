/** Scripts that make servers, and clients of server 0. */
import type { LibraryScript } from "./scripts";
import { kinds, setting } from "./settings";

const LATE = { kind: "customize", stage: "late" } as const;

const token = setting(
	"token",
	"What all nodes of the cluster share.",
	kinds.pattern(/^[A-Za-z0-9:._~+/=-]+$/, "allowed are letters, digits and : . _ ~ + / = -"),
	{ required: true, secret: true },
);
const nodeAddress = setting("address", "Address of this node.", kinds.address, { default: "k3s chooses" });
const nodeName = setting("name", "Name of this node.", kinds.hostName, { default: "the host name" });

const password = setting(
	"password",
	"Password of the role.",
	kinds.pattern(/^[^'\\]+$/, "allowed are characters but quotes and backslashes"),
	{ required: true, secret: true },
);
const role = setting(
	"role",
	"The role by which replicas connect.",
	kinds.pattern(/^[a-z_][a-z0-9_]{0,62}$/, "allowed are lower case letters, digits and underscores"),
	{ default: "replicator" },
);
const timeout = setting("timeoutSeconds", "How long the server is waited for, in seconds.", kinds.seconds, {
	default: "300",
});

export const serverScripts = {
	"nfs-server": {
		...LATE,
		description: "Exports a folder by NFS; installs the server where it is not there.",
		settings: [
			setting("path", "The folder; made where it is not there.", kinds.path, { required: true }),
			setting(
				"clients",
				"Who may use it: networks or names.",
				kinds.pattern(/^[A-Za-z0-9.:/*@_-]+$/, "allowed are names, addresses, networks and *"),
				{ kind: "list", default: "everybody" },
			),
			setting(
				"options",
				"Options of exports(5).",
				kinds.pattern(/^[a-z0-9_,=:@/-]+$/, "allowed are options of exports(5), separated by commas"),
				{ default: "rw,sync,no_subtree_check" },
			),
		],
	},
	"nfs-client": {
		...LATE,
		description: "Mounts a folder of an NFS server, now and at later starts; waits for the server.",
		settings: [
			setting("server", "Name or address of the server.", kinds.host, { required: true }),
			setting("path", "The folder that it exports.", kinds.path, { required: true }),
			setting("mountPoint", "Where it is mounted.", kinds.path, { default: "`path`" }),
			setting(
				"options",
				"Options of mount(8).",
				kinds.pattern(/^[^\s]+$/, "allowed are options of mount(8), separated by commas"),
				{ default: "defaults" },
			),
			timeout,
		],
	},
	"k3s-server": {
		...LATE,
		description: "Makes the machine the server of a k3s cluster; `/usr/local/bin/k3s` has to be in the image.",
		settings: [token, nodeAddress, nodeName],
	},
	"k3s-agent": {
		...LATE,
		description: "Makes the machine a node of a k3s cluster; `/usr/local/bin/k3s` has to be in the image.",
		settings: [
			setting("server", "Name or address of the server.", kinds.host, { required: true }),
			token,
			nodeAddress,
			nodeName,
		],
	},
	"postgresql-primary": {
		...LATE,
		description: "Makes the machine a PostgreSQL server that others follow; installs it where it is not there.",
		settings: [
			password,
			setting("clients", "Networks that replicas connect from.", kinds.network, { kind: "list", required: true }),
			role,
		],
	},
	"postgresql-replica": {
		...LATE,
		description: "Copies a PostgreSQL server's data and follows it; the machine's own data of PostgreSQL go.",
		settings: [
			setting("server", "Name or address of the primary.", kinds.host, { required: true }),
			password,
			role,
			timeout,
		],
	},
} satisfies Record<string, LibraryScript>;
