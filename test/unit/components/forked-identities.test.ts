import assert from "node:assert/strict";
import { ForkedVMSet, type ForkedVMSetArgs, IdentityPool, type IdentityPoolArgs } from "../../../index";
import { registeredBy } from "./mocks";

const PARENT = { uuid: "3c5b", disk: "/images/warm", pool: "images" };
const RANGES = { names: "web-{1}", count: 2, store: { sqlite: { path: "/tmp/identities.sqlite" } } };

describe("children of a ForkedVMSet", () => {
	const made = (args: Partial<ForkedVMSetArgs>, pool?: Partial<IdentityPoolArgs>) =>
		registeredBy(() => {
			const identityPool = pool && new IdentityPool("web", { ...RANGES, ...pool });
			return new ForkedVMSet("vm", { parent: PARENT, network: "lan", ...(identityPool && { identityPool }), ...args });
		});

	for (const [what, a, b] of [
		["hostname", { hostname: "web" }, { hostname: "WEB" }],
		["mac", { mac: "52:54:00:00:00:01" }, { mac: "52:54:00:00:00:01" }],
		["address", { address: "10.0.0.7/24" }, { address: "10.0.0.7/16" }],
	] as const) {
		it(`are refused with the same ${what}, before anything is made`, async () => {
			await assert.rejects(
				made({ children: { a, b } }),
				new RegExp(`got the ${what} .* for a and b; allowed is one for`),
			);
		});
	}

	it("are told their licence id, have its addresses, and can be put into quarantine by their lease", async () => {
		const registered = await made({ count: 1, licence: { command: ["activate"] } }, { licenceIds: ["CAD-1", "CAD-2"] });
		const fork = JSON.stringify(registered.find(({ type }) => type.endsWith(":Domain"))!.inputs.fork);
		assert.match(fork, /"licence":\{"command":\["activate"\],"id":"CAD-1"\}/);
		assert.match(fork, /"ips":\["10\.0\.0\.10"\]/);
		assert.match(fork, /"lease":.*"pool":.*\\"web\\"/);
	});

	it("are refused a licence that is nobody's", async () => {
		await assert.rejects(
			made({ count: 1, licence: { command: ["activate"] } }),
			/licence: got \{"command":\["activate"\],"timeoutSeconds":30\} without identityPool; allowed is/,
		);
	});
});
