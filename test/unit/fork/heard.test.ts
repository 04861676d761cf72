import assert from "node:assert/strict";
import { endHeard } from "../../../provider/fork/ask";
import type { Host } from "../../../provider/libvirt";

describe("what the scripts of a child tell on their port", () => {
	/** A guest that says these, one with each question. */
	const guest = (...said: string[]) =>
		({ domains: { qmp: async () => said.shift() ?? "" } }) as unknown as Pick<Host, "domains"> as Host;
	const listening = (host: Host) => {
		const done: string[] = [];
		const hear = endHeard(host, "uuid", async () => {
			done.push("up");
		});
		return { done, hear };
	};

	it("has the link come up once the NIC is used, and no agent asked for that", async () => {
		const { done, hear } = listening(guest("", "lin", "ked\n", "linked\n"));
		assert.deepEqual([await hear(), await hear(), ...done], [false, false]);
		assert.deepEqual([await hear(), await hear(), ...done], [false, false, "up"]);
	});

	it("has the agent asked when a script has ended", async () => {
		const { done, hear } = listening(guest("linked\nended\n"));
		assert.deepEqual([await hear(), ...done], [true, "up"]);
	});

	it("has the link come up when nobody has told for long", async () => {
		const { done, hear } = listening(guest());
		for (const until = Date.now() + 20_000; done.length === 0 && Date.now() < until; ) {
			await hear();
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		await hear();
		assert.deepEqual(done, ["up"]);
	}).timeout(30_000);
});
