import assert from "node:assert/strict";
import { changes } from "../../../provider/domain/changes";
import type { DomainFacts } from "../../../provider/domain/schema";
import { ownerMac } from "../../../provider/owner";
import { UNKNOWN } from "../../../provider/unknown";
import { common, type Given, inputsOf, stateOf } from "./inputs";

const disk = (volume: string, more: object = {}) => ({ volume, ...more });

/** What each change of one property comes to; `effects` lists "property: effect". */
interface Case {
	what: string;
	olds?: Given;
	news?: Given;
	facts?: Partial<DomainFacts>;
	effects: string[];
	note?: RegExp;
}

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
	// Memory and vCPUs
	{
		what: "less memory",
		news: { memoryMiB: 512 },
		effects: ["memoryMiB: live"],
		note: /1024 to 512 MiB by the balloon/,
	},
	{
		what: "more memory than it was started with",
		news: { memoryMiB: 2048 },
		effects: ["memoryMiB: restart"],
		note: /maxMemoryMiB makes room/,
	},
	{
		what: "more memory below the ceiling",
		olds: { maxMemoryMiB: 4096 },
		news: { maxMemoryMiB: 4096, memoryMiB: 2048 },
		effects: ["memoryMiB: live"],
	},
	{
		what: "a higher ceiling",
		news: { maxMemoryMiB: 4096, memoryMiB: 2048 },
		effects: ["maxMemoryMiB: restart", "memoryMiB: restart"],
	},
	{ what: "a ceiling that is what it was", news: { maxMemoryMiB: 1024 }, effects: [] },
	{ what: "memory that is not known yet", news: { memoryMiB: UNKNOWN }, effects: ["memoryMiB: restart"] },
	{ what: "more vCPUs than it was started with", news: { vcpus: 2 }, effects: ["vcpus: restart"] },
	{
		what: "more vCPUs below the ceiling",
		olds: { maxVcpus: 4 },
		news: { maxVcpus: 4, vcpus: 3 },
		effects: ["vcpus: live"],
	},
	{
		what: "fewer vCPUs without KVM",
		olds: { vcpus: 4 },
		news: { vcpus: 2 },
		effects: ["vcpus: restart"],
		note: /without KVM a vCPU cannot be unplugged safely/,
	},
	{
		what: "fewer vCPUs with KVM",
		olds: { vcpus: 4 },
		news: { vcpus: 2 },
		facts: { accelerator: "kvm" },
		effects: ["vcpus: live"],
	},
	{ what: "another ceiling of vCPUs", news: { maxVcpus: 8 }, effects: ["maxVcpus: restart"] },
	// Disks
	{
		what: "another boot disk",
		olds: { disks: [disk("/a")] },
		news: { disks: [disk("/b")] },
		effects: ["disks[0]: replace"],
	},
	{
		what: "a boot disk that is not known yet",
		olds: { disks: [disk("/a")] },
		news: { disks: [disk(UNKNOWN)] },
		effects: ["disks[0]: replace"],
	},
	{
		what: "disks that are not known yet",
		olds: { disks: [disk("/a")] },
		news: { disks: UNKNOWN },
		effects: ["disks: replace"],
	},
	{ what: "no boot disk", olds: { disks: [disk("/a")] }, news: { disks: [] }, effects: ["disks[0]: restart"] },
	{
		what: "a disk more",
		olds: { disks: [disk("/a")] },
		news: { disks: [disk("/a"), disk("/b")] },
		effects: ["disks[1]: live"],
	},
	{
		what: "a SATA disk more",
		olds: { disks: [disk("/a")] },
		news: { disks: [disk("/a"), disk("/b", { bus: "sata" })] },
		effects: ["disks[1]: restart"],
		note: /no hot plug on bus sata/,
	},
	{
		what: "a disk less, in the middle",
		olds: { disks: [disk("/a"), disk("/b"), disk("/c")] },
		news: { disks: [disk("/a"), disk("/c")] },
		effects: ["disks[1]: live"],
	},
	{
		what: "another order of data disks",
		olds: { disks: [disk("/a"), disk("/b"), disk("/c")] },
		news: { disks: [disk("/a"), disk("/c"), disk("/b")] },
		effects: [],
	},
	{
		what: "another data disk",
		olds: { disks: [disk("/a"), disk("/b")] },
		news: { disks: [disk("/a"), disk("/c")] },
		effects: ["disks[1]: live", "disks[1]: live"],
	},
	{
		what: "how a disk is cached",
		olds: { disks: [disk("/a")] },
		news: { disks: [disk("/a", { cache: "none", serial: "s" })] },
		effects: ["disks[0]: restart"],
		note: /serial, cache of a disk cannot change/,
	},
	{
		what: "a target that is left to us again",
		olds: { disks: [disk("/a", { target: "vdc" })] },
		news: { disks: [disk("/a")] },
		effects: [],
	},
	{
		what: "the medium of a drive",
		olds: { disks: [disk("/a"), disk("/i", { device: "cdrom" })] },
		news: { disks: [disk("/a"), disk("/j", { device: "cdrom" })] },
		effects: ["disks[1]: live"],
		note: /medium is changed/,
	},
	{
		what: "a drive more",
		olds: { disks: [disk("/a")] },
		news: { disks: [disk("/a"), disk("/i", { device: "cdrom" })] },
		effects: ["disks[1]: restart"],
	},
	// NICs
	{ what: "a NIC more", news: { nics: [{ network: "n" }] }, effects: ["nics[0]: live"] },
	{ what: "a NIC less", olds: { nics: [{ network: "n" }] }, news: { nics: [] }, effects: ["nics[0]: live"] },
	{
		what: "another network",
		olds: { nics: [{ network: "n" }] },
		news: { nics: [{ network: "o" }] },
		effects: ["nics[0]: live"],
		note: /same MAC/,
	},
	{
		what: "another model",
		olds: { nics: [{ network: "n" }] },
		news: { nics: [{ network: "n", model: "e1000e" }] },
		effects: ["nics[0]: restart"],
	},
	{
		what: "an old model more, on the new board",
		news: { nics: [{ user: true, model: "e1000" }] },
		effects: ["nics[0]: restart"],
	},
	{
		what: "an old model more, on the old board",
		olds: { machine: "pc" },
		news: { machine: "pc", nics: [{ user: true, model: "e1000" }] },
		effects: ["nics[0]: live"],
	},
	{ what: "NICs that are not known yet", news: { nics: UNKNOWN }, effects: ["nics: live"] },
	{
		what: "a network that is not known yet",
		olds: { nics: [{ network: "n" }] },
		news: { nics: [{ network: UNKNOWN }] },
		effects: ["nics[0]: live"],
	},
	{
		what: "the first of two NICs less",
		olds: { nics: [{ network: "a" }, { network: "b" }] },
		news: { nics: [{ network: "b" }] },
		facts: { macs: [ownerMac(common.ownerId, 0), ownerMac(common.ownerId, 1)] },
		effects: ["nics[0]: live"],
		note: /taken out/,
	},
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
	for (const { what, olds, news, facts, effects, note } of cases) {
		it(`${what}: ${effects.join(", ") || "nothing"}`, () => {
			const before = inputsOf(olds);
			const unknown = Object.fromEntries(
				Object.entries(news ?? {}).filter(([, value]) => JSON.stringify(value).includes(UNKNOWN)),
			);
			const known = Object.fromEntries(Object.entries(news ?? {}).filter(([key]) => !(key in unknown)));
			const filled = fillUnknown(unknown);
			const after = { ...inputsOf({ ...olds, ...dropped(olds, news), ...known }), ...filled };
			const found = changes(stateOf(before, facts), after);
			assert.deepEqual(found.map(({ property, effect }) => `${property}: ${effect}`).sort(), [...effects].sort());
			if (note) assert.match(found.map((change) => change.note).join("\n"), note);
			for (const change of found) assert.ok(change.note.length > 10, `${change.property} says why`);
		});
	}

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

/** Inputs that were given before and are not any more. */
function dropped(olds: Given = {}, news: Given = {}): Given {
	return Object.fromEntries(
		Object.keys(olds).flatMap((key) => (key in news || key === "uri" ? [] : [[key, undefined]])),
	);
}

/** The schema's defaults inside of what has an unknown. */
function fillUnknown(unknown: Given): object {
	const fill = (item: unknown, defaults: object) => (typeof item === "object" ? { ...defaults, ...item } : item);
	return Object.fromEntries(
		Object.entries(unknown).map(([key, value]) => [
			key,
			Array.isArray(value)
				? value.map((item) =>
						fill(item, key === "nics" ? { model: "virtio" } : { device: "disk", readOnly: false, cache: "default" }),
					)
				: value,
		]),
	);
}
