import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EnvironmentMachine } from "../../index";
import { ensureImage } from "../../tools/images";
import { Project } from "../../tools/pulumi/project";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/environments", function () {
	this.timeout(400_000);
	let bench: Bench;
	let prod: Project;
	/** Where this user keeps identities. */
	let home: string;

	const namesOf = async (project: Project): Promise<string[]> =>
		(await project.outputs<{ machines: EnvironmentMachine[] }>()).machines.map(({ name }) => name);
	const defined = async (): Promise<string[]> =>
		(await bench.host.virsh("list", "--all", "--name")).split("\n").filter(Boolean).sort();

	before(async () => {
		home = await mkdtemp(join(tmpdir(), "environments-"));
		bench = await startBench({ program: "examples/environments", env: { XDG_STATE_HOME: home } });
		// The image lies beside the definition, as the example says.
		await copyFile((await ensureImage("micro")).disk, join(bench.project.directory, "gold.qcow2"));
		await bench.project.setConfig("image", "./gold.qcow2");
	});
	after(async () => {
		await bench?.stop();
		await rm(home, { recursive: true, force: true });
	});

	it("refuses a wrong definition with file and line, and touches nothing", async () => {
		await bench.project.edit("clones.yaml", "network: lab", "network: lap");
		const { code, stdout, stderr } = await bench.project.run(["preview"]);
		assert.notEqual(code, 0);
		const shown = stdout + stderr;
		assert.match(
			shown,
			/clones\.yaml:53:14: components\.web\.network: no network is declared as "lap"; did you mean "lab"\?/,
		);
		assert.doesNotMatch(shown, /at .*\.js:\d+/);
		assert.deepEqual(await leftOn(bench), []);
		await bench.project.edit("clones.yaml", "network: lap", "network: lab");
	});

	it("previews what the file declares, makes it, and shows no change afterwards", async () => {
		const { changes, stdout } = await bench.project.preview();
		// Stack, environment, guard, identities and who takes them, network, pool, image, volume, jump host; pool of clones with an identity, a
		// disk and a domain.
		assert.equal(changes.create, 14, stdout);
		assert.match(stdout, /makes web-01 to web-09 \(9\)/);
		await bench.project.up();
		assert.deepEqual((await namesOf(bench.project)).sort(), ["dev-jump", "dev-web-0"]);
		assert.deepEqual(await defined(), ["dev-jump", "dev-web-0"]);
		assert.equal(
			await inGuest(bench.host, "dev-web-0", "cat /etc/motd"),
			"Nothing here is kept. You are on machine 0.",
		);
		assert.equal(await inGuest(bench.host, "dev-web-0", "hostname"), "web-01");
		assert.match(await bench.host.virsh("domiflist", "dev-web-0"), /52:54:00:01:60:01/);
		const reserved = "<host mac='52:54:00:01:60:01' name='web-01' ip='192.168.160.10'/>";
		assert.ok((await bench.host.virsh("net-dumpxml", "dev-lab")).includes(reserved));
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("shows what a change of the file comes to, and does it", async () => {
		await bench.project.edit("clones.yaml", "memory: 128", "memory: 160");
		await bench.project.edit("clones.yaml", "machines: 1", "machines: 2");
		const { changes, stdout } = await bench.project.preview();
		assert.deepEqual(
			[changes.create, changes.update, changes.replace, changes.delete],
			[3, 2, undefined, undefined],
			stdout,
		);
		assert.match(stdout, /takes one of 8 free identities of the pool dev-web/);
		assert.match(stdout, /memoryMiB *: 128 => 160/);
		assert.match(stdout, /name *: +"dev-web-1"/);
		await bench.project.up();
		assert.match(await bench.host.virsh("dominfo", "dev-web-0"), /Max memory: +163840 KiB/);
		assert.deepEqual(await defined(), ["dev-jump", "dev-web-0", "dev-web-1"]);
	});

	it("builds production from the same program, beside development", async () => {
		prod = Project.reopen(bench.project.directory, "prod", { XDG_STATE_HOME: home });
		await prod.must(["stack", "init", "prod"]);
		for (const [key, value] of [
			["image", "./gold.qcow2"],
			["poolPath", bench.poolPath],
			["pulumi-libvirt-clones:uri", bench.host.uri],
		] as const) {
			await prod.setConfig(key, value);
		}
		// One busy machine at a time is enough for this test.
		await prod.edit("clones.yaml", "machines: 2\n      subnet", "machines: 1\n      subnet");
		const { stdout } = await prod.preview();
		assert.match(stdout, /Serves customers\./);
		assert.match(stdout, /192\.168\.161\.1\/24/);
		assert.doesNotMatch(stdout, /prod-jump"\n.*Domain/);
		await prod.up();
		assert.deepEqual(await namesOf(prod), ["prod-web-0"]);
		assert.equal(await inGuest(bench.host, "prod-web-0", "cat /etc/motd"), "Handle with care. You are on machine 0.");
		assert.equal(await inGuest(bench.host, "prod-web-0", "hostname"), "web-01");
		assert.match(await bench.host.virsh("desc", "prod-web-0"), /Serves customers/);
		await prod.preview(["--expect-no-changes"]);
	});

	it("destroys one stack without the other, then the other, and leaves nothing", async () => {
		await prod.destroy();
		assert.deepEqual(await defined(), ["dev-jump", "dev-web-0", "dev-web-1"]);
		await prod.must(["stack", "select", "dev"]);
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.destroy();
		assert.deepEqual(
			(await leftOn(bench)).filter((name) => !name.startsWith("192.168.")),
			[],
		);
	});
});
