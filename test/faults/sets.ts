/** A set whose machines go to another host one after the other, and its CLI is killed when the first of them is there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureImage } from "../../tools/images";
import { Project } from "../../tools/pulumi/project";
import { connectHosts, startTestHost, type TestHost } from "../../tools/testhost";
import { inGuest, leftOn } from "../e2e/hosts";
import { ended, gone, processesBelow, providerProcesses } from "./processes";
import type { Random } from "./random";

const NAMES = ["web-0", "web-1"];
const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";
const ROUNDS = 4;

export function describeSets(random: Random): void {
	describe("sets of machines that go to another host one after the other", function () {
		this.timeout(600_000);
		let hosts: [TestHost, TestHost];
		let project: Project;
		const poolPath = (host: TestHost) => join(host.poolDirectory, "images");
		const place = (host: TestHost) =>
			JSON.stringify({ uri: host.uri, poolPath: poolPath(host), peerUri: `qemu+tcp://${host.linkAddress}/system` });
		const machinesOn = async (host: TestHost, ...which: string[]) =>
			(await host.virsh("list", "--name", ...which)).split("\n").filter(Boolean).sort();
		const booted = (host: TestHost) => Promise.all(NAMES.map((name) => inGuest(host, name, BOOT_ID)));

		before(async () => {
			hosts = [await startTestHost(), await startTestHost()];
			const [a, b] = hosts;
			await connectHosts(a, b);
			const image = (await ensureImage("micro")).disk;
			project = await Project.start({
				program: "test/faults/fixtures/set",
				config: { a: place(a), b: place(b), host: "a", image },
			});
			await project.up();
		});
		after(async () => {
			await project?.remove();
			for (const host of hosts ?? []) await host.stop();
		});

		for (let round = 0; round < ROUNDS; round++) {
			const moreMs = random.between(0, 2500);
			it(`have one place each when the CLI is killed ${moreMs} ms after the first one is there, and go on`, async () => {
				const [from, to] = hosts;
				const before = await booted(from);
				await project.setConfig("host", round % 2 === 0 ? "b" : "a");
				const cli = project.spawn(["up", "--yes", "--skip-preview"]);
				while (!(await machinesOn(to, "--state-running")).includes("web-0")) {
					assert.equal(cli.exitCode, null, "the run was over before the first one was there");
					await sleep(20);
				}
				await sleep(moreMs);
				assert.equal(cli.exitCode, null, "the run was over before the CLI was killed");
				const below = processesBelow(cli.pid!);
				cli.kill("SIGKILL");
				await ended(cli);
				await gone(providerProcesses(below));
				const running = await Promise.all(hosts.map((host) => machinesOn(host, "--state-running")));
				assert.deepEqual(running.flat().sort(), NAMES, "each runs on one host");
				await project.unlock();
				await project.up();
				assert.deepEqual(await machinesOn(to, "--all"), NAMES);
				assert.deepEqual(await machinesOn(from, "--all"), []);
				assert.deepEqual(await booted(to), before);
				await project.preview(["--expect-no-changes"]);
				const files = (await leftOn({ host: from, project, poolPath: poolPath(from), stop: async () => {} })).filter(
					(name) => name.startsWith("web-"),
				);
				assert.deepEqual(files, []);
				hosts = [to, from];
			});
		}
	});
}
