/** A destroy right after the fault: nothing has been recorded but what the killed run could. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../../tools/pulumi/project";
import { leftOn } from "../e2e/hosts";
import { choosePoint, describePoint, strike } from "./fault";
import type { Random } from "./random";
import { type Stand, startStand } from "./stand";

const WITHOUT_CHECKPOINTS = { PULUMI_EXPERIMENTAL: "1", PULUMI_SKIP_CHECKPOINTS: "true" };

export function describeUnrecorded(random: Random): void {
	describe("and a destroy right after it", function () {
		this.timeout(300_000);
		let stand: Stand;
		before(async () => {
			stand = await startStand({ running: false });
			await stand.want({ web: 3, kept: 2 });
		});
		after(() => stand?.stop());

		const first = choosePoint(random, 20);
		it(`sweeps what was not recorded, with checkpoints: after ${describePoint(first)}`, async () => {
			await strike(stand, { command: "up", victim: "CLI", point: first, restartMs: 0 }, {});
			await stand.project.unlock();
			const { stdout } = await stand.project.destroy();
			const left = await leftOn(stand);
			// Of an image that was uploaded nobody knows whether it has been written to since.
			const gold = left.find((name) => name.startsWith("gold-"));
			if (gold) assert.match(stdout, new RegExp(`left in place: volume \\S*${gold}: an image that no state knows`));
			assert.deepEqual(
				left.filter((name) => name !== gold && name !== "images"),
				[],
			);
			await cleanUp(gold);
		});

		const second = choosePoint(random, 20);
		it(`knows nothing without checkpoints, and the sweep of the command line does: after ${describePoint(second)}`, async () => {
			await strike(stand, { command: "up", victim: "CLI", point: second, restartMs: 0 }, WITHOUT_CHECKPOINTS);
			await stand.project.unlock();
			const before = await leftOn(stand);
			assert.ok(before.includes("images"), "nothing was made");
			await stand.project.destroy();
			assert.deepEqual(await leftOn(stand), before, "nothing was recorded, not even the guard");
			const command = ["sweep", "--stack", "organization/faults/dev", "--uri", stand.host.uri, "--yes"];
			const { stdout } = await promisify(execFile)("node", [join(repository, "dist/cli/main.js"), ...command]);
			const left = await leftOn(stand);
			const gold = left.find((name) => name.startsWith("gold-"));
			if (gold) assert.match(stdout, new RegExp(`left volume \\S*${gold}: an image that no state knows`));
			assert.deepEqual(
				left.filter((name) => name !== gold && name !== "images"),
				[],
			);
			await cleanUp(gold);
		});

		/** As the guide says, by hand. */
		async function cleanUp(gold: string | undefined): Promise<void> {
			if (gold) await stand.host.exec("rm", [join(stand.poolPath, gold)]);
			if (!(await leftOn(stand)).includes("images")) return;
			await stand.host.virsh("pool-destroy", "images");
			await stand.host.virsh("pool-undefine", "images");
		}
	});
}
