import assert from "node:assert/strict";
import { changes } from "../../../provider/domain/changes";
import { type Case, testCases } from "./changes-table";
import { inputsOf, stateOf } from "./inputs";

const RNG =
	'<domain><devices><rng model="virtio"><backend model="random">/dev/urandom</backend><alias name="ua-more"/></rng></devices></domain>';
const DEVICES = { hotPlug: [{ kind: "device" }] };

const cases: Case[] = [
	{ what: "nothing", effects: [] },
	{ what: "a default that is given", news: { memoryMiB: 1024, machine: "q35", agent: true }, effects: [] },
	{ what: "a new name", news: { name: "other" }, effects: ["name: restart"] },
	{
		what: "a new name of a UEFI machine of a user's own libvirt",
		olds: { uri: "qemu:///session", firmware: "uefi" },
		news: { uri: "qemu:///session", firmware: "uefi", name: "other" },
		effects: ["name: replace"],
	},
	{ what: "a description", news: { description: "x" }, effects: ["description: live"] },
	{ what: "the accelerator", news: { type: "kvm" }, effects: ["type: restart"] },
	{ what: "the accelerator that it has", news: { type: "qemu" }, effects: ["type: live"] },
	{
		what: "the architecture",
		news: { arch: "aarch64" },
		effects: ["arch: replace", "firmware: replace", "machine: restart"],
	},
	{ what: "the machine", news: { machine: "pc" }, effects: ["machine: restart"] },
	{ what: "the firmware", news: { firmware: "uefi" }, effects: ["firmware: replace"] },
	{ what: "the CPU", news: { cpu: { mode: "maximum" } }, effects: ["cpu: restart"] },
	{ what: "the kernel", news: { boot: { kernel: "/k" } }, effects: ["boot: restart"] },
	{ what: "the console log", news: { consoleLog: "/l" }, effects: ["consoleLog: restart"] },
	{ what: "the agent", news: { agent: false }, effects: ["agent: restart"] },
	{ what: "the rng", news: { rng: false }, effects: ["rng: restart"] },
	{ what: "the graphics", news: { graphics: "vnc" }, effects: ["graphics: restart"] },
	{ what: "extraXml", news: { extraXml: "<domain/>" }, effects: ["extraXml: restart"] },
	{
		what: "devices of extraXml, where no step takes them",
		news: { extraXml: RNG },
		effects: ["extraXml: restart"],
	},
	{
		what: "devices of extraXml, where a step takes them",
		olds: { extraXml: RNG, morph: DEVICES },
		news: { extraXml: RNG.replace("ua-more", "ua-other"), morph: DEVICES },
		effects: ["extraXml: live"],
		note: /^ua-more is taken out, ua-other is put in$/,
	},
	{
		what: "all of extraXml, which was one device",
		olds: { extraXml: RNG, morph: DEVICES },
		news: { morph: DEVICES },
		effects: ["extraXml: live"],
		note: /^ua-more is taken out$/,
	},
	{
		what: "more of extraXml than devices",
		olds: { extraXml: RNG, morph: DEVICES },
		news: { extraXml: RNG.replace("<devices>", "<on_crash>restart</on_crash><devices>"), morph: DEVICES },
		effects: ["extraXml: restart"],
		note: /more differs than devices with an alias of their own/,
	},
	{
		what: "a device of extraXml that keeps its alias",
		olds: { extraXml: RNG, morph: DEVICES },
		news: { extraXml: RNG.replace("urandom", "random"), morph: DEVICES },
		effects: ["extraXml: restart"],
		note: /ua-more is another device than before: .* under another alias/,
	},
	{
		what: "white space of extraXml",
		olds: { extraXml: RNG, morph: DEVICES },
		news: { extraXml: RNG.replaceAll("><", ">\n\t<"), morph: DEVICES },
		effects: ["extraXml: live"],
		note: /nothing of it differs/,
	},
	{ what: "autostart", news: { autostart: true }, effects: ["autostart: live"] },
	{
		what: "running",
		news: { running: false },
		effects: ["running: live"],
		note: /shut down, powered off if that takes over 60 s/,
	},
	{
		what: "running, without patience",
		news: { running: false, shutdownTimeoutSeconds: 0 },
		effects: ["running: live", "shutdownTimeoutSeconds: live"],
		note: /powered off at once/,
	},
	{ what: "what is waited for", news: { waitFor: { agent: true } }, effects: ["waitFor: live"] },
	{ what: "the set-up", news: { guestSetup: { hostname: "h" } }, effects: ["guestSetup: live"], note: /recorded only/ },
	{ what: "the lineage", news: { lineage: { base: "b", baseContentId: "c" } }, effects: ["lineage: live"] },
	{ what: "a template", news: { template: "t" }, effects: ["template: replace"] },
	// Ways of changing
	{
		what: "a machine that is off",
		olds: { running: false },
		news: { running: false, rng: false },
		effects: ["rng: live"],
		note: /the machine is off/,
	},
	{
		what: "a change that is put off",
		olds: { onRestartRequired: "defer" },
		news: { onRestartRequired: "defer", rng: false },
		effects: ["rng: live"],
		note: /takes effect at the next start \(onRestartRequired is defer\)/,
	},
	{
		what: "what had been put off",
		olds: { onRestartRequired: "defer" },
		news: { onRestartRequired: "restart" },
		facts: { pendingRestart: { properties: ["rng"], liveId: "1" } },
		effects: ["onRestartRequired: restart"],
		note: /put off take effect: rng/,
	},
	// Templates
	{
		what: "what the template says already",
		olds: { template: "t" },
		news: { template: "t", memoryMiB: 2048, vcpus: 2 },
		facts: { inherited: { memoryMiB: 2048, maxMemoryMiB: 2048, vcpus: 2, maxVcpus: 2 } },
		effects: [],
	},
	{
		what: "less than the template says",
		olds: { template: "t" },
		news: { template: "t", memoryMiB: 1024 },
		facts: { inherited: { memoryMiB: 2048, maxMemoryMiB: 4096 } },
		effects: ["memoryMiB: live"],
	},
	{
		what: "what the template says again",
		olds: { template: "t", memoryMiB: 1024 },
		news: { template: "t" },
		facts: { inherited: { memoryMiB: 2048, maxMemoryMiB: 2048 } },
		effects: ["memoryMiB: restart"],
	},
	{
		what: "a CPU that was laid over the template's",
		olds: { template: "t", cpu: { mode: "maximum" } },
		news: { template: "t" },
		effects: ["cpu: replace"],
		note: /the template's own value is not recorded/,
	},
	{
		what: "the machine of a template",
		olds: { template: "t" },
		news: { template: "t", machine: "pc" },
		effects: ["machine: replace"],
	},
];

describe("changes of a domain", () => {
	testCases(cases);

	it("sees nothing in what only the engine uses", () => {
		const before = inputsOf();
		const after = { ...before, ownerId: "a/b/c/d", previousOwnerIds: ["x"], adopt: true, plan: ["x"], urn: "u" };
		assert.deepEqual(changes(stateOf(before), after), []);
	});

	it("takes old inputs for what is recorded as well", () => {
		const given = { nics: [{ network: "n" }], disks: [{ volume: "/a" }] };
		assert.deepEqual(changes(inputsOf(given), inputsOf(given)), []);
	});
});
