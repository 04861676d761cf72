import assert from "node:assert/strict";
import type { Host } from "../../../provider/libvirt";
import { Convergence, policyOf } from "../../../provider/move/convergence";
import { cutOff, Progress } from "../../../provider/move/stall";

describe("a migration of which nothing arrives any more", () => {
	it("is one that has sent something, and nothing more for a while", () => {
		const progress = new Progress();
		const looks: Array<[doneBytes: number, second: number]> = [
			[0, 0],
			[0, 60],
			[5, 61],
			[5, 70],
			[6, 71],
			[6, 80],
			[6, 86],
		];
		const idle = looks.map(([doneBytes, second]) => progress.idleSeconds({ doneBytes }, second * 1000));
		assert.deepEqual(idle, [0, 0, 0, 9, 0, 9, 15]);
	});

	const hostOf = (calls: string[]) =>
		({
			domains: {
				setMaxDowntime: async () => {},
				qmp: async (_: string, command: string, args?: object) => {
					calls.push(`${command} ${JSON.stringify(args)}`);
					const node = { type: "block-node", "node-name": "migration-vda-storage" };
					return command === "query-yank" ? [{ type: "chardev", id: "charserial0" }, node, { type: "migration" }] : {};
				},
			},
		}) as unknown as Host;

	it("has the connections for memory and disks cut, and no others", async () => {
		const calls: string[] = [];
		await cutOff(hostOf(calls), "u");
		assert.deepEqual(calls, [
			"query-yank undefined",
			'yank {"instances":[{"type":"block-node","node-name":"migration-vda-storage"},{"type":"migration"}]}',
		]);
	});

	it("is given up once, and says so", async () => {
		const calls: string[] = [];
		const convergence = new Convergence(() => {}, hostOf(calls), { uuid: "u", name: "m" }, policyOf(undefined));
		const memory = {
			pass: 1,
			remainingBytes: 1,
			sentBytesPerSecond: 0,
			dirtiedBytesPerSecond: 0,
			throttlePercent: 0,
		};
		const job = { isMigration: true, doneBytes: 7, totalBytes: 8, memory };
		const now = performance.now;
		try {
			for (const second of [0, 14, 15, 16]) {
				performance.now = () => second * 1000;
				await convergence.look(job);
				assert.equal(convergence.reason !== undefined, second >= 15);
			}
		} finally {
			performance.now = now;
		}
		assert.equal(calls.filter((call) => call.startsWith("yank")).length, 1);
		assert.match(convergence.reason!, /nothing of it has come through to the other host for 15 s/);
	});
});
