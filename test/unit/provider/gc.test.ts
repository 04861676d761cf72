import assert from "node:assert/strict";
import { readState, refuseState } from "../../../provider/guard/gc";
import { contentIn } from "../../../provider/volume/name";

const type = (name: string) => `pulumi-nodejs:dynamic/clones:${name}`;
const guard = (uri: string, stack = "organization/machines/dev") => ({
	type: type("Guard"),
	id: "guard",
	inputs: { ownerId: `${stack}/libvirt-clones-guard-1`, uri },
});
const exported = (resources: object[], more: object = {}) =>
	JSON.stringify({ version: 3, deployment: { manifest: { time: "2026-01-02T03:04:05.678Z" }, resources, ...more } });
const STACK = "organization/machines/dev";
const URI = "qemu:///system";

describe("a stack's state, as gc reads it", () => {
	it("tells what is known, also what is still to be deleted", () => {
		const gold = {
			type: type("Volume"),
			id: "/images/gold",
			delete: true,
			outputs: { path: "/images/gold", key: "k" },
		};
		const state = readState(exported([guard(URI), gold, { type: "pulumi:pulumi:Stack" }]));
		assert.deepEqual([...state.ids], ["guard", "/images/gold", "k"]);
		assert.deepEqual([state.isEmpty, state.pending, state.guards.length], [false, 0, 1]);
		assert.equal(state.writtenAt?.toISOString(), "2026-01-02T03:04:05.678Z");
	});

	it("is refused when it is no state at all", () => {
		for (const text of ["", "{}", "[]", '{"resources": []}', '{"deployment": null}']) {
			assert.throws(() => readState(text), /not what `pulumi stack export` writes/, text);
		}
	});

	const refused = (resources: object[], more: object = {}, identified = false) => {
		try {
			refuseState(readState(exported(resources, more)), STACK, URI, identified);
			return "";
		} catch (error) {
			return (error as Error).message;
		}
	};

	it("has to have this stack's guard for this host", () => {
		assert.equal(refused([guard(URI)]), "");
		assert.equal(refused([guard("qemu+ssh://other/system"), guard(URI)]), "");
		assert.match(refused([guard("qemu+ssh://other/system")]), /no guard for qemu:.*guards for: qemu\+ssh:\/\/other/);
		assert.match(
			refused([guard(URI, "organization/machines/prod")]),
			/is of the stack organization\/machines\/prod, not/,
		);
		assert.match(refused([{ type: type("Volume"), id: "/a" }]), /it has none at all/);
	});

	it("says something when it is empty only if it is certain whose it is", () => {
		assert.match(refused([]), /it has none at all/);
		assert.equal(refused([], {}, true), "");
		assert.match(refused([{ type: type("Volume"), id: "/a" }], {}, true), /it has none at all/);
	});

	it("says too little after a run that was cut off", () => {
		assert.match(refused([guard(URI)], { pending_operations: [{}] }), /1 pending operation.*--clear-pending-creates/);
	});
});

describe("the content in a volume's name", () => {
	it("is that of an upload, and of nothing else", () => {
		assert.equal(contentIn("gold-3cde9cbd-58b8a1dc.qcow2"), "3cde9cbd");
		assert.equal(contentIn("gold-3cde9cbd-58b8a1dc.img"), "3cde9cbd");
		for (const name of ["web-0-58b8a1dc.qcow2", "web-seed-3cde9cbd-58b8a1dc.iso", "gold.qcow2"]) {
			assert.equal(contentIn(name), undefined, name);
		}
	});
});
