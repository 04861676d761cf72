import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation";
import { type CloneInstance, StoragePool, ThinClonePool, Volume } from "../../index";
import { cacheDirectory } from "../../tools/cache";
import { repository } from "../../tools/pulumi/project";
import { startTestHost, type TestHost } from "../../tools/testhost";

/** Programs that run in this process, with the engine beside it. */
describe("inline programs of the Automation API", function () {
	this.timeout(300_000);
	let host: TestHost;
	/** In the repository: the provider finds the package from the working directory. */
	let root: string;

	before(async () => {
		host = await startTestHost();
		root = await mkdtemp(join(repository, "dist", "automation-"));
		await mkdir(join(root, "state"));
	});
	after(async () => {
		await host?.stop();
		if (root) await rm(root, { recursive: true, force: true });
	});

	it("make and destroy a clone, one stack after the other in one process", async () => {
		const first = await stackOf("first");
		const second = await stackOf("second");
		for (const stack of [first, second]) {
			const { summary, outputs } = await stack.up();
			assert.equal(summary.result, "succeeded");
			const [clone] = outputs.machines!.value as CloneInstance[];
			assert.equal(clone!.name, `${stack.name}-0`);
			assert.equal(await host.virsh("domuuid", clone!.name), clone!.uuid);
			assert.equal(await host.virsh("domstate", clone!.name), "shut off");
			// Stack, guard, pool, image, component, disk, domain: each stack has a guard of its own.
			assert.deepEqual(summary.resourceChanges, { create: 7 });
			const { changeSummary } = await stack.preview();
			assert.deepEqual(changeSummary, { same: 7 });
		}
		await first.destroy();
		assert.equal(await host.virsh("list", "--all", "--name"), "second-0");
		await second.destroy();
		assert.equal(await host.virsh("list", "--all", "--name"), "");
		assert.equal(await host.virsh("pool-list", "--all", "--name"), "");
		const { stdout } = await host.exec("ls", [
			"-A",
			join(host.poolDirectory, "first"),
			join(host.poolDirectory, "second"),
		]);
		assert.doesNotMatch(stdout, /qcow2/);
	});

	it("report what is wrong with an argument as the engine does", async () => {
		const stack = await stackOf("wrong", 0.5);
		await assert.rejects(stack.up(), /sizeMiB: got 0\.5; allowed is a whole number/);
		await stack.destroy();
	});

	async function stackOf(name: string, sizeMiB = 16): Promise<Stack> {
		const workDir = join(root, name);
		await mkdir(workDir);
		const program = async () => {
			const pool = new StoragePool("images", { name: `${name}-images`, path: join(host.poolDirectory, name) });
			const gold = new Volume("gold", { pool, sizeMiB });
			const { instances } = new ThinClonePool(name, { base: gold, count: 1, running: false });
			return { machines: instances };
		};
		const stack = await LocalWorkspace.createOrSelectStack(
			{ stackName: name, projectName: "inline", program },
			{
				workDir,
				pulumiCommand: await PulumiCommand.get({ root: cacheDirectory() }),
				envVars: {
					PATH: [join(cacheDirectory(), "bin"), process.env.PATH].join(delimiter),
					PULUMI_HOME: join(root, "home"),
					PULUMI_BACKEND_URL: `file://${join(root, "state")}`,
					PULUMI_CONFIG_PASSPHRASE: "test",
					PULUMI_SKIP_UPDATE_CHECK: "true",
					PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
				},
			},
		);
		await stack.setConfig("pulumi-libvirt-clones:uri", { value: host.uri });
		return stack;
	}
});
