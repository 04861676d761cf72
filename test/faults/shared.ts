/** A machine between hosts that share its disk, whose runs are killed at each moment: the file stays for as long as it is anybody's. */
import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { volume } from "../../provider/volume/lifecycle";
import { type Full, type Lab, wire } from "../host/domain-lab";
import type { Operation } from "../host/shared-crash";
import { SharedLab } from "../host/shared-lab";
import type { VolumeState } from "../host/volume-lab";

export function describeShared(): void {
	describe("a machine between hosts that share its disk, each run killed at each moment in turn", function () {
		this.timeout(1_800_000);
		let shared: SharedLab;
		let at: Lab;
		let disk: VolumeState;
		let state: Full;

		before(async () => {
			shared = await SharedLab.start();
			at = shared.a;
			const made = await volume.create(await shared.volumeOn(at, "disk", { sizeMiB: 16 }), at.context);
			disk = wire(made.state);
			state = wire(await at.create(machineOn(at)));
		});
		after(() => shared?.stop());

		const machineOn = (lab: Lab) =>
			lab.plain("off", {
				type: "qemu",
				running: false,
				memoryMiB: 64,
				disks: [{ volume: disk.key }],
				migration: shared.migrationTo(lab),
			});
		const inode = async () => (await stat(join(shared.folder, "disk.qcow2"))).ino;

		/** Killed at a moment, then once more to its end, as the next run does. @returns its result, and whether it was */
		async function again<T>(operation: Operation, diesAt: number): Promise<[T, number]> {
			const result = await shared.inAnotherRun<T>(operation, diesAt);
			if (result !== undefined) return [result, 0];
			await inode();
			return [(await shared.inAnotherRun<T>(operation))!, 1];
		}

		it("stays the same file, with one mark", async () => {
			const file = await inode();
			let deaths = 0;
			for (let diesAt = 1; ; diesAt++) {
				const to = shared.other(at);
				const news = await shared.volumeOn(to, "disk", { sizeMiB: 16 });
				const [made, diedMaking] = await again<VolumeState>({ volume: "create", olds: disk, news }, diesAt);
				const [moved, diedMoving] = await again<Full>({ domain: "update", state, news: machineOn(to) }, diesAt);
				const [, diedLeaving] = await again({ volume: "delete", state: disk }, diesAt);
				[disk, state] = [made, { ...moved, incomplete: undefined }];
				assert.equal(await inode(), file);
				assert.equal((await to.host.domains.find(state.uuid))?.state, "shutoff");
				assert.equal(await at.host.domains.find(state.uuid), undefined);
				const files = await shared.files();
				assert.match(files.join(), /^disk\.qcow2,disk\.qcow2\.\d+-[0-9a-f]{32}-[0-9a-f]{8}\.held$/);
				at = to;
				const died = diedMaking + diedMoving + diedLeaving;
				if (died === 0) break;
				deaths += died;
			}
			assert.ok(deaths >= 14, `${deaths} deaths`);
		});

		it("goes with its mark, in whatever moment that is cut off", async () => {
			await at.delete(state);
			let died = 1;
			for (let diesAt = 1; died > 0; diesAt++) {
				// Each time it is still recorded.
				const result = await shared.inAnotherRun({ volume: "delete", state: disk }, diesAt);
				died = result === undefined ? 1 : 0;
			}
			assert.deepEqual(await shared.files(), []);
		});
	});
}
