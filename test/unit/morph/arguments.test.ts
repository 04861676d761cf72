import assert from "node:assert/strict";
import { rules } from "../../../provider/domain/rules";
import { domainSchema } from "../../../provider/domain/schema";
import { INSTANCE_TYPES, InstanceTypes } from "../../../provider/morph/instance-types";
import { planMorph } from "../../../provider/morph/planner";
import { morphLines } from "../../../provider/morph/preview";
import { completed, morphSchema, pausesFor } from "../../../provider/morph/template";
import { validate } from "../../../provider/problems";
import { common } from "../domain/inputs";

/** Complaints about a machine's arguments. */
function complaints(given: object): string[] {
	const { problems } = validate(domainSchema, { ...common, name: "m", ...given }, rules);
	return problems.map(({ property, message }) => `${property}: ${message}`);
}

describe("a machine with an instance type", () => {
	const good: object[] = [
		{ instanceType: "small" },
		{ instanceType: { vcpus: 3, memoryMiB: 260 } },
		{ instanceType: "2xlarge", headroom: { maxVcpus: 8, maxMemoryMiB: 32_768 } },
		{ headroom: {}, vcpus: 2, memoryMiB: 512 },
		{ instanceType: "nano", cpu: { cores: 2 } },
		{ instanceType: "nano", firmware: "uefi", machine: "pc-q35-7.2" },
		{ instanceType: "nano", morph: {} },
		{ morph: { preMigration: [{ exec: ["a"] }], migration: {} } },
		{
			morph: { hotUnplug: [{ kind: "device" }], hotPlug: [{ kind: "device", timeoutSeconds: 5, onFailure: "abort" }] },
		},
		{
			morph: {
				preMigration: [{ kind: "custom", exec: ["a"], check: ["b"], undo: ["c"], onFailure: "continue" }],
				postMigration: [{ kind: "custom", exec: ["a"], check: ["b"], on: "host", checkOn: "guest" }],
			},
		},
		{ agent: false, morph: { preMigration: [{ kind: "custom", exec: ["a"], check: ["b"], on: "target" }] } },
		{ instanceType: "nano", morph: { hotPlug: [{ kind: "memory", by: "virtioMem" }] } },
		{
			instanceType: "nano",
			headroom: { memoryBy: "dimm" },
			morph: { hotUnplug: [{ kind: "memory", by: "balloon" }], hotPlug: [{ kind: "memory", by: "dimm" }] },
		},
		{
			morph: { hotUnplug: [{ kind: "nic" }], hotPlug: [{ kind: "disk" }, { kind: "growFilesystem", mountPoint: "/" }] },
		},
		{ morph: { postMigration: [{ kind: "growFilesystem", mountPoint: "/srv", diskMiB: 64 }] } },
		{ morph: { migration: { duringMigration: [{ exec: ["a"] }, { kind: "hostExec", exec: ["a"], on: "source" }] } } },
		{
			instanceType: "nano",
			morph: {
				preMigration: [{ kind: "guestExec", exec: ["/bin/true"], undo: ["/bin/true"], onFailure: "continue" }],
				hotUnplug: [{ kind: "memory" }, { kind: "vcpus", timeoutSeconds: 5, onFailure: "abort" }],
				hotPlug: [{ kind: "memory" }, { kind: "vcpus", parallel: true }, { kind: "guestExec", exec: ["a"] }],
				postMigration: [{ kind: "guestExec", exec: ["a", "b"] }],
			},
		},
	];
	for (const given of good) {
		it(`is accepted with ${JSON.stringify(given).slice(0, 90)}`, () => assert.deepEqual(complaints(given), []));
	}

	const exec = { kind: "guestExec", exec: ["a"] };
	const bad: Array<[object, RegExp]> = [
		[
			{
				morph: {
					tools: [
						{
							name: "jq",
							provides: "/usr/bin/jq",
							script: { file: "jq.sh" },
							sha256: "0".repeat(64),
							credentials: { TOKEN: "x" },
						},
					],
				},
			},
			/^morph: tools\[0\]: got "jq" with credentials and script; allowed are they with package/,
		],
		[{ instanceType: "huge" }, /^instanceType: got "huge"; allowed are nano, .*2xlarge, or \{ vcpus, memoryMiB \}/],
		[{ instanceType: 5 }, /^instanceType: got 5; allowed are nano/],
		[{ instanceType: [] }, /^instanceType: got \[\]; allowed are nano/],
		[{ instanceType: {} }, /^instanceType.vcpus: is required/],
		[
			{ instanceType: { vcpus: 0, memoryMiB: 64 } },
			/^instanceType.vcpus: got 0; allowed is a whole number from 1 to 1024/,
		],
		[{ instanceType: { vcpus: 1, memoryMiB: 66 } }, /^instanceType.memoryMiB: got 66; allowed are multiples of 4/],
		[{ instanceType: { vcpus: 1, memoryMiB: 0 } }, /^instanceType.memoryMiB: got 0/],
		[
			{ instanceType: { vcpus: 1, memoryMiB: 64, disks: [] } },
			/^instanceType.disks: (got \[\]; )?allowed is a type without/,
		],
		[{ instanceType: "small", vcpus: 2 }, /^vcpus: got 2 beside instanceType/],
		[{ instanceType: "small", memoryMiB: 512 }, /^memoryMiB: got 512 beside instanceType/],
		[{ instanceType: "small", maxVcpus: 4 }, /^maxVcpus: is not allowed with instanceType: headroom.maxVcpus/],
		[{ headroom: {}, maxMemoryMiB: 4096 }, /^maxMemoryMiB: is not allowed with headroom: headroom.maxMemoryMiB/],
		[
			{ instanceType: "small", template: "golden" },
			/^template: is not allowed with instanceType: .*give memoryMiB and vcpus/,
		],
		[{ instanceType: "small", arch: "aarch64" }, /^headroom: .*got arch "aarch64".*allowed are x86_64 and q35/],
		[{ instanceType: "small", machine: "pc" }, /^headroom: .*machine "pc"/],
		[{ headroom: { maxVcpus: 2 }, vcpus: 4 }, /^headroom: got maxVcpus 2 for a machine of 4 vCPUs/],
		[{ instanceType: { vcpus: 17, memoryMiB: 64 } }, /^headroom: got maxVcpus 16 for a machine of 17 vCPUs/],
		[{ instanceType: { vcpus: 1, memoryMiB: 65_540 } }, /^headroom: got maxMemoryMiB 65536 for a machine of 65540 MiB/],
		[{ headroom: { maxMemoryMiB: 1022 } }, /^headroom.maxMemoryMiB: got 1022; allowed are multiples of 4/],
		[{ headroom: { maxMemoryMiB: 512 } }, /^headroom: got maxMemoryMiB 512 for a machine of 1024 MiB/],
		[{ headroom: { maxVcpus: 0 } }, /^headroom.maxVcpus: got 0/],
		[{ headroom: { slots: 8 } }, /^headroom.slots: there is no such property/],
		[{ headroom: { memoryBy: "balloon" } }, /^headroom.memoryBy: got "balloon"; allowed are "virtioMem" and "dimm"/],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "memory", by: "dimm" }] } },
			/^morph: has a step of memory by "dimm", and its room is for "virtioMem" .*; allowed are "virtioMem" and "balloon"/,
		],
		[
			{
				headroom: { memoryBy: "dimm" },
				morph: { hotUnplug: [{ kind: "memory", by: "virtioMem" }] },
			},
			/^morph: has a step of memory by "virtioMem", and its room is for "dimm"/,
		],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "memory", by: "swap" }] } },
			/^morph.hotPlug\[0\].by: got "swap"; allowed are "virtioMem", "dimm" and "balloon"/,
		],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "vcpus", by: "balloon" }] } },
			/got kind "vcpus" with by: "balloon", which is for memory/,
		],
		[{ headroom: true }, /^headroom: got true; allowed is a group/],
		[{ headroom: {}, memoryMiB: 1022 }, /^headroom: got memoryMiB 1022; allowed with headroom are multiples of 4/],
		[{ instanceType: "small", cpu: { sockets: 2 } }, /^cpu: 2 sockets.*maximum of 16 vCPUs.*headroom.maxVcpus fit/],
		[
			{ morph: { hotPlug: [{ kind: "memory" }] } },
			/^morph: has steps of kind vcpus or memory, .* changes its size while it runs: give instanceType/,
		],
		[
			{ instanceType: "nano", morph: { migration: { duringMigration: [{ kind: "memory" }] } } },
			/^morph: migration.duringMigration\[0\]: got kind "memory" in duringMigration; allowed is it in hotUnplug/,
		],
		[
			{ morph: { migration: { duringMigration: {} } } },
			/^morph.migration.duringMigration: got \{\}; allowed is a list/,
		],
		[{ morph: { migration: { during: [] } } }, /^morph.migration.during: there is no such property/],
		[{ morph: { duringMigration: [exec] } }, /^morph.duringMigration: there is no such property/],
		[
			{ morph: { hotPlug: [{ ...exec, on: "target" }] } },
			/got kind "guestExec" with on: "target", .* for hostExec and custom/,
		],
		[
			{ morph: { hotPlug: [{ ...exec, kind: "hostExec", on: "guest" }] } },
			/got kind "hostExec" with on: "guest"; allowed are source and target. In the guest runs kind "guestExec"/,
		],
		[
			{ morph: { hotPlug: [{ ...exec, check: ["b"] }] } },
			/got kind "guestExec" with check: \["b"\], which is for custom/,
		],
		[
			{ morph: { hotPlug: [{ ...exec, checkOn: "host" }] } },
			/got kind "guestExec" with checkOn: "host", which is for custom/,
		],
		[
			{ morph: { hotPlug: [{ kind: "custom", exec: ["a"] }] } },
			/got kind "custom" without check; give the program that tells/,
		],
		[{ morph: { hotPlug: [{ kind: "custom", check: ["a"] }] } }, /got kind "custom" without exec/],
		[{ morph: { hotPlug: [{ kind: "custom", exec: ["a"], check: [] }] } }, /^morph.hotPlug\[0\].check: got \[\]/],
		[
			{ morph: { hotPlug: [{ kind: "custom", exec: ["a"], check: ["b"], checkOn: "there" }] } },
			/checkOn: got "there"; allowed are "guest", "host", "source" and "target"/,
		],
		[
			{
				agent: false,
				morph: { hotPlug: [{ kind: "custom", exec: ["a"], check: ["b"], on: "host", checkOn: "guest" }] },
			},
			/^morph: has steps that run in the guest, by its agent, but agent is false/,
		],
		[
			{
				uri: "qemu+tls://far/system",
				morph: { hotPlug: [{ kind: "custom", exec: ["a"], check: ["b"], checkOn: "host" }] },
			},
			/^morph: has steps that run on the host, and uri is qemu\+tls/,
		],
		[
			{ morph: { hotPlug: [{ ...exec, kind: "hostExec", on: "here" }] } },
			/^morph.hotPlug\[0\].on: got "here"; allowed are "guest", "host", "source" and "target"/,
		],
		[{ instanceType: "nano", morph: [] }, /^morph: got \[\]/],
		[{ instanceType: "nano", morph: { migration: [] } }, /^morph.migration: got \[\]; allowed is a group/],
		[{ instanceType: "nano", morph: { hotPlug: {} } }, /^morph.hotPlug: got \{\}; allowed is a list/],
		[{ instanceType: "nano", morph: { hotPlug: ["vcpus"] } }, /^morph.hotPlug\[0\]: got "vcpus"; allowed is a group/],
		[{ instanceType: "nano", morph: { hotPlug: [{ ...exec, parallel: "yes" }] } }, /parallel: got "yes"/],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "gpu" }] } },
			/^morph.hotPlug\[0\].kind: got "gpu"; allowed are "guestExec", "hostExec", "custom", .* and "device"/,
		],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ ...exec, timeoutSeconds: 0 }] } },
			/timeoutSeconds: got 0; allowed is a number from 1 to 86400/,
		],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ ...exec, onFailure: "retry" }] } },
			/onFailure: got "retry"; allowed are/,
		],
		[{ instanceType: "nano", morph: { hotPlug: [{ ...exec, exec: [] }] } }, /exec: got \[\]/],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ ...exec, exec: [""] }] } },
			/exec: got \[""\]; .*the program is empty/,
		],
		[{ instanceType: "nano", morph: { hotPlug: [{ ...exec, undo: "x" }] } }, /undo: got "x"/],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "guestExec" }] } },
			/^morph: hotPlug\[0\]: got kind "guestExec" without exec/,
		],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "hostExec" }] } },
			/^morph: hotPlug\[0\]: got kind "hostExec" without exec/,
		],
		[
			{ uri: "qemu+tls://far/system", instanceType: "nano", morph: { hotPlug: [{ ...exec, kind: "hostExec" }] } },
			/^morph: has steps that run on the host, and uri is qemu\+tls:\/\/far\/system: allowed is a host that is this machine/,
		],
		[
			{ instanceType: "nano", morph: { preMigration: [{ kind: "vcpus" }] } },
			/preMigration\[0\]: got kind "vcpus" in preMigration/,
		],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "vcpus", exec: ["a"] }] } },
			/got kind "vcpus" with exec or undo, .*: here the machine itself changes. Put the program into a step of its own/,
		],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "memory", onFailure: "continue" }] } },
			/got kind "memory" with onFailure "continue"/,
		],
		[
			{ instanceType: "nano", morph: { hotPlug: [{ kind: "memory" }, { kind: "memory" }] } },
			/hotPlug\[1\]: got kind "memory" twice/,
		],
		[
			{ morph: { postMigration: [{ kind: "device" }] } },
			/postMigration\[0\]: got kind "device" in postMigration; allowed/,
		],
		[{ morph: { hotPlug: [{ kind: "device", exec: ["a"] }] } }, /got kind "device" with exec or undo/],
		[{ morph: { preMigration: [{ kind: "disk" }] } }, /preMigration\[0\]: got kind "disk" in preMigration; allowed/],
		[{ morph: { hotPlug: [{ kind: "nic", exec: ["a"] }] } }, /got kind "nic" with exec or undo/],
		[{ morph: { hotPlug: [{ kind: "disk", onFailure: "continue" }] } }, /got kind "disk" with onFailure "continue"/],
		[{ morph: { hotPlug: [{ kind: "growFilesystem" }] } }, /got kind "growFilesystem" without mountPoint/],
		[{ morph: { hotPlug: [{ kind: "growFilesystem", mountPoint: "srv" }] } }, /mountPoint: got "srv"/],
		[{ morph: { hotPlug: [{ kind: "growFilesystem", mountPoint: "/", diskMiB: 0 }] } }, /diskMiB: got 0/],
		[
			{ morph: { hotUnplug: [{ kind: "growFilesystem", mountPoint: "/" }] } },
			/got kind "growFilesystem" in hotUnplug; allowed is it in hotPlug and postMigration/,
		],
		[{ morph: { hotPlug: [{ kind: "growFilesystem", mountPoint: "/", exec: ["a"] }] } }, /"growFilesystem" with exec/],
		[
			{ morph: { hotPlug: [{ ...exec, mountPoint: "/" }] } },
			/got kind "guestExec" with mountPoint: "\/", .* growFilesystem/,
		],
		[{ morph: { hotPlug: [{ kind: "disk", diskMiB: 5 }] } }, /got kind "disk" with diskMiB: 5, .* growFilesystem/],
		[
			{ agent: false, morph: { hotPlug: [{ kind: "growFilesystem", mountPoint: "/" }] } },
			/has steps that run in the guest, .* agent is false/,
		],
		[
			{ instanceType: "nano", agent: false, morph: { hotPlug: [exec] } },
			/^morph: has steps that run in the guest, by its agent, but agent is false/,
		],
	];
	for (const [given, expected] of bad) {
		it(`is refused with ${JSON.stringify(given).slice(0, 90)}`, () => {
			assert.match(complaints(given).join("\n"), expected);
		});
	}
});

