import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bench, inGuest, leftOn, startBench } from "../e2e/hosts";

describe("clones with scripts that went on in the memory of a machine", function () {
	this.timeout(600_000);
	let bench: Bench;
	const inside = (name: string, command: string) => inGuest(bench.host, name, command);
	const want = (clones: Record<string, { instanceId: number }>) =>
		bench.project.setConfig("clones", JSON.stringify(clones));
	const TWO = { a: { instanceId: 0 }, b: { instanceId: 1 } };

	before(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/init-state", config: { clones: JSON.stringify(TWO) } });
		await bench.project.up();
	});
	after(() => bench?.stop());

	it("stay who they are when they boot", async () => {
		const who = await inside("web-a", "cat /etc/who");
		await inside("web-a", "sync");
		await bench.host.virsh("destroy", "web-a");
		await bench.host.virsh("start", "web-a");
		const both = `${who}\n${who}`;
		let found = "";
		for (let turn = 0; turn < 300 && found !== both; turn++) {
			found = await inside("web-a", "cat /etc/who").catch(() => "");
			await sleep(200);
		}
		assert.equal(found, both);
	});

	it("are kept as they are when scripts change, which new ones have", async () => {
		await bench.project.edit("index.ts", 'echo "$CLONE_ID', 'echo "new $CLONE_ID');
		await want({ ...TWO, c: { instanceId: 2 } });
		const { changes } = await bench.project.up();
		// The machine that they go on as, and disk and machine of the new one.
		assert.deepEqual([changes.create, changes.update, changes.replace], [2, undefined, 1]);
		assert.match(await inside("web-c", "cat /etc/who"), /^new \S+ web-03$/);
		assert.doesNotMatch(await inside("web-b", "cat /etc/who"), /new/);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("leave nothing, not even the machine that former ones went on as", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
