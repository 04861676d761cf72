import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { addressCases } from "./library-address-cases";
import { type Case, systemCases } from "./library-cases";
import { Lab, SHELLS } from "./library-lab";
import { networkCases } from "./library-network-cases";
import { serverCases } from "./library-server-cases";

/** Parameters of the machine that scripts find beside their own. */
const OTHERS = { CLONE_HOSTNAME: "web&1\\", CLONE_PORT: "80" };

describe("the library's script", () => {
	for (const { title, script, settings, files = {}, programs = {}, ...expected } of [
		...systemCases,
		...addressCases,
		...networkCases,
		...serverCases,
	]) {
		it(`${script} ${title}`, async () => {
			const trees = await Promise.all(
				SHELLS.map(async (shell, index) => {
					const lab = new Lab(files, programs);
					try {
						const ran = await lab.run(shell, script, settings, OTHERS);
						assert.deepEqual([ran.status, ran.error], [0, ""], shell);
						check(lab, ran.calls, expected);
						const [tree, written] = [lab.tree(), lab.written()];
						// The other shell finds nothing to do.
						const other = await lab.run(SHELLS[1 - index]!, script, settings, OTHERS);
						assert.deepEqual([other.status, other.error], [0, ""], shell);
						assert.deepEqual([lab.tree(), lab.written()], [tree, written]);
						assert.deepEqual(other.calls, expected.again ?? []);
						return tree;
					} finally {
						lab.remove();
					}
				}),
			);
			assert.deepEqual(trees[0], trees[1]);
		});
	}
});

describe("what static-address writes for ifupdown", () => {
	it("is what busybox' ifup makes the addresses of", async () => {
		const files = {
			"/sys/class/net/eth0/address": "52:54:00:00:00:01\n",
			"/etc/network/interfaces": "auto eth0\niface eth0 inet dhcp\n",
		};
		const lab = new Lab(files, { ifup: "" });
		try {
			const settings = { address: "10.0.0.10/22 fd00::10/64", gateway: "10.0.0.1 fd00::1", interface: "eth0" };
			assert.equal((await lab.run("dash", "static-address", settings)).status, 0);
			const path = join(lab.root, "etc/network/interfaces");
			const { stdout } = spawnSync("/usr/bin/busybox", ["ifup", "-n", "-i", path, "eth0"], { encoding: "utf8" });
			assert.deepEqual(stdout.match(/^ip .*$/gm), [
				"ip addr add 10.0.0.10/22 dev eth0 label eth0",
				"ip link set eth0 up",
				"ip route add default via 10.0.0.1 dev eth0",
				"ip addr add fd00::10/64 dev eth0 label eth0",
				"ip link set eth0 up",
				"ip route add ::/0 via fd00::1 dev eth0",
			]);
		} finally {
			lab.remove();
		}
	});
});

function check(lab: Lab, calls: string[], { expected = {}, modes = {}, links = {}, ...wanted }: Partial<Case>): void {
	for (const [path, content] of Object.entries(expected)) {
		if (typeof content === "string") assert.equal(lab.read(path), content, path);
		else assert.match(lab.read(path), content, path);
	}
	for (const [path, mode] of Object.entries(modes)) assert.equal(lab.mode(path), mode, path);
	for (const [path, target] of Object.entries(links)) assert.equal(readlinkSync(join(lab.root, path)), target);
	assert.deepEqual(calls, wanted.calls ?? []);
}
