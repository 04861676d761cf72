import * as pulumi from "@pulumi/pulumi";
import {
	ForkedVMSet,
	ForkPoint,
	IdentityPool,
	Network,
	StoragePool,
	ThinClonePool,
	Volume,
} from "pulumi-libvirt-clones";

const config = new pulumi.Config();
const domain = config.require("domain");
const realm = domain.toUpperCase();
const domainController = config.require("domainController");
const store = config.get("store");

// Each identity has its computer account before there is a machine for it.
const members = new IdentityPool("members", {
	names: "node-{01}",
	count: 5,
	macs: ["52:54:00:15:40:01-52:54:00:15:40:ff"],
	ipv4: ["192.168.154.10-192.168.154.99"],
	ipv4Network: "192.168.154.1/24",
	// As servers have them; without it the network's DHCP server gives them out: `dhcp: { hosts: members.reservations }`.
	addressing: "static",
	directory: {
		activeDirectory: {
			url: config.get("url") ?? `ldaps://${domainController}`,
			serverName: domainController,
			caFile: config.require("caFile"),
			ou: config.require("ou"),
			user: config.require("user"),
			password: config.requireSecret("password"),
			// Only for winbind: needs Samba's `net` on the machine that runs Pulumi.
			offlineJoin: { domainController },
		},
	},
	...(store === undefined ? {} : { store: { sqlite: { path: store } } }),
});

const pool = new StoragePool("domain-joined", { path: config.require("poolPath") });
const network = new Network("domain-joined", {
	ipv4: "192.168.154.1/24",
	dhcp: { enabled: false },
	// The machines find the domain's services by DNS.
	extraXml: `<network><dns><forwarder domain="${domain}" addr="${config.require("nameServer")}"/></dns></network>`,
});
const gold = new Volume("gold", { pool, source: { file: config.require("image") } });

const common = {
	base: gold,
	network,
	domain: { memoryMiB: 512 },
	identityPool: members,
	// Much, for hosts without KVM.
	waitFor: { address: "auto", timeoutSeconds: 600 },
} as const;

const kerberosFile = {
	path: "/etc/krb5.conf",
	content: `[libdefaults]\n\tdefault_realm = ${realm}\n\trdns = false\n`,
};

// /etc/krb5.keytab is all that services such as sshd, NFS and Apache need.
const kerberos = new ThinClonePool("kerberos", {
	...common,
	count: config.requireNumber("kerberosMachines"),
	customize: { channel: "guest-agent", files: [kerberosFile] },
});

// Users and groups of the domain, and Samba's file shares, need winbind.
const winbind = new ThinClonePool("winbind", {
	...common,
	count: config.requireNumber("winbindMachines"),
	customize: {
		channel: "guest-agent",
		files: [
			kerberosFile,
			{
				path: "/etc/samba/member.conf",
				content: `[global]
	security = ads
	realm = ${realm}
	workgroup = ${config.require("workgroup")}
	# The pool makes new passwords; one that winbind made would not be in the keytab.
	machine password timeout = 0
	idmap config * : backend = tdb
	idmap config * : range = 100000-199999
`,
			},
		],
	},
});

// Where members are wanted at once: they go on from a machine that is up, and get their keytab before they have a network.
// The directory is asked whether it takes them for members; one that it does not is stopped, and `up` says why.
const count = config.getNumber("forkedMachines") ?? 0;
const parent =
	count === 0
		? undefined
		: new ForkPoint("parent", {
				base: gold,
				pool,
				domain: { memoryMiB: 512 },
				files: [kerberosFile],
				timeoutSeconds: 600,
			});
const forks = parent && new ForkedVMSet("forked", { parent, count, identityPool: members, network });

export const forked = forks?.children;
export const machines = pulumi.all([kerberos.instances, winbind.instances]).apply((pools) => pools.flat());
