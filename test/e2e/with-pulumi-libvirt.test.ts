import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CloneInstance, Lineage } from "../../index";
import { linkPulumiLibvirt } from "../../tools/bridge";
import { Project, repository } from "../../tools/pulumi/project";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("with @pulumi/libvirt", function () {
	this.timeout(300_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "examples/with-pulumi-libvirt", config: { machines: "1" } });
		await prepare(bench.project);
	});
	after(() => bench?.stop());

	describe("its example", () => {
		const machines = async () => (await bench.project.outputs<{ machines: CloneInstance[] }>()).machines;

		it("compiles with the types of the generated SDK", () => compile(bench.project));

		it("previews each machine and touches nothing", async () => {
			const { changes, stdout } = await bench.project.preview();
			// Stack, guard, pool, network, gold image, component; and a disk and a domain.
			assert.equal(changes.create, 8, stdout);
			assert.deepEqual(await leftOn(bench), []);
		});

		it("makes clones of a base, in a pool and on a network of theirs", async () => {
			await bench.project.up();
			const [machine] = await machines();
			assert.equal(await inGuest(bench.host, machine!.name, "hostname"), "web-0");
			assert.match(machine!.addresses[0]!, /^192\.168\.152\./);
			assert.match(machine!.lineage!.base, new RegExp(`^${bench.poolPath}/gold-`));
			await bench.project.preview(["--expect-no-changes"]);
		});

		it("grows by the difference alone", async () => {
			const before = await machines();
			await bench.project.setConfig("machines", "2");
			const { changes } = await bench.project.up();
			assert.deepEqual([changes.create, changes.same], [2, 8]);
			assert.deepEqual((await machines()).slice(0, 1), before);
		});

		it("destroys, and leaves nothing", async () => {
			await bench.project.destroy();
			assert.deepEqual(await leftOn(bench), []);
		});
	});

	describe("its resources", () => {
		let project: Project;
		let theirs: string;
		let outputs: {
			goldPath: string;
			overlay: Lineage;
			ofDomain: Lineage;
			copied: string;
			plain: string;
			onOurs: string;
			machines: CloneInstance[];
		};
		const read = async () => {
			outputs = await project.outputs();
		};
		const exists = async (path: string) =>
			(await bench.host.exec("sh", ["-c", 'test -e "$1" && echo yes || true', "sh", path])).stdout !== "";

		before(async () => {
			theirs = `${bench.poolPath}-theirs`;
			const image = (await bench.project.must(["config", "get", "image"])).stdout.trim();
			project = await Project.start({
				program: "test/e2e/fixtures/with-pulumi-libvirt",
				config: { image, poolPath: bench.poolPath, onBaseChange: "keep", "pulumi-libvirt-clones:uri": bench.host.uri },
			});
			await prepare(project);
			await compile(project);
			await project.up();
			await read();
		});
		after(() => project?.remove());

		it("are taken as pools, bases, templates, disks and networks", async () => {
			const { goldPath, overlay, ofDomain, machines } = outputs;
			assert.ok(goldPath.startsWith(`${theirs}/gold-`), goldPath);
			assert.equal(overlay.base, goldPath);
			assert.ok(ofDomain.base.startsWith(`${theirs}/disk-`), ofDomain.base);
			assert.deepEqual(
				machines.map(({ lineage }) => lineage!.base),
				[goldPath, ofDomain.base],
			);
			for (const { volumePath } of machines) assert.ok(volumePath.startsWith(`${theirs}/of-`), volumePath);
			const plain = await bench.host.virsh("dumpxml", outputs.plain);
			assert.match(plain, new RegExp(`<source file='${theirs}/data-.*'/>`));
			assert.match(plain, /<source network='theirs-.*'\/>/);
			// The template's hardware: its memory, and its NIC on its network.
			const copied = await bench.host.virsh("dumpxml", outputs.copied);
			assert.match(copied, /<memory unit='KiB'>98304<\/memory>/);
			assert.match(copied, /<source network='theirs-.*'\/>/);
		});

		it("take ours", async () => {
			const xml = await bench.host.virsh("dumpxml", outputs.onOurs);
			assert.match(xml, /<source pool='ours' volume='disk-on-ours-.*'\/>/);
			assert.match(xml, /<source network='ours'\/>/);
		});

		it("show no change afterwards, nor when one is renamed", async () => {
			await project.setConfig("nameOfGold", "renamed");
			await project.preview(["--expect-no-changes"]);
			await project.configure({ nameOfGold: undefined });
		});

		it("are not replaced below clones that stay", async () => {
			await bench.host.exec("qemu-img", ["create", "-q", "-f", "qcow2", `${theirs}.qcow2`, "64M"]);
			await project.setConfig("nextImage", `${theirs}.qcow2`);
			const refusal = /base: got one that is still to be made instead of .*gold.*which this clone stands on/;
			const preview = await project.run(["preview"]);
			assert.notEqual(preview.code, 0, preview.stdout);
			assert.match(preview.stdout, refusal);
			// Also where it would go first, and the clones are asked whether they have to go with it.
			await project.setConfig("deleteFirst", "true");
			const up = await project.run(["up", "--yes", "--skip-preview"]);
			assert.notEqual(up.code, 0, up.stdout);
			assert.match(up.stdout, refusal);
			assert.doesNotMatch(up.stdout, / at .*\.ts:/);
			assert.ok(await exists(outputs.goldPath));
		});

		it("are replaced when the clones follow", async () => {
			const former = outputs;
			await project.configure({ deleteFirst: undefined });
			await project.setConfig("onBaseChange", "replace");
			await project.up();
			await read();
			assert.notEqual(outputs.goldPath, former.goldPath);
			assert.equal(outputs.overlay.base, outputs.goldPath);
			assert.equal(outputs.machines[0]!.lineage!.base, outputs.goldPath);
			assert.deepEqual(outputs.machines[1], former.machines[1]);
			assert.equal(await exists(former.goldPath), false);
		});

		it("are destroyed after ours, and nothing is left", async () => {
			await project.destroy();
			assert.deepEqual(await leftOn(bench), []);
			assert.equal(await exists(theirs), false);
		});
	});

	async function prepare(project: Project): Promise<void> {
		await linkPulumiLibvirt(project);
		await project.setConfig("libvirt:uri", bench.host.uri);
	}
});

/** `tsc -p examples` leaves the programs out that need the SDK. */
async function compile({ directory }: Project): Promise<void> {
	const options = "--noEmit --strict --skipLibCheck --target es2022 --module node16 --moduleResolution node16";
	const args = [
		join(repository, "node_modules/typescript/bin/tsc"),
		...options.split(" "),
		"--types",
		"node",
		"index.ts",
	];
	await promisify(execFile)(process.execPath, args, { cwd: directory }).catch(({ stdout }) => assert.fail(stdout));
}