describe("a catalogue of instance types", () => {
	it("has the built-in ones and one's own, which come first", () => {
		const types = new InstanceTypes({ web: { vcpus: 2, memoryMiB: 3072 }, nano: { vcpus: 1, memoryMiB: 256 } });
		assert.deepEqual(types.of("web"), { vcpus: 2, memoryMiB: 3072 });
		assert.equal(types.of("nano").memoryMiB, 256);
		assert.deepEqual(types.of("large"), INSTANCE_TYPES.large);
		assert.throws(() => types.of("toString" as never), /got "toString"; allowed are nano, .*2xlarge, web/);
	});

	it("names what is wrong in it", () => {
		assert.throws(
			() => new InstanceTypes({ web: { vcpus: 0, memoryMiB: 30 } }),
			/web.vcpus: got 0.*\n.*web.memoryMiB: got 30; allowed are multiples of 4/,
		);
		assert.throws(() => new InstanceTypes([] as never), /allowed is a group of names/);
		assert.throws(() => new InstanceTypes({ web: 5 as never }), /web: got 5/);
	});
});

describe("a template of steps", () => {
	const template = morphSchema.parse({
		preMigration: [{ kind: "guestExec", exec: ["/bin/drain", "secret"] }],
		hotPlug: [{ kind: "guestExec", exec: ["/bin/grow"] }, { kind: "vcpus" }],
	});
	const kinds = (groups: Array<Array<{ kind: string }>>) =>
		groups.map((group) => group.map(({ kind }) => kind).join("+"));

	it("has the machine's own changes in front, except where it names them", () => {
		assert.deepEqual(kinds(completed().hotUnplug), ["memory", "vcpus"]);
		assert.deepEqual(kinds(completed(template).hotPlug), ["memory", "guestExec", "vcpus"]);
		assert.deepEqual(kinds(completed(template).preMigration), ["guestExec"]);
		const beside = morphSchema.parse({ hotPlug: [{ kind: "vcpus" }, { kind: "memory", parallel: true }] });
		assert.deepEqual(kinds(completed(beside).hotPlug), ["vcpus+memory"]);
	});

	const shape = {
		accelerator: "qemu" as const,
		agent: true,
		vcpus: { present: 1, max: 4, inUse: 1, hotPlug: true },
		memory: { presentMiB: 256, bootMiB: 256, room: undefined, balloon: true },
		lacks: ["this", "that"],
	};

	it("is shown step by step, without the programs' arguments", () => {
		assert.deepEqual(morphLines(shape, planMorph(shape, { vcpus: 2, memoryMiB: 256 }), template), [
			"morph: live, in 3 step(s)",
			"  1. preMigration: run /bin/drain in the guest",
			"  2. hotPlug: run /bin/grow in the guest",
			"  3. hotPlug: 1 to 2 vCPUs: hot plug, put to use by the guest agent",
		]);
		assert.deepEqual(morphLines(shape, planMorph(shape, { vcpus: 1, memoryMiB: 256 }), template), []);
		assert.deepEqual(morphLines(shape, planMorph(shape, { vcpus: 1, memoryMiB: 512 }), template), [
			"morph: reboot: it was started without room for memory",
			"  it lacks this",
			"  it lacks that",
			"morph: its steps are left out: they are for a machine that goes on running",
		]);
	});

	it("has what needs nothing of a guest that stands still while it does, and the rest after it", () => {
		const custom = { kind: "custom", exec: ["a"], check: ["b"] };
		const during = morphSchema.parse({
			migration: {
				duringMigration: [
					{ ...custom, timeoutSeconds: 1 },
					{ ...custom, on: "host", timeoutSeconds: 2 },
					{
						...custom,
						on: "host",
						checkOn: "guest",
						timeoutSeconds: 3,
					},
				],
			},
		});
		assert.deepEqual(
			completed(during).duringMigration.map(([step]) => step!.timeoutSeconds),
			[2, 1, 3],
		);
		assert.ok(pausesFor(during));
	});

	it("is shown around a move, with what happens on which host", () => {
		const around = morphSchema.parse({
			...template,
			migration: { duringMigration: [{ exec: ["/bin/rescan"] }, { kind: "hostExec", exec: ["arp"], on: "source" }] },
		});
		const to = "qemu+tls://two/system";
		assert.deepEqual(morphLines(shape, planMorph(shape, { vcpus: 2, memoryMiB: 256 }), around, { to }), [
			"morph: live, in 6 step(s)",
			"  1. preMigration: run /bin/drain in the guest",
			`  2. migration: goes to ${to}, and stands still until its host's steps have ended`,
			"  3. duringMigration: run arp on the source host",
			"  4. duringMigration: run /bin/rescan in the guest",
			"  5. hotPlug: run /bin/grow in the guest",
			"  6. hotPlug: 1 to 2 vCPUs: hot plug, put to use by the guest agent",
		]);
		const same = planMorph(shape, { vcpus: 1, memoryMiB: 256 });
		assert.equal(morphLines(shape, same, template, { to }).length, 4);
		assert.deepEqual(morphLines(shape, same, {}, { to }), []);
		const restarted = morphLines(shape, planMorph(shape, { vcpus: 1, memoryMiB: 512 }), template, { to });
		assert.deepEqual(restarted.slice(0, 2), [
			"morph: live, in 3 step(s)",
			"  1. preMigration: run /bin/drain in the guest",
		]);
		assert.match(restarted.join("\n"), /^morph: reboot: it was started without room for memory$/m);
		assert.doesNotMatch(restarted.join("\n"), /left out/);
	});
});
