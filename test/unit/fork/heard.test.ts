import assert from "node:assert/strict";
import { endHeard } from "../../../provider/fork/ask";
import type { Host } from "../../../provider/libvirt";

describe("what the scripts of a child tell on their port", () => {
	/** A guest that says these, one with each question. */
	const guest = (...said: string[]) =>
		({ domains: { qmp: async () => said.shift() ?? "" } }) as unknown as Pick<Host, "domains"> as Host;
	const listening = (host: Host) => {
		const done: string[] = [];
		const linked = async () => {
			done.push("up");
		};
		const somebody = async (said: string) => {
			done.push(said);
		};
		return { done, hear: endHeard(host, "uuid", { linked }), hearBoth: endHeard(host, "uuid", { linked, somebody }) };
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

	it("hears who somebody is once all of that is there, whatever words are in it, and before what comes then", async () => {
		const { done, hearBoth } = listening(
			guest("random 1\nhostname linked\nended", " x\nsome", "body\nlinked\n", "ended\n"),
		);
		assert.deepEqual([await hearBoth(), await hearBoth(), ...done], [false, false]);
		const account = "random 1\nhostname linked\nended x\n";
		assert.deepEqual([await hearBoth(), ...done], [false, account, "up"]);
		assert.deepEqual([await hearBoth(), ...done], [true, account, "up"]);
	});

	it("has the agent asked when a script has ended before it was somebody, and no link come up", async () => {
		const { done, hearBoth } = listening(guest("random 1\nended\n"));
		assert.deepEqual([await hearBoth(), ...done], [true]);
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
