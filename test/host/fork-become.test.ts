import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
	chmodSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identityText } from "../../provider/fork/guest";

const SHELLS = ["dash", "busybox ash"];

/** The script by which a child becomes somebody, with an /etc of its own and without a guest. */
describe("becoming somebody", () => {
	let folder: string;
	const etc = (path: string) => join(folder, "etc", path);
	const identity = {
		hostname: "blue",
		machineId: "0123456789abcdef".repeat(2),
		hostKeys: [{ type: "ed25519" as const, privateKey: "PRIVATE\nKEY\n", publicKey: "ssh-ed25519 AAAA blue" }],
		files: [
			{ path: '/etc/odd/a b" $(id)', content: "it's\n$HOME `id`", mode: "0755", encoding: "text" as const },
			{ path: "/etc/odd/deep/bytes", content: "AAE=", mode: "640", encoding: "base64" as const },
		],
	};

	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "clones-become-"));
		for (const name of ["etc/ssh", "etc/odd", "var/lib/pulumi-libvirt-clones"])
			mkdirSync(join(folder, name), { recursive: true });
		cpSync(join(__dirname, "../../../guest/fork"), join(folder, "fork"), { recursive: true });
		const core = Buffer.from(readFileSync(join(folder, "fork/core.base64"), "utf8"), "base64");
		writeFileSync(join(folder, "fork/core"), core, { mode: 0o755 });
		writeFileSync(etc("hosts"), "127.0.0.1 localhost\n127.0.1.1\told.example.com old\n::1 ip6-localhost");
		writeFileSync(etc("machine-id"), "uninitialized\n");
	});
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	for (const shell of SHELLS) {
		it(`gives name, machine-id, keys and files to ${shell}, whatever was there before`, () => {
			const opened = etc("ssh/ssh_host_ed25519_key");
			writeFileSync(opened, "the parent's");
			chmodSync(opened, 0o666);
			writeFileSync(etc('odd/a b" $(id)'), "the parent's");
			const { said } = become(shell, identity);
			assert.match(said, /^random [0-9a-f]{64}\ntime \d{10}\.\d{3} \d+\.\d{3}\nhostname blue\n/);
			assert.match(said, /\nmachineId (0123456789abcdef){2}\nhostKey ssh-ed25519 AAAA blue\nuptime \d+\.\d\d /);
			assert.notEqual(become(shell, identity).said.split("\n")[0], said.split("\n")[0]);
			assert.equal(readFileSync(etc("hosts"), "utf8"), "127.0.0.1 localhost\n127.0.1.1 blue\n::1 ip6-localhost\n");
			assert.equal(readFileSync(etc("hostname"), "utf8"), "blue\n");
			const found = [
				"ssh/ssh_host_ed25519_key",
				"ssh/ssh_host_ed25519_key.pub",
				'odd/a b" $(id)',
				"odd/deep/bytes",
			].map((path) => [(statSync(etc(path)).mode & 0o777).toString(8), readFileSync(etc(path), "utf8")]);
			assert.deepEqual(found, [
				["600", "PRIVATE\nKEY\n"],
				["644", "ssh-ed25519 AAAA blue"],
				["755", "it's\n$HOME `id`"],
				["640", "\0\u0001"],
			]);
			assert.ok(existsSync(join(folder, "var/lib/pulumi-libvirt-clones/identified")));
		});
	}

	for (const shell of SHELLS) {
		it(`takes no other processes than ${shell} and one more`, () => {
			writeFileSync(etc("ssh/ssh_host_ed25519_key"), "the parent's");
			const files = [{ path: "/etc/odd/file", content: "text", mode: "0600", encoding: "text" as const }];
			assert.equal(become(shell, { ...identity, files }).processes, 2);
		});
	}

	for (const shell of SHELLS) {
		it(`is connected by no other processes than ${shell} and three more, where nothing waits for that`, () => {
			const { said, processes } = inNamespaces(
				["--net"],
				[
					"mount -t tmpfs none /run; mkdir /run/pulumi-libvirt-clones; : > /run/nologin",
					"ip link add eth9 address 52:54:00:00:00:77 type veth peer name other",
					"ip addr add 10.0.0.7/8 dev eth9",
				],
				`$2 "$1/fork/connect" 30 52:54:00:00:00:77 10.0.0.7 && [ -e /run/pulumi-libvirt-clones/forked -a ! -e /run/nologin ]`,
				shell,
			);
			assert.equal(said, "interface eth9\naddress 10.0.0.7/8\ncommands 0\n");
			assert.equal(processes, 4);
		});
	}

	it("does nothing without a seed", () => {
		for (const input of [
			"named 'red'\n",
			"at -\n",
			"at '-'\nnamed 'red'\n",
			`seed '${"A".repeat(40)}'\nat '-'\n`,
			"",
		]) {
			assert.throws(() => run("dash", input), /got no seed|took no seed \(step 1\)/, input);
		}
		assert.ok(!existsSync(etc("hostname")));
	});

	it("goes no further where the clock cannot be set", () => {
		assert.throws(() => run("dash", identityText(identity, 1)), /the clock could not be set to 1\.000/);
		assert.ok(!existsSync(etc("hostname")));
	});

	/** Leaves the clock, which is the host's, too. */
	function become(shell: string, identity: Parameters<typeof identityText>[0]) {
		return run(shell, identityText(identity, 0).replace(/^at '[^']*'/m, "at '-'"));
	}

	/** Without the right to set the clock; the random device is the host's here, and may well be given more. */
	function run(shell: string, input: string) {
		writeFileSync(join(folder, "input"), input);
		return inNamespaces([], [], '$2 "$1/fork/become" < "$1/input"', shell);
	}

	/**
	 * Runs a command with the folder as its first argument, and the shell as the second.
	 * @param before what is done there, before processes are counted
	 */
	function inNamespaces(more: string[], before: string[], command: string, shell: string) {
		const script = [
			'set -e; mount --bind "$1/etc" /etc; mount --bind "$1/var" /var',
			...before,
			// In a namespace the numbers of processes follow each other.
			'first=$(sh -c "echo \\$\\$")',
			`status=0; ${command} || status=$?`,
			'last=$(sh -c "echo \\$\\$")',
			'echo "processes $((last - first - 1))"; exit $status',
		].join("\n");
		const namespaces = ["--mount", "--uts", "--pid", "--fork", "--mount-proc", ...more];
		const limited = ["setpriv", "--bounding-set", "-sys_time"];
		const out = execFileSync("unshare", [...namespaces, ...limited, "sh", "-c", script, "sh", folder, shell], {
			encoding: "utf8",
			stdio: "pipe",
		});
		const [, said = "", processes] = /^([\s\S]*)processes (\d+)\n$/.exec(out) ?? [];
		return { said, processes: Number(processes) };
	}
});
