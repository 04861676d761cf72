/** A machine that is saved and restored on another host, or started anew there, whose driver is killed at each moment. */
import assert from "node:assert/strict";
import { WaysLab } from "../host/move-ways-lab";
import { goesOnAfter, SAVED_FAULTS } from "../host/saved-faults";

const WAYS = {
	"is saved and restored": { migration: { mode: "saveRestore" }, deaths: 15 },
	"is shut down and started": { migration: { mode: "reboot", allowReboot: true }, deaths: 9 },
} as const;

export function describeWays(): void {
	describe("a machine that is saved and restored on another host, its driver killed in the middle", function () {
		this.timeout(300_000);
		let lab: WaysLab;
		before(async () => {
			lab = await WaysLab.start();
		});
		after(() => lab?.stop());

		for (const fault of SAVED_FAULTS) {
			it(`goes on there when it dies while ${fault.what}`, async () => {
				const before = await lab.assertGoesOn();
				await goesOnAfter(fault, lab, await lab.on(lab.there, WAYS["is saved and restored"].migration));
				assert.ok((await lab.assertGoesOn()) > before);
			});
		}
	});

	for (const [what, { migration, deaths: least }] of Object.entries(WAYS)) {
		describe(`a machine that ${what} on another host, its driver killed at each moment in turn`, function () {
			this.timeout(3_600_000);
			let lab: WaysLab;
			before(async () => {
				lab = await WaysLab.start();
			});
			after(() => lab?.stop());

			it("gets there each time, and is never on both", async () => {
				let deaths = 0;
				for (let diesAt = 1; ; diesAt++) {
					const { state } = lab;
					const news = await lab.on(lab.there, migration);
					const died = await lab.dying({ state, inputs: news, diesAt });
					const running = await lab.runningOn();
					assert.ok(running.length < 2, `killed at moment ${diesAt} it is on ${running.join(" and ")}`);
					await lab.moved(news).catch((error) => {
						throw new Error(`killed at moment ${diesAt}: ${error.message}`, { cause: error });
					});
					if (migration.mode === "reboot") await lab.assertStartedAnew();
					else await lab.assertGoesOn();
					if (!died) break;
					deaths++;
				}
				assert.ok(deaths >= least, `${deaths} deaths`);
			});
		});
	}
}
