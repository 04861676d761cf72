import assert from "node:assert/strict";
import { decided } from "../../../operations/decide";
import { childOf, setIn } from "../../../operations/sets";

const before = {
	count: 3,
	power: "on" as const,
	children: {
		ann: { power: "off" as const, onReset: "refork" as const, resetTrigger: "1" },
		bob: { exists: true },
	},
};

describe("what a call declares", () => {
	it("is of the children that it names, and keeps what is said of others", () => {
		const { ann } = before.children;
		const of = (operation: "powerOn" | "create" | "destroy" | "revert", ...children: string[]) =>
			decided(before, { operation, children }).children;
		assert.deepEqual(of("powerOn", "ann"), { ann: { ...ann, power: "on" }, bob: { exists: true } });
		assert.deepEqual(of("powerOn", "bob"), { ann, bob: { exists: true, power: "on" } });
		assert.deepEqual(of("destroy", "bob", "ann"), { ann: { exists: false }, bob: { exists: false } });
		assert.deepEqual(of("create", "cid", "ann"), {
			ann: { exists: true },
			bob: { exists: true },
			cid: { exists: true },
		});
		assert.deepEqual(of("revert", "ann", "bob"), { ann: { resetTrigger: "1" } }, "another trigger would be a reset");
	});

	it("is of all, whatever was said of one of them", () => {
		const { power: _power, ...ann } = before.children.ann;
		const off = decided(before, { operation: "powerOff" });
		assert.deepEqual(off, { count: 3, power: "off", children: { ann, bob: { exists: true } } });
		assert.deepEqual(decided(before, { operation: "revert" }), { children: { ann: { resetTrigger: "1" } } });
		assert.equal(decided(before, { operation: "create", count: 5 }).count, 5);
	});

	it("resets as the set says unless told otherwise", () => {
		const reset = { operation: "reset", trigger: "2" } as const;
		const ann = (after: ReturnType<typeof decided>) => after.children!.ann;
		assert.deepEqual(ann(decided(before, { ...reset, children: ["ann"] })), { power: "off", resetTrigger: "2" });
		const refork = decided(before, { ...reset, children: ["ann"], onReset: "refork" });
		assert.deepEqual(ann(refork), { power: "off", resetTrigger: "2", onReset: "refork" });
		const all = decided(before, { ...reset, onReset: "boot" });
		assert.deepEqual([all.resetTrigger, all.onReset], ["2", "boot"]);
		assert.deepEqual(ann(all), { power: "off", resetTrigger: "1" });
	});
});

const urn = (type: string, name: string) => `urn:pulumi:dev::office::${type}::${name}`;
const SET = "pulumi-libvirt-clones:index:ForkedVMSet";
const DOMAIN = "pulumi-nodejs:dynamic/clones:Domain";
const setOf = (name: string, ...machines: string[]) => [
	{ urn: urn(SET, name), type: SET },
	...machines.map((machine) => ({ urn: urn(`${SET}$${DOMAIN}`, machine), type: DOMAIN, parent: urn(SET, name) })),
];

describe("the sets of a stack", () => {
	const deployment = { resources: [...setOf("desk", "desk-ann", "desk-desk-bob"), ...setOf("web", "w-x-0", "w-0")] };

	it("are found by name, and refused with the names that there are", () => {
		assert.deepEqual(setIn(deployment, "dev", "desk").machines, ["desk-ann", "desk-desk-bob"]);
		assert.throws(() => setIn(deployment, "dev", "desks"), /got "desks"; allowed are the sets of dev: desk, web \(/);
		assert.throws(() => setIn({}, "dev", "desks"), /allowed are the sets of dev: it has none/);
		const twice = { resources: [...deployment.resources, { urn: urn(`other$${SET}`, "desk"), type: SET }] };
		assert.throws(() => setIn(twice, "dev", "desk"), /got "desk", of which dev has 2/);
	});

	it("have children, by what the set calls them or by their machines", () => {
		const desk = setIn(deployment, "dev", "desk");
		assert.deepEqual(childOf(desk, "ann"), { name: "ann", machine: "desk-ann" });
		assert.deepEqual(childOf(desk, "desk-ann"), { name: "ann", machine: "desk-ann" });
		assert.deepEqual(childOf(desk, "desk-bob"), { name: "desk-bob", machine: "desk-desk-bob" });
		assert.equal(childOf(desk, "zoe"), undefined);
		assert.deepEqual(childOf(setIn(deployment, "dev", "web"), "0"), { name: "0", machine: "w-0" });
	});
});
