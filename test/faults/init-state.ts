import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { leftOn } from "../e2e/hosts";
import { type StateBench, startStateBench, TWO } from "../e2e/init-state-lab";

describe("clones with scripts that went on in the memory of a machine", function () {
	this.timeout(600_000);
	let bench: StateBench;

	before(async () => {
		bench = await startStateBench();
		await bench.project.up();
	});
	after(() => bench?.stop());

	it("stay who they are when they boot", async () => {
		const who = await bench.inside("web-a", "cat /etc/who");
		await bench.inside("web-a", "sync");
		await bench.host.virsh("destroy", "web-a");
		await bench.host.virsh("start", "web-a");
		const both = `${who}\n${who}`;
		let found = "";
		for (let turn = 0; turn < 300 && found !== both; turn++) {
			found = await bench.inside("web-a", "cat /etc/who").catch(() => "");
			await sleep(200);
		}
		assert.equal(found, both);
	});

	it("are kept as they are when scripts change, which new ones have", async () => {
		await bench.project.edit("index.ts", 'echo "$CLONE_ID', 'echo "new $CLONE_ID');
		await bench.want({ ...TWO, c: { instanceId: 2 } });
		const { changes } = await bench.project.up();
		// The machine that they go on as, and disk and machine of the new one.
		assert.deepEqual([changes.create, changes.update, changes.replace], [2, undefined, 1]);
		assert.match(await bench.inside("web-c", "cat /etc/who"), /^new \S+ web-03$/);
		assert.doesNotMatch(await bench.inside("web-b", "cat /etc/who"), /new/);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("are brought up to date with changed scripts, where that is said, as they run", async () => {
		const bootId = () => bench.inside("web-b", "cat /proc/sys/kernel/random/boot_id");
		const before = await bootId();
		await bench.project.setConfig("onScriptChange", "rerun");
		await bench.project.edit("index.ts", 'echo "new $CLONE_ID', 'echo "newer $CLONE_ID');
		const { changes } = await bench.project.up();
		// The machine that new ones would go on as.
		assert.equal(changes.replace, 1);
		for (const [name, number] of Object.entries({ "web-a": 1, "web-b": 2, "web-c": 3 })) {
			const who = (await bench.inside(name, "cat /etc/who")).split("\n");
			assert.match(who.at(-1)!, new RegExp(`^newer \\S+ web-0${number}$`));
			assert.equal(who.filter((line) => line.startsWith("newer ")).length, 1);
		}
		assert.equal(await bootId(), before);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("leave nothing, not even the machine that former ones went on as", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
