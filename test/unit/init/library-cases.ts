/** What each script does in images of each kind. */
import type { SettingValue } from "../../../provider/init/library";
import type { Entry } from "./library-lab";

export interface Case {
	/** What it shows, after the script's name. */
	title: string;
	script: string;
	settings: Record<string, SettingValue>;
	files?: Record<string, Entry>;
	programs?: Record<string, string>;
	/** What is in files afterwards: all of it, or what matches. */
	expected?: Record<string, string | RegExp>;
	modes?: Record<string, string>;
	links?: Record<string, string>;
	/** What was called, in this order. */
	calls?: string[];
	/** What is called when it runs again. @default nothing */
	again?: string[];
}

const ACCOUNTS = {
	"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n",
	"/etc/shadow": "root:*:19000:0:99999:7:::\nada:!:19000:0:99999:7:::\n",
	"/etc/group": "root:x:0:\nada:x:1000:\nwheel:x:10:root\nusers:x:100:\n",
	"/bin/sh": "",
};
const HASH = "$6$salt$hash/of.it";
const KEYS = "ssh-ed25519 AAAAC3NzaC1 ada@laptop\nssh-rsa AAAAB3NzaC1 it's ada";
const SYSTEMD = { "/run/systemd/system": undefined };
const ALL_ACTIVE = { systemctl: "" };
const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

