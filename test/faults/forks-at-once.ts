/** Stacks that fork from one parent of a third one, with identities of one pool, at the same time. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ForkedChild } from "../../index";
import { withStore } from "../../provider/identity/access";
import { Project } from "../../tools/pulumi/project";
import { type Bench, inGuest, leftOn, startBench } from "../e2e/hosts";
import { assertAllDiffer } from "./fork-settled";

const PROGRAM = "test/faults/fixtures/forks-at-once";

export function describeForksAtOnce(): void {
	describe("forks of one parent by two stacks at the same time", function () {
		this.timeout(600_000);
		let folder: string;
		/** Its stack has the parent and the pool. */
		let bench: Bench;
		const users: Project[] = [];
		const store = () => join(folder, "identities.sqlite");

		before(async () => {
			folder = await mkdtemp(join(tmpdir(), "forks-at-once-"));
			bench = await startBench({ program: PROGRAM, stack: "owner", config: { store: store() } });
			await bench.project.up();
			const { shared } = await bench.project.outputs<{ shared: { parent: object; access: string } }>();
			for (const stack of ["one", "two"]) {
				const config = { parent: JSON.stringify(shared.parent), "pulumi-libvirt-clones:uri": bench.host.uri };
				users.push(await Project.start({ program: PROGRAM, stack, config, secrets: { access: shared.access } }));
			}
		});
		after(async () => {
			for (const user of users) await user.remove();
			await bench?.stop();
			await rm(folder, { recursive: true, force: true });
		});

		it("make machines of which each is somebody of its own", async () => {
			await Promise.all(users.map((user) => user.up()));
			const made = await Promise.all(users.map((user) => user.outputs<{ machines: ForkedChild[] }>()));
			const machines = made.flatMap((outputs) => outputs.machines);
			assert.deepEqual(machines.map(({ name }) => name).sort(), ["one-0", "one-1", "two-0", "two-1"]);
			assertAllDiffer(machines);
			for (const { name, identity, verified } of machines) {
				assert.equal(verified!.addresses.length, 1, name);
				assert.equal(await inGuest(bench.host, name, "hostname; cat /run/warm"), `${identity}\nwarmed up`);
			}
			for (const user of users) await user.preview(["--expect-no-changes"]);
		});

		it("protect it until the last of them is gone, and leave nothing", async () => {
			const [one, two] = users as [Project, Project];
			await isProtectedBy("one-0", "one-1", "two-0", "two-1");
			await one.destroy();
			assert.deepEqual(await machinesOn(), ["two-0", "two-1"]);
			await isProtectedBy("two-0", "two-1");
			await two.preview(["--expect-no-changes"]);
			await two.destroy();
			await bench.project.destroy();
			assert.deepEqual(await leftOn(bench), []);
			await withStore({ sqlite: { path: store() } }, async (opened) => assert.deepEqual(await opened.pools(), []));
		});

		async function isProtectedBy(...names: string[]): Promise<void> {
			const resources = (await bench.project.state()).deployment.resources!;
			const { urn } = resources.find(({ type }) => type.endsWith("clones:ForkPoint"))!;
			const { code, stdout } = await bench.project.run(["destroy", "--yes", "--skip-preview", "--target", urn]);
			assert.notEqual(code, 0, stdout);
			const [complaint] = /the volume \S+ cannot be deleted: .*Destroy the children first/.exec(stdout) ?? [];
			assert.ok(complaint, stdout);
			const named = [...complaint.matchAll(/domain ((?:one|two)-\d)/g)].map(([, name]) => name!);
			assert.deepEqual([...new Set(named)].sort(), names);
			await bench.project.preview(["--expect-no-changes"]);
		}

		async function machinesOn(): Promise<string[]> {
			return (await leftOn(bench)).filter((name) => /^(one|two)-\d$/.test(name)).sort();
		}
	});
}
