import assert from "node:assert/strict";
import { argumentsOf } from "../../../cli/arguments";
import { readIdentityState } from "../../../cli/identity-state";

const access = (pool: string) =>
	JSON.stringify({ pool, store: { sqlite: { path: "/x" } }, owner: "o/p/s/x", key: "k" });
const secret = (text: string) => ({ "4dabf18193072939515e22adb298388d": "1", plaintext: JSON.stringify(text) });
const stateOf = (resources: object[], more: object = {}) => JSON.stringify({ deployment: { resources, ...more } });
const type = (name: string) => `pulumi-nodejs:dynamic/clones:${name}`;

describe("the state of a stack", () => {
	it("says which pools there are, of its own and of others, and who has a lease", () => {
		const { pools, owners } = readIdentityState(
			stateOf([
				{ type: type("Identity"), inputs: { ownerId: "o/p/s/vm-0", pool: secret(access("web")) } },
				{ type: type("IdentityPool"), outputs: { access: secret(access("web")) } },
				{ type: type("Identity"), inputs: { ownerId: "o/p/s/vm-1", pool: access("elsewhere") } },
				{ type: type("Domain"), inputs: { ownerId: "o/p/s/vm-0" } },
			]),
		);
		assert.deepEqual([...pools.keys()], ["web", "elsewhere"]);
		assert.deepEqual([...owners], ["o/p/s/vm-0", "o/p/s/vm-1"]);
	});

	it("is refused when it is none, encrypted, or of a run that was cut off", () => {
		assert.throws(() => readIdentityState("{}"), /there is no deployment in it/);
		assert.throws(() => readIdentityState("no"), /there is no deployment in it/);
		const encrypted = { "4dabf18193072939515e22adb298388d": "1", ciphertext: "v1:x" };
		assert.throws(
			() => readIdentityState(stateOf([{ type: type("IdentityPool"), outputs: { access: encrypted } }])),
			/encrypted.*pulumi stack export --show-secrets/,
		);
		assert.throws(
			() => readIdentityState(stateOf([], { pending_operations: [{}] })),
			/1 pending operation.*pulumi refresh/,
		);
	});
});

describe("the command line", () => {
	it("takes a command of two words, and what it is about", () => {
		const given = argumentsOf(["identities", "release", "web-001", "--stack", "o/p/s", "--pool", "web", "--yes"]);
		assert.deepEqual(
			[given.command, given.names, given.stack, given.pool, given.owner, given.yes],
			["identities release", ["web-001"], "o/p/s", "web", undefined, true],
		);
		assert.deepEqual(argumentsOf(["sweep", "other"]).names, ["other"]);
	});
});
