import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
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
import { commandsText, identityText } from "../../provider/fork/guest";
import { quoted } from "../../provider/shell";

const SHELLS = ["/bin/dash", "/bin/busybox ash"];

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
		it(`takes no other process than ${shell}`, () => {
			writeFileSync(etc("ssh/ssh_host_ed25519_key"), "the parent's");
			const files = [{ path: "/etc/odd/file", content: "text", mode: "0600", encoding: "text" as const }];
			// Beside it the one that gives it the input.
			assert.equal(become(shell, { ...identity, files }).processes, 2);
		});
	}

	const NIC = [
		"mount -t tmpfs none /run; mkdir /run/pulumi-libvirt-clones; : > /run/nologin",
		"ip link add eth9 address 52:54:00:00:00:77 type veth peer name other",
		"ip addr add 10.0.0.7/8 dev eth9",
	];
	const CONNECT = "30 52:54:00:00:00:77 10.0.0.7";
	const IS_OPEN = "[ -e /run/pulumi-libvirt-clones/forked -a ! -e /run/nologin ]";

	for (const shell of SHELLS) {
		it(`is connected by no other processes than ${shell} and three more, where nothing waits for that`, () => {
			const command = `$2 "$1/fork/connect" ${CONNECT} && ${IS_OPEN}`;
			const { said, processes } = inNamespaces(["--net"], NIC, command, shell);
			assert.equal(said, "interface eth9\naddress 10.0.0.7/8\ncommands 0\n");
			assert.equal(processes, 4);
		});

		it(`goes on to be connected in the same ${shell}, once it has told who it is`, () => {
			for (const work of ["", commandsText([["/bin/sh", "-c", "umask > /etc/ran; hostname >> /etc/ran"]])]) {
				const { paths, input } = identityText({ ...identity, files: [] });
				const text = `${randomBytes(64).toString("base64")}\n${input}work ${quoted(work)}\n`;
				writeFileSync(join(folder, "input"), text);
				writeFileSync(join(folder, "port"), "");
				const core = `"$1/fork/core" become-on "$1/port" - ${paths.map(quoted).join(" ")}`;
				const command = `cat "$1/input" | ${core} -- $2 "$1/fork/become" ${CONNECT} && ${IS_OPEN}`;
				const { said, processes } = inNamespaces(["--net"], NIC, command, shell);
				const told = readFileSync(join(folder, "port"), "utf8");
				assert.match(told, /^random [0-9a-f]{64}\ntime .*\nhostname blue\n[\s\S]*\nuptime .*\nsomebody\n$/);
				assert.equal(said, `interface eth9\naddress 10.0.0.7/8\ncommands ${work === "" ? 0 : 1}\n`);
				if (work === "") assert.equal(processes, 5);
				else assert.equal(readFileSync(etc("ran"), "utf8"), "0022\nblue\n");
			}
		});
	}

	it("does nothing without a seed", () => {
		for (const seed of ["", "A".repeat(40), "named 'red'"]) {
			assert.throws(() => run("/bin/dash", identity, { seed }), /took no seed \(step 1\)/, seed);
		}
		assert.ok(!existsSync(etc("hostname")));
	});

	it("goes no further where the clock cannot be set", () => {
		assert.throws(() => run("/bin/dash", identity, { at: "1" }), /the clock could not be set to 1\n/);
		assert.ok(!existsSync(etc("hostname")));
	});

	/** Leaves the clock, which is the host's, too. */
	function become(shell: string, identity: Parameters<typeof identityText>[0]) {
		return run(shell, identity, {});
	}

	/** Without the right to set the clock; the random device is the host's here, and may well be given more. */
	function run(
		shell: string,
		identity: Parameters<typeof identityText>[0],
		{ at = "-", seed = randomBytes(64).toString("base64") },
	) {
		const { paths, input } = identityText(identity);
		writeFileSync(join(folder, "input"), `${seed}\n${input}`);
		const args = ["become", at, ...paths].map(quoted).join(" ");
		// A pipe, as the agent's.
		return inNamespaces([], [], `cat "$1/input" | "$1/fork/core" ${args} -- $2 "$1/fork/become"`, shell);
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