export const systemCases: Case[] = [
	{
		title: "names the machine, now and later, and has the name in hosts once",
		script: "hostname",
		settings: { name: "web-1.example.org" },
		files: {
			"/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 gold\n127.0.1.1 other\n::1 localhost\n",
			"/etc/cloud/cloud.cfg.d": undefined,
			"/proc/sys/kernel/hostname": "gold\n",
		},
		expected: {
			"/etc/hostname": "web-1.example.org\n",
			"/proc/sys/kernel/hostname": "web-1.example.org\n",
			"/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 web-1.example.org web-1\n::1 localhost\n",
			"/etc/cloud/cloud.cfg.d/99-clones-hostname.cfg": "preserve_hostname: true\n",
		},
	},
	{
		title: "makes the files where there are none",
		script: "hostname",
		settings: { name: "web-1" },
		files: { "/proc/sys/kernel/hostname": "(none)\n" },
		expected: { "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 web-1\n", "/etc/hostname": "web-1\n" },
		modes: { "/etc/hosts": "644", "/etc/hostname": "644" },
	},
	{
		title: "keeps its own lines at the end, and others' as they are",
		script: "hosts-file",
		settings: { hosts: ["10.0.0.10 web-0 web-0.example.org", "fd00::11 web-1"] },
		files: {
			"/etc/hosts": "127.0.0.1 localhost\n# clones-init begin\n10.9.9.9 former\n# clones-init end\n10.0.0.1 router\n",
		},
		expected: {
			"/etc/hosts":
				"127.0.0.1 localhost\n10.0.0.1 router\n# clones-init begin\n10.0.0.10 web-0 web-0.example.org\nfd00::11 web-1\n# clones-init end\n",
		},
	},
	{
		title: "makes an account without useradd",
		script: "user",
		settings: { name: "bob", sshKeys: KEYS, passwordHash: HASH, groups: ["wheel", "users"], sudo: true },
		files: { ...ACCOUNTS, "/etc/sudoers.d": undefined },
		expected: {
			"/etc/passwd": /\nbob:x:1001:1001::\/home\/bob:\/bin\/sh\n$/,
			"/etc/shadow": /\nbob:\$6\$salt\$hash\/of\.it::0:99999:7:::\n$/,
			"/etc/group": "root:x:0:\nada:x:1000:\nwheel:x:10:root,bob\nusers:x:100:bob\nbob:x:1001:\n",
			"/home/bob/.ssh/authorized_keys": `# clones-init begin\n${KEYS}\n# clones-init end\n`,
			"/etc/sudoers.d/90-clones-bob": "bob ALL=(ALL) NOPASSWD: ALL\n",
		},
		modes: {
			"/etc/shadow": "644",
			"/home/bob": "750",
			"/home/bob/.ssh": "700",
			"/home/bob/.ssh/authorized_keys": "600",
			"/etc/sudoers.d/90-clones-bob": "440",
		},
		calls: [
			"chown 1001:1001 /home/bob",
			"chown 0:0 /etc/shadow",
			"chown 0:0 /etc/shadow",
			"chown 1001:1001 /home/bob/.ssh",
			"chown 1001:1001 /home/bob/.ssh/authorized_keys",
		],
	},
	{
		title: "makes an account with useradd where it is, and lets doas do for sudo",
		script: "user",
		settings: { name: "bob", sudo: "true", shell: "/bin/sh" },
		files: { ...ACCOUNTS, "/etc/doas.d": undefined },
		programs: { useradd: 'echo "bob:x:1001:1001::/home/bob:/bin/sh" >> "$CLONES_INIT_ROOT/etc/passwd"' },
		expected: { "/etc/doas.d/clones-bob.conf": "permit nopass bob\n", "/etc/shadow": /\nbob:!:/ },
		calls: ["useradd -m -s /bin/sh bob", "chown 0:0 /etc/shadow"],
	},
	{
		title: "adds keys to an account that is there, and keeps those that it has",
		script: "user",
		settings: { name: "ada", sshKeys: "ssh-ed25519 AAAA new" },
		files: { ...ACCOUNTS, "/home/ada/.ssh/authorized_keys": "ssh-ed25519 BBBB own\n" },
		expected: {
			"/home/ada/.ssh/authorized_keys":
				"ssh-ed25519 BBBB own\n# clones-init begin\nssh-ed25519 AAAA new\n# clones-init end\n",
			"/etc/shadow": ACCOUNTS["/etc/shadow"],
		},
		calls: ["chown 1000:1000 /home/ada/.ssh/authorized_keys"],
	},
	{
		title: "sets the hash in the file of passwords",
		script: "password",
		settings: { hash: HASH },
		files: ACCOUNTS,
		expected: { "/etc/shadow": `root:${HASH}:19000:0:99999:7:::\nada:!:19000:0:99999:7:::\n` },
		calls: ["chown 0:0 /etc/shadow"],
	},
	{
		title: "sets the hash in the file of accounts where there is no other",
		script: "password",
		settings: { name: "root", hash: HASH },
		files: { "/etc/passwd": "root::0:0:root:/root:/bin/sh\n" },
		expected: { "/etc/passwd": `root:${HASH}:0:0:root:/root:/bin/sh\n` },
		calls: ["chown 0:0 /etc/passwd"],
	},
	{
		title: "installs what is lacking with apt, and asks nothing",
		script: "packages",
		settings: { names: ["nginx", "curl"] },
		programs: {
			"dpkg-query": '[ "$4" = nginx ] && [ ! -e "$CALLS.done" ] || printf installed',
			"apt-get": 'echo " $DEBIAN_FRONTEND" >> "$CALLS"; [ "$2" = update ] || : > "$CALLS.done"',
		},
		calls: [
			"dpkg-query --show --showformat ${db:Status-Status} nginx",
			"dpkg-query --show --showformat ${db:Status-Status} curl",
			"apt-get -q update",
			" noninteractive",
			"apt-get -q -y -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 install nginx",
			" noninteractive",
		],
		again: [
			"dpkg-query --show --showformat ${db:Status-Status} nginx",
			"dpkg-query --show --showformat ${db:Status-Status} curl",
		],
	},
	...(
		[
			["dnf", "rpm", "dnf -q -y install nginx", "rpm --quiet -q --whatprovides nginx"],
			["zypper", "rpm", "zypper --non-interactive --quiet install nginx", "rpm --quiet -q --whatprovides nginx"],
			["apk", "apk", "apk -q --no-cache add nginx", "apk info -q -e nginx"],
		] as const
	).map(
		([manager, asked, installed, question]): Case => ({
			title: `installs what is lacking with ${manager}, and then nothing`,
			script: "packages",
			settings: { names: "nginx" },
			programs: {
				[manager]: 'case "$*" in *info*) [ -e "$CALLS.done" ]; exit ;; *) : > "$CALLS.done" ;; esac',
				...(asked === "rpm" && { rpm: '[ -e "$CALLS.done" ]' }),
			},
			calls: [question, installed],
			again: [question],
		}),
	),
	{
		title: "is a link to the zone, and its name for Debian's tools",
		script: "time-zone",
		settings: { zone: "Europe/Berlin" },
		files: {
			"/usr/share/zoneinfo/Europe/Berlin": "",
			"/etc/localtime": { link: "/none" },
			"/etc/debian_version": "12",
		},
		links: { "/etc/localtime": "../usr/share/zoneinfo/Europe/Berlin" },
		expected: { "/etc/timezone": "Europe/Berlin\n" },
	},
	{ title: "is UTC without any data of zones", script: "time-zone", settings: { zone: "UTC" }, expected: {} },
	{
		title: "makes the locale that is not there yet",
		script: "locale",
		settings: { locale: "en_GB.UTF-8" },
		files: {
			...SYSTEMD,
			"/etc/locale.gen": "# en_GB.UTF-8 UTF-8\n",
			"/etc/default": undefined,
			"/etc/profile.d": undefined,
		},
		programs: { locale: '[ ! -e "$CALLS.made" ] || echo en_GB.utf8', "locale-gen": ': > "$CALLS.made"' },
		expected: {
			"/etc/locale.gen": "# en_GB.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\n",
			"/etc/default/locale": "LANG=en_GB.UTF-8\n",
			"/etc/locale.conf": "LANG=en_GB.UTF-8\n",
			"/etc/profile.d/90-clones-locale.sh": "export LANG=en_GB.UTF-8\n",
		},
		calls: ["locale -a", "locale-gen ", "locale -a"],
		again: ["locale -a"],
	},
	...(
		[
			["update-ca-certificates", "/usr/local/share/ca-certificates", {}],
			["update-ca-certificates", "/etc/pki/trust/anchors", { "/etc/pki/trust/anchors": undefined }],
			["update-ca-trust", "/etc/pki/ca-trust/source/anchors", {}],
		] as const
	).map(
		([program, folder, files]): Case => ({
			title: `puts each into a file of its own in ${folder}`,
			script: "certificates",
			settings: { certificates: [pem("QUFB\nQkJC"), pem("Q0ND")] },
			files,
			programs: { [program]: "" },
			expected: { [`${folder}/clones-1.crt`]: pem("QUFB\nQkJC"), [`${folder}/clones-2.crt`]: pem("Q0ND") },
			calls: [`${program} `],
		}),
	),
	{
		title: "is enabled and restarted by systemd",
		script: "service",
		settings: { name: "nginx", action: "restart", enabled: true },
		files: SYSTEMD,
		programs: ALL_ACTIVE,
		calls: ["systemctl --quiet enable nginx", "systemctl --quiet restart nginx"],
		again: ["systemctl --quiet enable nginx", "systemctl --quiet restart nginx"],
	},
	{
		title: "is added to the run level of OpenRC, and started",
		script: "service",
		settings: { name: "nginx", enabled: true },
		programs: { "rc-service": "", "rc-update": "" },
		calls: ["rc-update --quiet add nginx default", "rc-service --quiet nginx start"],
		again: ["rc-update --quiet add nginx default", "rc-service --quiet nginx start"],
	},
	{
		title: "has its parameters in it, and all else as it was",
		script: "file",
		settings: {
			path: "/srv/a b/app.conf",
			content: "name=${CLONE_HOSTNAME} ${HOME} $(id) `id` '\"\\n' {instance}\n\n${CLONE_HOSTNAME}${CLONE_PORT}\n\n",
			mode: "0640",
			owner: "ada:users",
		},
		expected: { "/srv/a b/app.conf": "name=web&1\\ ${HOME} $(id) `id` '\"\\n' {instance}\n\nweb&1\\80\n\n" },
		modes: { "/srv/a b/app.conf": "640" },
		calls: ["chown ada:users /srv/a b/app.conf"],
		again: ["chown ada:users /srv/a b/app.conf"],
	},
];
