import assert from "node:assert/strict";
import fc from "fast-check";
import { isOwnedBy, logicalNameOf, ownerMac, ownerUuid, stackOf, stackTag } from "../../../provider/owner";

describe("ownership", () => {
	it("takes an owner id apart, also with slashes in the logical name", () => {
		assert.equal(stackOf("org/project/dev/web/0"), "org/project/dev");
		assert.equal(logicalNameOf("org/project/dev/web/0"), "web/0");
	});

	it("makes unicast, locally administered MAC addresses that depend on owner and NIC alone", () => {
		fc.assert(
			fc.property(fc.string(), fc.nat(7), (owner, nic) => {
				const mac = ownerMac(owner, nic);
				assert.match(mac, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
				const first = Number.parseInt(mac.slice(0, 2), 16);
				assert.equal(first & 1, 0);
				assert.equal(first & 2, 2);
				assert.equal(mac, ownerMac(owner, nic));
			}),
		);
		assert.notEqual(ownerMac("a/b/c/d", 0), ownerMac("a/b/c/d", 1));
		assert.notEqual(ownerMac("a/b/c/d", 0), ownerMac("a/b/c/e", 0));
	});

	it("gives ten thousand machines different MAC addresses", () => {
		const macs = Array.from({ length: 10_000 }, (_, index) => ownerMac(`org/project/dev/web-${index}`, 0));
		assert.equal(new Set(macs).size, macs.length);
	});

	it("makes UUIDs that say which stack they belong to", () => {
		const uuid = ownerUuid("org/project/dev/pool");
		assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		assert.ok(uuid.startsWith(stackTag("org/project/dev/other")));
		assert.notEqual(uuid, ownerUuid("org/project/dev/other"));
		assert.notEqual(stackTag("org/project/dev/x"), stackTag("org/project/prod/x"));
	});

	it("knows an owner by its present and previous ids", () => {
		const inputs = { ownerId: "o/p/s/new", previousOwnerIds: ["o/p/s/old"] };
		assert.ok(isOwnedBy("o/p/s/new", inputs));
		assert.ok(isOwnedBy("o/p/s/old", inputs));
		assert.ok(!isOwnedBy("o/p/s/other", inputs));
		assert.ok(!isOwnedBy(undefined, inputs));
	});
});
