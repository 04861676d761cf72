import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
	libraryScripts,
	type SettingValue,
	scriptOf,
	settingProblems,
	valueProblems,
} from "../../../provider/init/library";
import { InputError } from "../../../provider/lifecycle";
import { Lab, SHELLS } from "./library-lab";

const FOLDER = join(__dirname, "../../../../guest/init/library");
type Settings = Record<string, SettingValue>;

/** Each is refused before anything is made: script, settings, what is said. */
const BAD: Array<[string, Settings, RegExp]> = [
	["hostnam", {}, /^library: got "hostnam"; allowed are "?hostname.*; did you mean "hostname"\?$/],
	["hostname", {}, /^name: is required; allowed are labels of 1 to 63/],
	["hostname", { name: "web_1" }, /^name: got "web_1"; allowed are labels/],
	["hostname", { name: "" }, /^name: got ""; allowed are labels/],
	["hostname", { name: ["web", "db"] }, /^name: got \["web","db"\]; allowed are labels/],
	["hostname", { name: "web-{instence}" }, /^name: got "web-\{instence\}": /],
	["hostname", { name: { list: ["a"], table: {} } }, /^name: got table and list; allowed is exactly one of/],
	["hostname", { name: { tabel: {} } as never }, /^name.tabel: .*did you mean "table"/],
	["password", { hash: "$6$a$b{c" }, /^hash: got a value that is not shown, whose expressions cannot be read/],
	["hostname", { nam: "web", name: "web" }, /^nam: .*did you mean "name"/],
	["hostname", { name: `{${"a".repeat(1024)}}` }, /^name: got .*; in one line of at most 1024 characters/],
	["static-address", { address: "10.0.0.10" }, /^address: got "10.0.0.10"; allowed is an address with its prefix/],
	["static-address", { address: "10.0.0.10/33" }, /^address: got "10.0.0.10\/33"; allowed/],
	["static-address", { address: ["10.0.0.10/24", "fd00::/129"] }, /^address: got \[.*; allowed/],
	["static-address", { address: "10.0.0.10/24", gateway: "10.0.0.1/24" }, /^gateway: got .* without a prefix/],
	["static-address", { address: "10.0.0.10/24", dns: "dns.example" }, /^dns: got "dns.example"; allowed/],
	["static-address", { address: "10.0.0.10/24", interface: "eth 0" }, /^interface: got "eth 0"; allowed/],
	["dhcp-client-id", { id: 'a";' }, /^id: got .*; allowed are 1 to 64 letters/],
	["ipv6", { mode: "on" }, /^mode: got "on"; allowed are off, auto and static/],
	["ipv6", { mode: "static" }, /^address: is required; with mode static allowed is/],
	["ipv6", { mode: "static", address: "10.0.0.10/24" }, /^address: got .*; allowed is an address of IPv6/],
	["ipv6", { address: "fd00::1/64" }, /^address: is given with mode auto; allowed is that with mode static/],
	[
		"hosts-file",
		{ hosts: ["10.0.0.10 web-0", "web-1"] },
		/^hosts: got \[.*; allowed are lines of an address and names/,
	],
	["hosts-file", { hosts: { table: { "0": "10.0.0.1 a" } } }, /^hosts: got .*; allowed are lines/],
	["user", { name: "Ada" }, /^name: got "Ada"; allowed are 1 to 32 lower case letters/],
	["user", { name: "ada", sshKeys: "AAAAC3NzaC1" }, /^sshKeys: got .*; allowed are lines of authorized_keys/],
	["user", { name: "ada", passwordHash: "hunter2" }, /^passwordHash: got a value that is not shown; allowed is a hash/],
	["user", { name: "ada", groups: ["sudo", "a,b"] }, /^groups: got .*; allowed/],
	["user", { name: "ada", sudo: "yes" }, /^sudo: got "yes"; allowed are true and false/],
	["user", { name: "ada", shell: "sh" }, /^shell: got "sh"; allowed is an absolute path/],
	["password", {}, /^hash: is required; allowed is a hash/],
	["packages", { names: ["--purge"] }, /^names: got .*; allowed are names of packages/],
	["packages", { names: [] }, /^names: got \[\]; allowed are names of packages/],
	["packages", { names: [`{${"a".repeat(1024)}}`] }, /^names: got .*; in one line of at most 1024 characters/],
	["locale", { locale: "en GB" }, /^locale: got "en GB"; allowed is a locale/],
	["time-zone", { zone: "../../etc/shadow" }, /^zone: got .*; allowed is a name such as Europe\/Berlin/],
	["certificates", { certificates: "MIIB" }, /^certificates: got "MIIB"; allowed are certificates in PEM/],
	["service", { name: "nginx; id" }, /^name: got .*; allowed is the name of a service/],
	[
		"service",
		{ name: "nginx", action: "kill" },
		/^action: got "kill"; allowed are start, restart, reload, stop and none/,
	],
	["file", { path: "etc/motd", content: "" }, /^path: got "etc\/motd"; allowed is an absolute path without '..'/],
	["file", { path: "/etc/../motd", content: "a" }, /^path: got .*; allowed is an absolute path without '..'/],
	["file", { path: "/etc/motd", content: "a\0" }, /^content: got .*; allowed is text/],
	["file", { path: "/etc/motd", content: "a", mode: "rw" }, /^mode: got "rw"; allowed is an octal mode/],
	["file", { path: "/etc/motd", content: "a", owner: "a b" }, /^owner: got "a b"; allowed is ACCOUNT/],
	["nfs-server", { path: "srv" }, /^path: got "srv"; allowed is an absolute path/],
	["nfs-client", { server: "a b", path: "/srv" }, /^server: got "a b"; allowed is a host name or an address/],
	["nfs-client", { server: "a", path: "/srv", timeoutSeconds: 0 }, /^timeoutSeconds: got 0; allowed is a whole number/],
	["k3s-server", { token: "a b" }, /^token: got a value that is not shown; allowed are letters/],
	["k3s-agent", { token: "ab", server: "https://a" }, /^server: got .*; allowed is a host name or an address/],
	["postgresql-primary", { password: "a'b", clients: "10.0.0.0/8" }, /^password: got a value that is not shown/],
	["postgresql-primary", { password: "ab", clients: "all" }, /^clients: got "all"; allowed are networks/],
	["postgresql-replica", { password: "ab", server: "a", role: "R" }, /^role: got "R"; allowed are lower case/],
];

/** What settings do not show, because it is computed in the guest: script, values, what the script says. */
const BAD_IN_GUEST: Array<[string, Settings, string]> = [
	["hostname", { name: "{id}_b" }, 'name: got "{id}_b"; allowed are labels'],
	["hostname", { name: "{id}-.a" }, 'name: got "{id}-.a"; allowed are labels'],
	["static-address", { address: "{id}/24" }, 'address: got "{id}/24"; allowed is an address with its prefix'],
	[
		"static-address",
		{ address: "10.0.0.1/24", interface: "eth{id}" },
		'interface: got "eth{id}"; allowed is one that is there: eth0',
	],
	[
		"static-address",
		{ address: "10.0.0.1/24", gateway: "{id}" },
		'gateway: got "{id}"; allowed is an address without a prefix',
	],
	["dhcp-client-id", { id: "{id}" }, 'id: got "{id}"; allowed are 1 to 64 letters'],
	["dhcp-client-id", { id: "web" }, "no DHCP client is known here: allowed are images with netplan"],
	["ipv6", { mode: "{id}" }, 'mode: got "{id}"; allowed are off auto static'],
	["user", { name: "{id}" }, 'name: got "{id}"; allowed are 1 to 32 lower case letters'],
	["user", { name: "ada", shell: "/bin/zsh" }, 'shell: got "/bin/zsh"; allowed is a program that is there'],
	["user", { name: "ada", groups: "docker" }, 'groups: got "docker"; allowed are groups that are there'],
	["user", { name: "ada", sudo: true }, 'sudo: got "true"; allowed is that where sudo or doas is'],
	[
		"user",
		{ name: "ada", passwordHash: "secret{id}" },
		"passwordHash: got a value that is not shown; allowed is a hash",
	],
	[
		"password",
		{ name: "bob", hash: "$6$a$b" },
		'name: got "bob"; allowed is an account that is there; the script user makes one',
	],
	["password", { hash: "secret{id}" }, "hash: got a value that is not shown; allowed is a hash"],
	["packages", { names: "{id}" }, 'names: got "{id}"; allowed are names of packages'],
	["packages", { names: "nginx" }, "there is no package manager: allowed are images with apt-get, dnf, apk or zypper"],
	[
		"certificates",
		{ certificates: "-----BEGIN CERTIFICATE-----\nQUFB\n-----END CERTIFICATE-----" },
		"there is no update-ca-certificates and no update-ca-trust",
	],
	["locale", { locale: "{id}" }, 'locale: got "{id}"; allowed is a locale such as'],
	[
		"time-zone",
		{ zone: "Europe/Berlin" },
		'zone: got "Europe/Berlin"; allowed is UTC where no time zones are: install the package tzdata before',
	],
	["service", { name: "nginx" }, 'name: got "nginx"; there is no such service: neither systemd nor OpenRC runs'],
	["file", { path: "/etc", content: "a" }, 'path: got "/etc"; there is a folder'],
	["file", { path: "/{id}/../etc/motd", content: "a" }, 'path: got "/{id}/../etc/motd"; allowed is an absolute path'],
	[
		"file",
		{ path: "/etc/motd", content: "a ${CLONE_NONE}" },
		"content: got ${CLONE_NONE}; allowed are parameters that there are",
	],
	["nfs-server", { path: "/{ id }" }, 'path: got "/{ id }"; allowed is an absolute path without spaces'],
	["k3s-server", { token: "secret {id}" }, "token: got a value that is not shown; allowed are letters"],
	[
		"k3s-server",
		{ token: "abc" },
		"there is no /usr/local/bin/k3s: put the program k3s there before this image is cloned",
	],
	[
		"postgresql-primary",
		{ password: "secret'{id}", clients: "10.0.0.0/8" },
		"password: got a value that is not shown; allowed are characters but quotes",
	],
	[
		"postgresql-replica",
		{ password: "ab", server: "{ id }" },
		'server: got "{ id }"; allowed is the name or address of the primary',
	],
];

const GUEST = {
	"/etc/passwd": "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n",
	"/etc/group": "root:x:0:\n",
	"/bin/sh": "",
	"/sys/class/net/eth0/address": "52:54:00:00:00:01\n",
	"/sys/class/net/eth0/type": "1\n",
	"/sys/class/net/eth0/device": undefined,
};

describe("settings of the library's scripts", () => {
	it("are refused with what is allowed", () => {
		for (const [script, settings, expected] of BAD) {
			const told = settingProblems(script, settings).map(({ property, message }) => `${property}: ${message}`);
			assert.match(told.join("\n"), expected);
			assert.equal(told.length, 1, script);
			assert.throws(() => scriptOf(script, settings), InputError);
		}
	});

	it("are named by where they stand", () => {
		const [problem] = settingProblems("hostname", { name: "-" }, ["init", 2, "with"]);
		assert.deepEqual([problem!.property, problem!.path], ["init[2].with.name", ["init", 2, "with", "name"]]);
	});

	it("may be templates and mappings, which are looked at once they are computed", () => {
		const table = { table: { "0": "db" }, default: "web" };
		assert.deepEqual(scriptOf("hostname", { name: table }).parameters, { "hostname-name": table });
		const ready = scriptOf(
			"static-address",
			{ address: ["10.0.0.{instance + 10}/24", "fd00::{instance:x}/64"] },
			"second",
		);
		assert.deepEqual(ready.parameters, { "second-address": "10.0.0.{instance + 10}/24 fd00::{instance:x}/64" });
		assert.match(ready.content, /^SETTING_ADDRESS=\$\{CLONE_SECOND_ADDRESS-\}$/m);
		assert.deepEqual(valueProblems("static-address", { "static-address-address": "10.0.0.10/24 fd00::a/64" }), []);
		const problems = valueProblems("static-address", { "second-address": "10.0.0.256/24" }, "second");
		assert.match(problems[0]!.message, /^comes to "10.0.0.256\/24"; allowed is an address with its prefix/);
		const [secret] = valueProblems("password", { "password-hash": "hunter2" });
		assert.match(secret!.message, /^comes to a value that is not shown; allowed is a hash/);
	});

	it("that are secrets are told, and are not in the script", () => {
		const { content, secretParameters } = scriptOf("user", { name: "ada", passwordHash: "$6$salt$hash" });
		assert.deepEqual(secretParameters, ["user-password-hash"]);
		assert.doesNotMatch(content, /salt/);
	});

	it("are described for each script that there is, as its own comment has them", () => {
		const files = readdirSync(FOLDER).filter((name) => name !== "parts");
		assert.deepEqual(files.toSorted(), Object.keys(libraryScripts).toSorted());
		for (const [name, { settings }] of Object.entries(libraryScripts)) {
			const content = scriptOf(name, exampleOf(name)).content;
			const told = [...content.matchAll(/^#\s+SETTING_([A-Z_]+) /gm)].map(([, own]) => own);
			const variable = (own: string) => own.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
			assert.deepEqual(told.toSorted(), settings.map((own) => variable(own.name)).toSorted(), name);
			assert.doesNotMatch(content, /^\. /m, `${name} needs a file that is not there`);
		}
	});
});

describe("the library's scripts in a guest", () => {
	it("say what is wrong with what was computed, and change nothing", async () => {
		const labs = SHELLS.map((shell) => ({ shell, lab: new Lab(GUEST, { sleep: "" }) }));
		try {
			for (const [script, settings, expected] of BAD_IN_GUEST) {
				await Promise.all(
					labs.map(async ({ shell, lab }) => {
						const before = lab.tree();
						const { status, error } = await lab.run(shell, script, settings);
						assert.notEqual(status, 0, script);
						assert.ok(error.startsWith(expected), `${shell}: ${error}`);
						assert.equal(error.split("\n").length, 2, error);
						assert.deepEqual(lab.tree(), before);
					}),
				);
			}
		} finally {
			for (const { lab } of labs) lab.remove();
		}
	});

	it("give no secret to another program as an argument", async () => {
		const files = { ...GUEST, "/etc/shadow": "root:*:1:::::::\nada:!:1:::::::\n", "/usr/local/bin/k3s": "" };
		const cases: Array<[string, Settings]> = [
			["user", { name: "ada", passwordHash: "$6$hidden$a" }],
			["password", { hash: "$6$hidden$a" }],
			["k3s-server", { token: "hidden" }],
			["file", { path: "/etc/key", content: "hidden ${CLONE_KEY}", mode: "600" }],
		];
		for (const shell of SHELLS) {
			const lab = new Lab(files, { "rc-service": "", "rc-update": "" }, true);
			try {
				for (const [script, settings] of cases) {
					const { status, error, calls } = await lab.run(shell, script, settings, { CLONE_KEY: "hidden" });
					assert.deepEqual([status, error], [0, ""]);
					assert.ok(
						calls.some((call) => /^(awk|chmod) /.test(call)),
						"the tools were not watched",
					);
					assert.doesNotMatch(calls.join("\n"), /hidden/);
				}
				for (const path of ["/etc/shadow", "/etc/rancher/k3s/config.yaml", "/etc/key"])
					assert.match(lab.read(path), /hidden/);
			} finally {
				lab.remove();
			}
		}
	});

	it("run by themselves, with their settings in the environment", async () => {
		const lab = new Lab({ "/proc/sys/kernel/hostname": "gold\n" });
		try {
			for (const shell of SHELLS) {
				const { status, error } = await lab.alone(shell, join(FOLDER, "hostname"), { SETTING_NAME: `by-${shell}` });
				assert.deepEqual([status, error], [0, ""]);
				assert.equal(lab.read("/etc/hostname"), `by-${shell}\n`);
			}
		} finally {
			lab.remove();
		}
	});
});

/** Settings that a script takes. */
function exampleOf(name: string): Settings {
	const examples: Record<string, Settings> = {
		hostname: { name: "a" },
		"static-address": { address: "10.0.0.1/24" },
		"dhcp-client-id": { id: "mac" },
		"hosts-file": { hosts: "10.0.0.1 a" },
		user: { name: "ada" },
		password: { hash: "!" },
		packages: { names: "curl" },
		certificates: { certificates: "-----BEGIN CERTIFICATE-----\nQUFB\n-----END CERTIFICATE-----" },
		locale: { locale: "C" },
		"time-zone": { zone: "UTC" },
		service: { name: "ssh" },
		file: { path: "/a", content: "a" },
		"nfs-server": { path: "/srv" },
		"nfs-client": { server: "a", path: "/srv" },
		"k3s-server": { token: "a" },
		"k3s-agent": { token: "a", server: "a" },
		"postgresql-primary": { password: "a", clients: "10.0.0.0/8" },
		"postgresql-replica": { password: "a", server: "a" },
	};
	return examples[name] ?? {};
}
