import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sweep } from "../../provider/guard/sweep";
import { connect } from "../../provider/libvirt";
import { type Bench, leftOn, startBench } from "./hosts";

/** What is the same thing on the host under another name: of the host, the stack, the pool, the owner. */
describe("moves and renames", function () {
	this.timeout(300_000);
	let bench: Bench;
	let machine: string;
	let disk: string;
	let inode: number;

	beforeEach(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/moves" });
		await bench.project.up();
		machine = await bench.host.virsh("domuuid", "machine");
		disk = join(bench.poolPath, (await leftOn(bench)).find((name) => name.endsWith(".qcow2"))!);
		inode = (await stat(disk)).ino;
	});
	afterEach(() => bench?.stop());

	/** The machine and its disk are the ones of the beginning, and nothing more is to be done. */
	async function isKept(): Promise<void> {
		assert.equal(await bench.host.virsh("domuuid", "machine"), machine);
		assert.equal((await stat(disk)).ino, inode);
		const { changes, stdout } = await bench.project.preview();
		assert.deepEqual(Object.keys(changes), ["same"], stdout);
	}

	it("keeps machines whose host gets another address: the former guard does not take them for leftovers", async () => {
		await bench.project.setConfig("pulumi-libvirt-clones:uri", `${bench.host.uri}&mode=direct`);
		await bench.project.up();
		await isKept();
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});

	it("leaves a machine that is retained only since its last update, and a disk that nothing was written to", async () => {
		await bench.project.setConfig("retain", "true");
		await bench.project.up();
		await bench.project.run(["destroy", "--yes", "--skip-preview"]);
		assert.equal(await bench.host.virsh("domuuid", "machine"), machine);
		assert.ok((await leftOn(bench)).some((name) => name.startsWith("unused-")));
	});

	it("keeps machines and disks when the stack is renamed, also from a new stack of the former name", async () => {
		await bench.project.must(["stack", "rename", "other"]);
		await bench.project.up();
		await isKept();
		const { removed } = await sweep(connect(bench.host.uri), { stack: "organization/moves/dev", dryRun: true });
		assert.deepEqual(removed, []);
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});

	it("keeps disks and machines when their resources are renamed", async () => {
		await bench.project.setConfig("diskName", "storage");
		await bench.project.up();
		await isKept();
	});

	it("keeps disks when their pool is named in another way", async () => {
		await bench.project.setConfig("poolByName", "true");
		await bench.project.up();
		await isKept();
	});

	it("keeps disks when their pool is renamed", async () => {
		await bench.project.setConfig("poolName", "pictures");
		await bench.project.up();
		await isKept();
		assert.match(await bench.host.virsh("pool-list", "--name"), /pictures/);
	});

	for (const running of ["false", "true"])
		it(`renames a network that a machine is on (running: ${running})`, async () => {
			await bench.project.setConfig("running", running);
			await bench.project.up();
			await bench.project.setConfig("networkName", "labor");
			await bench.project.up();
			await isKept();
			assert.match(await bench.host.virsh("domiflist", "machine"), /labor/);
			assert.match(await bench.host.virsh("domiflist", "machine", "--inactive"), /labor/);
			assert.deepEqual(
				(await leftOn(bench)).filter((name) => /^lab/.test(name)),
				["labor"],
			);
		});
});
