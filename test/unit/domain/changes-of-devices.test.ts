import { ownerMac } from "../../../provider/owner";
import { UNKNOWN } from "../../../provider/unknown";
import { type Case, disk, testCases } from "./changes-table";
import { common } from "./inputs";

const cases: Case[] = [
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
];

describe("changes of a domain's disks and NICs", () => testCases(cases));
