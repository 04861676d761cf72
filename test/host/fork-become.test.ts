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
		// The random device is the host's here.
		writeFileSync(join(folder, "fork/reseed"), "#!/bin/sh\ncat > /dev/null\n");
		chmodSync(join(folder, "fork/reseed"), 0o755);
		writeFileSync(etc("hosts"), "127.0.0.1 localhost\n127.0.1.1\told.example.com old\n::1 ip6-localhost");
		writeFileSync(etc("machine-id"), "uninitialized\n");
	});
	afterEach(() => rmSync(folder, { recursive: true, force: true }));

	for (const shell of ["dash", "busybox ash"]) {
		it(`gives name, machine-id, keys and files to ${shell}, whatever was there before`, () => {
			const opened = etc("ssh/ssh_host_ed25519_key");
			writeFileSync(opened, "the parent's");
			chmodSync(opened, 0o666);
			writeFileSync(etc('odd/a b" $(id)'), "the parent's");
			const said = become(shell, identityText(identity, 0));
			assert.match(said, /^hostname blue\nmachineId (0123456789abcdef){2}\nrandom [0-9a-f]{64} {2}-\n/);
			assert.match(said, /\nhostKey ssh-ed25519 AAAA blue\n/);
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

	it("does nothing without a seed", () => {
		assert.throws(() => become("dash", "named 'red'\n"), /got no seed/);
		assert.ok(!existsSync(etc("hostname")));
	});

	/** Without the line that sets the clock, which is the host's, too; and without the right to do that. */
	function become(shell: string, input: string): string {
		const inside = 'mount --bind "$1/etc" /etc; mount --bind "$1/var" /var; exec $2 "$1/fork/become"';
		const limited = ["--mount", "--uts", "setpriv", "--bounding-set", "-sys_time", "sh", "-c", inside];
		return execFileSync("unshare", [...limited, "sh", folder, shell], {
			input: input.replace(/^at .*\n/m, ""),
			encoding: "utf8",
			stdio: "pipe",
		});
	}
});
