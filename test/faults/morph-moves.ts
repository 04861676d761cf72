/** A machine that changes shape and place by a template, whose driver is killed at each moment of its life. */
import assert from "node:assert/strict";
import { exec, MoveLab, size, telling, trace } from "../host/morph-move-lab";

export function describeMorphMoves(): void {
	describe("a move by the steps of a template, its driver killed at each moment in turn", function () {
		this.timeout(1_800_000);
		let lab: MoveLab;
		before(async () => {
			lab = await MoveLab.start();
		});
		after(() => lab?.stop());

		it("comes to its end each time, with no step left out", async () => {
			let deaths = 0;
			for (let diesAt = 1; ; diesAt++) {
				const { there } = lab;
				const grows = diesAt % 2 === 0;
				const news = await lab.on(there, {
					...(grows ? size(1, 288) : size(2, 192)),
					agentPolicy: telling.agentPolicy,
					morph: {
						tools: telling.tools,
						preMigration: [exec(trace("pre"))],
						hotUnplug: [exec(trace("unplug"))],
						migration: { duringMigration: [lab.onHost("during", there), telling.step("arrived")] },
						hotPlug: [exec(trace("plug"))],
						postMigration: [telling.step("post")],
					},
				});
				const { died } = await lab.dying({ state: lab.state, inputs: news, diesAt });
				await lab.changed(there, news);
				const words = [...new Set((await lab.traced()).map((line) => line.split(" ")[0]))];
				assert.deepEqual(words, ["pre", "unplug", "arrived", "plug", "post"], `killed at moment ${diesAt}`);
				assert.match((await lab.tracedOnHosts()).join(), /^during: (paused|running)/);
				await lab.hasNoTools();
				await lab.settled();
				if (!died) break;
				deaths++;
			}
			assert.ok(deaths >= 30, `${deaths} deaths`);
		});
	});
}
