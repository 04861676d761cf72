import assert from "node:assert/strict";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CloneInstance } from "../../index";
import { stackTag } from "../../provider/owner";
import { type CommandResult, Project } from "../../tools/pulumi/project";
import { type Bench, leftOn, startBench } from "./hosts";

/** What goes wrong on a host, what is said about it, and what the next run makes of it. */
describe("failures", function () {
	this.timeout(300_000);
	let bench: Bench;
	/** Volumes' names end with it. */
	const tag = stackTag("organization/failures/dev/");
	const disk = (machine: string) => join(bench.poolPath, `${machine}-${tag}.qcow2`);

	before(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/failures", config: { machines: "0" } });
	});
	after(() => bench?.stop());

	describe("of single clones", () => {
		let foreign: string;
		let made: string[];

		before(async () => {
			await bench.project.up();
			await writeFile(disk("web-2"), "somebody else's");
			await bench.host.virsh("define", await foreignDomain("web-1"));
			foreign = await bench.host.virsh("dumpxml", "web-1");
			await bench.project.setConfig("machines", "6");
		});

		it("name what is in the way and what to do, and keep what was made", async () => {
			const { stdout } = await fails("up");
			assert.match(
				stdout,
				new RegExp(
					`the volume "web-2-${tag}\\.qcow2" exists already in the pool "images" \\(.*\\).*it is raw instead of qcow2.*` +
						"Give the ThinClonePool another namePrefix or the instance another name, or remove the existing volume",
				),
			);
			const recorded = await namesRecorded("Volume");
			const there = (await leftOn(bench)).filter((name) => name.endsWith(".qcow2") && name !== `web-2-${tag}.qcow2`);
			assert.deepEqual(recorded.sort(), there.sort());
			assert.ok(recorded.length > 1, "no clone was made");
		});

		it("do not keep the others from being made with --continue-on-error", async () => {
			const { stdout } = await fails("up", "--continue-on-error");
			assert.match(
				stdout,
				/domain web-1 exists already: it was not made by this package\. Give the ThinClonePool another namePrefix/,
			);
			assert.doesNotMatch(stdout, /is required/, "what depends on a failure is no failure of its own");
			made = ["web-0", "web-3", "web-4", "web-5"];
			assert.deepEqual((await namesRecorded("Domain")).sort(), made);
			assert.deepEqual((await domains()).sort(), [...made, "web-1"].sort());
			assert.equal(await bench.host.virsh("dumpxml", "web-1"), foreign);
		});

		it("are made good by the next run, which makes what is missing and nothing else", async () => {
			const before = await Promise.all(made.map((name) => bench.host.virsh("domuuid", name)));
			await rm(disk("web-2"));
			await bench.host.virsh("undefine", "web-1");
			const { changes, stdout } = await bench.project.up();
			// The disk of web-1 is there since the first run.
			assert.deepEqual([changes.create, changes.update, changes.replace], [3, undefined, undefined], stdout);
			const { machines } = await bench.project.outputs<{ machines: CloneInstance[] }>();
			const uuids = new Map(machines.map(({ name, uuid }) => [name, uuid]));
			assert.equal(uuids.size, 6);
			assert.deepEqual(
				made.map((name) => uuids.get(name)),
				before,
			);
			await bench.project.preview(["--expect-no-changes"]);
		});
	});

	describe("of arguments", () => {
		it("are told by a component without a stack trace", async () => {
			await bench.project.setConfig("machines", "-1");
			const { code, stdout, stderr } = await bench.project.run(["preview"]);
			assert.notEqual(code, 0);
			assert.match(stdout, /error: ThinClonePool web: count: got -1; allowed is a whole number from 0 to 100000\n/);
			assert.doesNotMatch(stdout + stderr, /^\s+at |\.[jt]s:\d+/m);
			await bench.project.setConfig("machines", "6");
		});
	});

	describe("to be reached in time", () => {
		const waitFor = (key: string, value: string) =>
			bench.project.must(["config", "set", "--path", `waitFor.${key}`, value]);

		it("leave the machine, recorded, and say what was seen of it", async () => {
			await waitFor("address", "lease");
			await waitFor("timeoutSeconds", "5");
			const { stdout } = await fails("up");
			assert.match(stdout, /waiting-0 did not show an address \(by lease\) within 5 s \(waitFor\.timeoutSeconds\)/);
			assert.match(stdout, /state: running, accelerator qemu\n.*guest agent: .*\n.*lease: none for 52:.*\n.*arp: /);
			assert.equal(await bench.host.virsh("domstate", "waiting-0"), "running");
			assert.ok((await namesRecorded("Domain")).includes("waiting-0"));
			const { changes } = await bench.project.preview();
			assert.deepEqual([changes.update, changes.create, changes.replace], [1, undefined, undefined]);
		});

		it("are made good by the next run, once nothing is in the way any more", async () => {
			const uuid = await bench.host.virsh("domuuid", "waiting-0");
			await bench.project.setConfig("dhcp", "true");
			await waitFor("timeoutSeconds", "100");
			await bench.project.up();
			const { reached } = await bench.project.outputs<{ reached: CloneInstance[] }>();
			assert.equal(reached[0]!.uuid, uuid);
			assert.match(reached[0]!.addresses[0]!, /^192\.168\.170\.\d+$/);
			await bench.project.preview(["--expect-no-changes"]);
		});
	});

	describe("of another stack with the same names", () => {
		let neighbour: Project;

		before(async () => {
			neighbour = await Project.start({ program: "test/e2e/fixtures/failures" });
			await neighbour.edit("Pulumi.yaml", "name: failures", "name: neighbours");
			await neighbour.must(["stack", "init", "dev"]);
			const image = (await bench.project.must(["config", "get", "image"])).stdout.trim();
			await neighbour.configure({
				image,
				poolName: "neighbours",
				poolPath: `${bench.poolPath}-2`,
				networkName: "neighbours",
				machines: "6",
				"pulumi-libvirt-clones:uri": bench.host.uri,
			});
		});
		after(() => neighbour?.remove());

		it("say whose the addresses are in the preview, and touch nothing of the first", async () => {
			const before = await everything();
			const { code, stdout } = await neighbour.run(["preview"]);
			assert.notEqual(code, 0);
			assert.match(
				stdout,
				/ipv4: got "192\.168\.170\.1\/24", which overlaps 192\.168\.170\.1\/24 of the network "lab" on .* \(organization\/failures\/dev\/lab\); allowed is a subnet that no active network has: choose another/,
			);
			assert.equal(await everything(), before);
			await neighbour.setConfig("subnet", "192.168.171.1/24");
		});

		it("say whose the machines are, and touch nothing of the first", async () => {
			const before = await everything();
			const failed = await neighbour.run(["up", "--yes", "--skip-preview", "--continue-on-error"]);
			assert.notEqual(failed.code, 0);
			for (const index of [0, 1, 2, 3, 4, 5]) {
				const complaint = `domain web-${index} exists already: it belongs to organization/failures/dev/web-${index}`;
				assert.ok(failed.stdout.includes(complaint), failed.stdout);
			}
			assert.equal(await everything(), before);
		});

		it("are no obstacle to destroying it, which leaves the first as it is", async () => {
			const before = await everything();
			await neighbour.destroy();
			assert.equal(await everything(), before);
			await bench.project.preview(["--expect-no-changes"]);
			assert.deepEqual((await bench.host.exec("ls", ["-A", `${bench.poolPath}-2`])).stdout, "");
			assert.doesNotMatch(await bench.host.virsh("net-list", "--all", "--name"), /neighbours/);
		});

		/** All definitions of the first stack, and the state of its files. */
		async function everything(): Promise<string> {
			const shown = [];
			for (const name of await domains()) shown.push(await bench.host.virsh("dumpxml", "--inactive", name));
			shown.push(await bench.host.virsh("net-dumpxml", "lab"), await bench.host.virsh("pool-list", "--details"));
			shown.push((await bench.host.exec("stat", ["-c", "%n %i %s %Y", ...(await files())])).stdout);
			return shown
				.join("\n")
				.replace(/^.*neighbours.*$/gm, "")
				.replace(/[\d.]+ [KMGT]iB/g, "")
				.replace(/\s+/g, " ");
		}

		/** Of machines that are off: others change by themselves. */
		async function files(): Promise<string[]> {
			const names = (await leftOn(bench)).filter((name) => name.endsWith(".qcow2") && !name.startsWith("waiting-"));
			return names.map((name) => join(bench.poolPath, name));
		}
	});

	describe("of what clones stand on", () => {
		it("tell of a base that is deleted while clones of it are made, and a refresh gets it back", async () => {
			const gold = (await leftOn(bench)).find((name) => name.startsWith("gold-"))!;
			const { stdout } = await failsAfterTheFirst(20, () => rm(join(bench.poolPath, gold)));
			const made = await uuids();
			const advice = new RegExp(
				`there is no volume \\S*${gold} in any active storage pool.*run pulumi refresh, and pulumi up`,
			);
			assert.match(stdout, advice);
			// A long line of a plan goes on in the next.
			const planned = (await bench.project.preview()).stdout.replace(/"\n\s+\[\d\]: " +/g, " ");
			assert.match(planned, advice);
			const { changes } = await bench.project.refresh();
			assert.equal(changes.delete, 1);
			await bench.project.up();
			assert.ok((await leftOn(bench)).includes(gold));
			await areStillThere(made);
			assert.equal((await bench.project.outputs<{ machines: CloneInstance[] }>()).machines.length, 20);
			await bench.project.preview(["--expect-no-changes"]);
		});

		it("tell of a pool that was stopped, and a refresh starts it", async () => {
			await bench.host.virsh("pool-destroy", "images");
			await bench.project.setConfig("machines", "21");
			const { stdout } = await fails("up");
			assert.match(
				stdout,
				/the storage pool "images" on .* is not active: start it .*, or run pulumi refresh and pulumi up/,
			);
			const refreshed = await bench.project.refresh();
			assert.equal(refreshed.changes.update, 1);
			assert.equal(
				refreshed.stdout.match(/its volumes were not looked at/g)?.length,
				2,
				"shown once, and in the summary",
			);
			const { changes } = await bench.project.up();
			assert.deepEqual([changes.create, changes.update], [2, 1]);
			await bench.project.preview(["--expect-no-changes"]);
		});

		it("tell of a pool that was undefined, and a refresh and an up define it with all that is in it", async () => {
			await bench.project.setConfig("named", "true");
			await bench.project.up();
			await bench.host.virsh("pool-destroy", "images");
			await bench.host.virsh("pool-undefine", "images");
			const refreshed = await bench.project.refresh();
			assert.deepEqual([refreshed.changes.delete, refreshed.changes.update], [undefined, 1], refreshed.stdout);
			const planned = await bench.project.preview();
			assert.deepEqual(
				[planned.changes.update, planned.changes.replace, planned.changes.create],
				[1, undefined, undefined],
			);
			const { changes } = await bench.project.up();
			assert.deepEqual([changes.update, changes.replace, changes.create], [1, undefined, undefined]);
			await bench.project.preview(["--expect-no-changes"]);
		});

		it("do not come from another name of a pool, by which a volume names it", async () => {
			await bench.project.setConfig("poolName", "renamed");
			const planned = await bench.project.preview();
			assert.deepEqual([planned.changes.update, planned.changes.replace], [1, undefined], planned.stdout);
			const { changes } = await bench.project.up();
			assert.deepEqual([changes.update, changes.replace], [1, undefined]);
			assert.equal((await bench.project.refresh()).changes.delete, undefined);
			await bench.project.preview(["--expect-no-changes"]);
		});

		it("leave nothing behind when all is destroyed", async () => {
			await bench.project.destroy();
			assert.deepEqual(await leftOn(bench), []);
		});
	});

	async function fails(...args: string[]): Promise<CommandResult> {
		const result = await bench.project.run([...args, "--yes", "--skip-preview"]);
		assert.notEqual(result.code, 0, result.stdout);
		return result;
	}

	/** Has more clones made, one after the other, and something happen as soon as the first of them is there. */
	async function failsAfterTheFirst(machines: number, happen: () => Promise<unknown>): Promise<CommandResult> {
		const clones = async () => (await readdir(bench.poolPath)).filter((name) => /^web-\d+-/.test(name)).length;
		const before = await clones();
		await bench.project.setConfig("machines", String(machines));
		let ended = false;
		const run = fails("up", "--parallel", "1").finally(() => {
			ended = true;
		});
		while (!ended && (await clones()) === before) await sleep(5);
		await happen();
		return run;
	}

	/** Of all machines. */
	async function uuids(): Promise<string[]> {
		return (await bench.host.virsh("list", "--all", "--uuid")).split("\n").filter(Boolean);
	}

	async function areStillThere(made: string[]): Promise<void> {
		const now = await uuids();
		assert.deepEqual(
			made.filter((uuid) => !now.includes(uuid)),
			[],
		);
	}

	/** Names of the objects of a type that the state knows to be made. */
	async function namesRecorded(type: string): Promise<string[]> {
		const { deployment } = await bench.project.state();
		return deployment
			.resources!.filter((resource) => resource.type.endsWith(`:${type}`) && resource.id)
			.map(({ outputs }) => outputs.name as string);
	}

	async function domains(): Promise<string[]> {
		return (await bench.host.virsh("list", "--all", "--name")).split("\n").filter(Boolean);
	}

	/** @returns the path of a definition that virsh can define */
	async function foreignDomain(name: string): Promise<string> {
		const path = join(bench.host.poolDirectory, `${name}.xml`);
		await writeFile(
			path,
			`<domain type="qemu"><name>${name}</name><memory unit="MiB">64</memory><os><type>hvm</type></os></domain>`,
		);
		return path;
	}
});
