import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ForkedChild } from "../../index";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

const DISK = "/var/lib/pulumi-libvirt-clones/delta";

describe("examples/desktop-pool", function () {
	this.timeout(400_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "examples/desktop-pool", config: { kiosks: "1", users: "ann" } });
	});
	after(async () => {
		await bench?.stop();
	});

	const inDesk = (command: string) => inGuest(bench.host, "desk-ann", command);
	const inKiosk = (command: string) => inGuest(bench.host, "kiosk-0", command);
	const machines = async () => (await bench.project.outputs<{ machines: ForkedChild[] }>()).machines;

	it("has desktops, and a disk for what is a user's own", async () => {
		await bench.project.up();
		assert.equal(
			await inDesk("cat /etc/desktop-release; hostname; /usr/local/bin/info-get kind"),
			"1desk-ann\ndesktop of one user",
		);
		await inDesk("mkdir /home/ann; echo mine > /home/ann/notes; echo gone > /root/notes; sync");
		// A package that the user has chosen.
		await inDesk(
			`mkdir -p /tmp/opt; echo tool > /tmp/opt/tool; tar -c -z -C /tmp -f ${DISK}/packages/tool.tar.gz opt; sync`,
		);
		await inKiosk("mkdir -p /home/guest; sync");
	});

	it("gives back at each power-on what is the user's own, and nothing else", async () => {
		const [before] = (await machines()).slice(-1);
		for (const power of ["off", "on"]) {
			await bench.project.setConfig("power", power);
			await bench.project.up();
		}
		assert.equal(await inDesk("cat /home/ann/notes /opt/tool; ls /root/notes 2>/dev/null; true"), "mine\ntool");
		assert.equal(await inKiosk("ls -d /home/guest 2>/dev/null; true"), "");
		const [after] = (await machines()).slice(-1);
		assert.equal(after!.uuid, before!.uuid);
		assert.notEqual(after!.verified!.random, before!.verified!.random);
	});

	it("puts it over a parent that was patched", async () => {
		await bench.project.setConfig("release", "2");
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /\(replace\)\s+\[id=\S+\]\s+\[urn=\S+::desk-ann\]/);
		assert.doesNotMatch(stdout, /\(replace\)\s+\[id=\S+\]\s+\[urn=\S+::desk-ann-data-0\]/);
		await bench.project.up();
		assert.equal(await inDesk("cat /etc/desktop-release /home/ann/notes /opt/tool"), "2mine\ntool");
	});

	/** The command line for operators. */
	const fork = (...args: string[]) => bench.project.commandLine("fork", ...args, "--stack", "dev");
	const settings = () => readFile(join(bench.project.directory, "Pulumi.dev.yaml"), "utf8");
	const states = async () => Object.fromEntries((await machines()).map(({ name, power }) => [name, power]));

	it("gets one more desktop, which the configuration says", async () => {
		const made = await fork("create", "desk", "bob", "--yes");
		assert.equal(made.code, 0, made.stderr);
		assert.deepEqual(await states(), { "kiosk-0": "on", "desk-ann": "on", "desk-bob": "on" });
		assert.match(await settings(), /desk:\n {6}children:\n {8}bob:\n {10}exists: true\n/);
	});

	it("resets one desktop, and touches no other", async () => {
		await inDesk("echo mine > /root/notes; echo again > /home/ann/notes; sync");
		for (const name of ["desk-bob", "kiosk-0"]) await inGuest(bench.host, name, "echo here > /run/here");
		const before = await machines();
		const { code, stdout, stderr } = await fork("reset", "desk", "ann", "--yes");
		assert.equal(code, 0, stderr);
		assert.doesNotMatch(stdout, /(create|update|replace|delete) (desk-bob|kiosk-0)/);
		assert.equal(await inDesk("cat /home/ann/notes /opt/tool; ls /root/notes 2>/dev/null; true"), "again\ntool");
		for (const name of ["desk-bob", "kiosk-0"]) assert.equal(await inGuest(bench.host, name, "cat /run/here"), "here");
		const after = await machines();
		const others = (all: ForkedChild[]) => all.filter(({ name }) => name !== "desk-ann");
		assert.deepEqual(others(after), others(before));
		const random = (all: ForkedChild[]) => all.find(({ name }) => name === "desk-ann")!.verified!.random;
		assert.notEqual(random(after), random(before));
	});

	it("turns one off, and the next run finds nothing to change", async () => {
		const { code, stderr } = await fork("power-off", "desk", "desk-bob", "--yes");
		assert.equal(code, 0, stderr);
		assert.deepEqual(await states(), { "kiosk-0": "on", "desk-ann": "on", "desk-bob": "off" });
		assert.match(await bench.host.virsh("domstate", "desk-bob"), /shut off/);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("refuses what is not there, and to bring about what others have changed", async () => {
		await bench.project.setConfig("kiosks", "2");
		const before = await settings();
		const refusals: Array<[string[], RegExp]> = [
			[["reset", "desk", "zoe"], /^children: got "zoe"; allowed are children of desk: desk-ann, desk-bob$/m],
			[["reset", "desk", "--project", "/tmp"], /^project: got "\/tmp", in which there is no Pulumi\.yaml/],
			[["reset", "desk", "--on-reset", "again"], /^--on-reset: got "again"; allowed is boot or refork/],
			[["create", "desk"], /^create: got neither children nor count/],
			[["reset", "desks"], /^set: got "desks"; allowed are the sets of dev: desk, kiosk/],
			[
				["create", "desk", "--count", "3"],
				/ForkedVMSet desk: configuration: pulumi-libvirt-clones:forks\.desk\.count: got 3, and the program names/,
			],
			[["power-on", "desk", "bob"], /has changes that nobody has brought about yet: create kiosk-1 \(Volume\)/],
		];
		for (const [args, reason] of refusals) {
			const { code, stderr } = await fork(...args, "--yes");
			assert.equal(code, 1);
			assert.match(stderr, reason);
		}
		const elsewhere = await bench.project.commandLine("fork", "reset", "desk", "--stack", "prod");
		assert.match(
			elsewhere.stderr,
			/^stack: got "prod", which .* does not have; allowed is one that pulumi stack ls lists/,
		);
		const shown = await fork("create", "kiosk", "--count", "2");
		assert.equal(shown.code, 0, shown.stderr);
		assert.match(shown.stdout, /^would create kiosk-1 \(Domain\)$/m);
		assert.match(shown.stdout, /^Nothing was changed; add --yes to do it\.$/m);
		assert.equal(await settings(), before);
		assert.match(await bench.host.virsh("domstate", "desk-bob"), /shut off/);
		await bench.project.setConfig("kiosks", "1");
	});

	it("leaves all as it is while somebody else changes the stack", async () => {
		const before = await settings();
		const locks = join(bench.project.directory, "../state/.pulumi/locks/organization/desktop-pool/dev");
		await mkdir(locks, { recursive: true });
		const lock = { pid: 1, username: "eve", hostname: "elsewhere", timestamp: "2026-01-01T00:00:00Z" };
		await writeFile(join(locks, "0c0d8a1e.json"), JSON.stringify(lock));
		const { code, stderr } = await fork("reset", "desk", "ann", "--yes");
		await rm(locks, { recursive: true });
		assert.equal(code, 1);
		assert.match(stderr, /^dev is being updated by somebody else; nothing was changed/);
		assert.equal(await settings(), before);
	});

	it("lets one go", async () => {
		const { code, stderr } = await fork("destroy", "desk", "bob", "--yes");
		assert.equal(code, 0, stderr);
		assert.deepEqual(await states(), { "kiosk-0": "on", "desk-ann": "on" });
		assert.equal((await bench.host.virsh("list", "--all", "--name")).includes("desk-bob"), false);
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
