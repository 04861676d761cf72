import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { type ForkedChildArgs, ForkedVMSet, type ForkedVMSetArgs } from "../../../index";
import { registeredBy } from "./mocks";

const KEY = "pulumi-libvirt-clones:forks";
const parent = { uuid: "3c5b", disk: "/images/warm.qcow2", pool: "images" };

/** The machines of a set `desk` under a configuration. */
async function machines(args: Partial<ForkedVMSetArgs>, configured: unknown) {
	const text = typeof configured === "string" ? configured : JSON.stringify(configured);
	pulumi.runtime.setAllConfig({ [KEY]: text });
	try {
		const registered = await registeredBy(() => new ForkedVMSet("desk", { parent, ...args }));
		return registered
			.filter(({ type }) => type.endsWith(":Domain"))
			.map(({ name, inputs }) => {
				const { resetTrigger, onReset } = inputs.fork as { resetTrigger?: string; onReset?: string };
				return { name, running: inputs.running, resetTrigger, onReset };
			});
	} finally {
		pulumi.runtime.setAllConfig({});
	}
}
const names = async (args: Partial<ForkedVMSetArgs>, configured: unknown) =>
	(await machines(args, configured)).map(({ name }) => name);

describe("what the configuration says of a set", () => {
	it("leaves alone what it does not name", async () => {
		const args = { children: ["ann"], power: "off", resetTrigger: "1" } as const;
		const plain = [{ name: "desk-ann", running: false, resetTrigger: "1", onReset: undefined }];
		assert.deepEqual(await machines({ ...args, children: ["ann"] }, {}), plain);
		assert.deepEqual(await machines({ ...args, children: ["ann"] }, { web: { power: "on", count: 3 } }), plain);
	});

	it("goes before the program: the number, and whether they run", async () => {
		assert.deepEqual(await names({ count: 1 }, { desk: { count: 3 } }), ["desk-0", "desk-1", "desk-2"]);
		const children: Record<string, ForkedChildArgs> = { ann: { power: "on" }, bob: {} };
		const off = await machines({ children }, { desk: { power: "off", children: { bob: { power: "on" } } } });
		assert.deepEqual(
			off.map(({ running }) => running),
			[false, true],
		);
	});

	it("is of one child: of a counted one, too", async () => {
		const found = await machines({ count: 3 }, { desk: { children: { 1: { power: "off", onReset: "refork" } } } });
		assert.deepEqual(
			found.map(({ running, onReset }) => [running, onReset]),
			[
				[true, undefined],
				[false, "refork"],
				[true, undefined],
			],
		);
	});

	it("adds children and takes them away", async () => {
		const desk = { children: { bob: { exists: true }, ann: { exists: false }, 0: { exists: false } } };
		assert.deepEqual(await names({ count: 2, children: ["ann", "cid"] }, { desk }), ["desk-1", "desk-cid", "desk-bob"]);
		assert.deepEqual(await names({ children: { cid: {} } }, { desk }), ["desk-cid", "desk-bob"]);
		assert.deepEqual(await names({ children: ["bob"] }, { desk }), ["desk-bob"], "the program has it by now");
	});

	it("resets by any of the triggers, whatever the others are", async () => {
		const args = { children: { ann: { resetTrigger: pulumi.output("a") }, bob: {} }, resetTrigger: "set" };
		const found = await machines(args, { desk: { resetTrigger: "x", children: { bob: { resetTrigger: "y" } } } });
		assert.deepEqual(
			found.map(({ resetTrigger }) => resetTrigger),
			["a x", "set x y"],
		);
	});

	it("may say something of a counted child that is not there for now", async () => {
		assert.deepEqual(await names({ count: 1 }, { desk: { children: { 7: { power: "off" } } } }), ["desk-0"]);
	});

	const bad: Array<[string, Partial<ForkedVMSetArgs>, unknown, RegExp]> = [
		["no JSON", {}, "desk", /forks: got "desk"; allowed is a group of names/],
		["a list", {}, ["desk"], /forks: got \["desk"\]; allowed is a group of names/],
		["an unknown property", {}, { desk: { pwoer: "off" } }, /desk\.pwoer: .*power/],
		["another power", {}, { desk: { power: "maybe" } }, /desk\.power: got "maybe"; allowed .*on.*off/],
		["a truth value for it", {}, { desk: { power: false } }, /desk\.power: got false; allowed .*on.*off/],
		["a count below 0", { count: 1 }, { desk: { count: -1 } }, /desk\.count: got -1; allowed/],
		["a count that is a text", { count: 1 }, { desk: { count: "3" } }, /desk\.count: got "3"; allowed/],
		["a count of named ones", {}, { desk: { count: 3 } }, /desk\.count: got 3, and the program names/],
		["an unknown onReset", {}, { desk: { onReset: "reset" } }, /desk\.onReset: got "reset"; allowed .*refork/],
		["an unknown child", {}, { desk: { children: { zoe: {} } } }, /desk\.children\.zoe: got .*; allowed are ann/],
		["children as a list", {}, { desk: { children: ["ann"] } }, /desk\.children: got \["ann"\]; allowed/],
		[
			"an unknown property of a child",
			{},
			{ desk: { children: { ann: { count: 1 } } } },
			/desk\.children\.ann\.count: .*exists/,
		],
		["a name that is none", {}, { desk: { children: { "a b": {} } } }, /children.*: got the name "a b"; allowed are/],
		["what is wrong of another set", {}, { web: { count: 1.5 } }, /web\.count: got 1\.5; allowed is a whole number/],
		[
			"one more than counted",
			{ count: 1, children: undefined },
			{ desk: { children: { 1: { exists: true } } } },
			/desk\.children\.1: got .*One more of a count is a larger count/,
		],
		[
			"fewer than wait",
			{ count: 3, children: undefined, warm: 3 },
			{ desk: { count: 1 } },
			/configuration .*warm: got 3/,
		],
		[
			"a boot of what keeps nothing",
			{ disk: "nonPersistent" },
			{ desk: { children: { ann: { onReset: "boot" } } } },
			/desk.*ann: onReset: got boot, and disk is nonPersistent/,
		],
		["the same of all", { disk: "nonPersistent" }, { desk: { onReset: "boot" } }, /onReset: got boot/],
	];
	for (const [what, args, configured, complaint] of bad) {
		it(`is refused: ${what}`, async () => {
			await assert.rejects(machines({ children: ["ann"], ...args }, configured), (error: Error) => {
				assert.match(error.message, complaint);
				assert.match(error.message, /configuration:? pulumi-libvirt-clones:forks/);
				return true;
			});
		});
	}
});
