/** Rules across the properties of a domain. Each complaint says what was got, what is allowed and what to do. */
import type { Rule } from "../lifecycle";
import { fileRule, morphRules } from "../morph/template";
import { hasUnknown } from "../unknown";
import { XmlError } from "../xml/element";
import { complaintOf, parseExtra } from "../xml/merge";
import { hardwareOf, isMorphable } from "./defaults";
import { busOf } from "./disks";
import type { DiskInputs, DomainInputs } from "./schema";
import { sizeRules } from "./size-rules";

export const rules: ReadonlyArray<Rule<DomainInputs>> = [
	{
		property: "maxMemoryMiB",
		needs: ["memoryMiB", "maxMemoryMiB"],
		check: ({ memoryMiB = 1, maxMemoryMiB = memoryMiB }) =>
			maxMemoryMiB < memoryMiB
				? `got ${maxMemoryMiB}, less than memoryMiB (${memoryMiB}); allowed is at least memoryMiB`
				: undefined,
	},
	{
		property: "maxVcpus",
		needs: ["vcpus", "maxVcpus"],
		check: ({ vcpus = 1, maxVcpus = vcpus }) =>
			maxVcpus < vcpus ? `got ${maxVcpus}, less than vcpus (${vcpus}); allowed is at least vcpus` : undefined,
	},
	...sizeRules,
	...(morphRules as ReadonlyArray<Rule<DomainInputs>>),
	fileRule as Rule<DomainInputs>,
	{
		property: "migration.mode",
		needs: ["migration"],
		check: ({ migration: { mode, allowReboot = false } = {} }) =>
			mode === "reboot" && !allowReboot
				? 'got "reboot" without allowReboot; allowed is it with migration.allowReboot: true'
				: undefined,
	},
	{
		property: "migration.whenLacking",
		needs: ["migration"],
		check: ({ migration: { mode, whenLacking } = {} }) =>
			mode === "saveRestore" && whenLacking === "adapt"
				? 'got "adapt" with mode "saveRestore", which brings all of its devices; allowed is "refuse"'
				: undefined,
	},
	{
		property: "migration.socketFolder",
		needs: ["migration"],
		check: ({ migration: { socketFolder, address, tls } = {} }) => {
			if (socketFolder === undefined) return undefined;
			const other = address !== undefined ? "address" : tls ? "tls" : undefined;
			return other && `got ${socketFolder} with ${other}, which is of the way by TCP; allowed is one of the two`;
		},
	},
	{
		property: "cpu",
		needs: ["cpu", "vcpus", "maxVcpus", "template", "instanceType", "headroom"],
		check: checkTopology,
	},
	{
		property: "cpu",
		needs: ["cpu"],
		check: ({ cpu }) => {
			if (cpu?.mode === "custom" && !cpu.model) return 'got mode "custom", which needs a model; give cpu.model as well';
			const [beside] = (["features", "check"] as const).filter((name) => cpu?.[name] !== undefined);
			if (beside && !cpu?.model) return `got ${beside} without a model; allowed is that with cpu.model`;
			if (cpu?.model && cpu.mode !== undefined && cpu.mode !== "custom") {
				return `got model "${cpu.model}" with mode "${cpu.mode}"; a model is allowed with mode custom or no mode`;
			}
			return undefined;
		},
	},
	{
		property: "firmware",
		needs: ["firmware", "arch", "machine", "template"],
		check: ({ firmware, arch, machine, template }) => {
			if (template !== undefined) return undefined;
			if (arch === "aarch64" && firmware === "bios") return 'got "bios", which aarch64 does not have; allowed is uefi';
			if (firmware !== "uefi-secure") return undefined;
			if (arch === "aarch64") return 'got "uefi-secure", which is not available for aarch64; allowed is uefi';
			if (machine !== undefined && !machine.includes("q35")) {
				return `got "uefi-secure" with machine "${machine}"; allowed with it is a q35 machine type: change one of them`;
			}
			return undefined;
		},
	},
	{ property: "disks", needs: ["disks"], check: ({ disks }) => firstComplaint(disks, checkDisk) },
	{ property: "disks", needs: ["disks"], check: checkDisksTogether },
	{ property: "nics", needs: ["nics"], check: checkNics },
	{
		property: "guestSetup",
		needs: ["guestSetup", "agent"],
		check: ({ guestSetup, agent }) =>
			guestSetup && agent === false
				? "is done by the guest agent, but agent is false; leave agent out, or make it true"
				: undefined,
	},
	{
		property: "guestSetup.network",
		needs: ["guestSetup", "nics", "template"],
		check: ({ guestSetup, nics, template }) =>
			guestSetup?.network && template === undefined && (nics ?? []).length === 0
				? "is for the first NIC, and the machine has none; allowed is that with a NIC"
				: undefined,
	},
	{
		property: "waitFor",
		needs: ["waitFor", "agent"],
		check: ({ waitFor, agent }) => {
			if (agent !== false || !waitFor) return undefined;
			if (waitFor.agent) return "got agent true, but the machine's agent is false; make one of them the other";
			return waitFor.address === "agent"
				? 'got address "agent", but the machine\'s agent is false; use auto, lease or arp'
				: undefined;
		},
	},
	{
		property: "healthCheck",
		needs: ["healthCheck", "agent"],
		check: ({ healthCheck, agent }) =>
			healthCheck && agent === false
				? "is done by the guest agent, but agent is false; leave agent out, or make it true"
				: undefined,
	},
	{
		property: "waitFor",
		needs: ["waitFor", "nics", "template"],
		check: ({ waitFor, nics, template }) => {
			if (!waitFor || waitFor.address === "none" || (nics === undefined && template !== undefined)) return undefined;
			if ((nics ?? []).length === 0) return `got address "${waitFor.address}", but the machine has no nics; add one`;
			if (waitFor.address === "lease" && !nics!.some((nic) => nic.network !== undefined)) {
				return 'got address "lease", which only a nic on a libvirt network can have; use agent, arp or auto';
			}
			return undefined;
		},
	},
	{
		property: "extraXml",
		needs: ["extraXml"],
		check: ({ extraXml }) => {
			if (extraXml === undefined) return undefined;
			try {
				parseExtra(extraXml);
				return undefined;
			} catch (error) {
				if (error instanceof XmlError) return complaintOf(error);
				throw error;
			}
		},
	},
];

function checkTopology(inputs: DomainInputs): string | undefined {
	const { cpu, vcpus, maxVcpus, template } = inputs;
	const given = [cpu?.sockets, cpu?.cores, cpu?.threads];
	if (given.every((count) => count === undefined)) return undefined;
	if (vcpus === undefined && maxVcpus === undefined && template !== undefined) return undefined;
	const [sockets, cores = 1, threads = 1] = given;
	const maximum = hardwareOf(inputs).maxVcpus;
	const product = (sockets ?? 1) * cores * threads;
	const fits = sockets === undefined ? maximum % product === 0 : product === maximum;
	if (fits) return undefined;
	return (
		`${sockets ?? "any number of"} sockets x ${cores} cores x ${threads} threads do not make the machine's maximum of ` +
		`${maximum} vCPUs; change the topology, or make ${isMorphable(inputs) ? "headroom.maxVcpus" : maxVcpus === undefined ? "vcpus" : "maxVcpus"} fit`
	);
}

function checkDisk(disk: DiskInputs): string | undefined {
	// An unknown bus or target is judged once it is known.
	if (hasUnknown([disk.bus, disk.target, disk.device])) return undefined;
	const bus = busOf(disk, "x86_64");
	if (disk.device === "cdrom" && bus === "virtio") return 'got bus "virtio" for a cdrom; allowed are sata and scsi';
	if (disk.target === undefined) return undefined;
	const prefix = disk.target.slice(0, 2);
	const allowed = bus === "virtio" ? ["vd"] : ["sd", "hd"];
	return allowed.includes(prefix)
		? undefined
		: `got target "${disk.target}" on bus ${bus}; allowed there are targets that start with ${allowed.join(" or ")}`;
}

function checkDisksTogether({ disks }: DomainInputs): string | undefined {
	return (
		repeated(disks, "target", (disk) => disk.target) ??
		repeated(disks, "bootOrder", (disk) => disk.bootOrder) ??
		repeated(disks, "volume", (disk) => disk.volume)
	);
}

function checkNics({ nics = [] }: DomainInputs): string | undefined {
	const complaint = firstComplaint(nics, ({ network, bridge, user }) => {
		const given = [network && "network", bridge && "bridge", user && "user"].filter(Boolean);
		if (given.length === 1) return undefined;
		return `got ${given.length === 0 ? "none of them" : given.join(" and ")}; allowed is exactly one of network, bridge and user`;
	});
	return complaint ?? repeated(nics, "mac", (nic) => nic.mac);
}

function firstComplaint<T>(items: ReadonlyArray<T>, check: (item: T) => string | undefined): string | undefined {
	for (const [index, item] of items.entries()) {
		const complaint = check(item);
		if (complaint !== undefined) return `[${index}] ${complaint}`;
	}
	return undefined;
}

function repeated<T>(items: ReadonlyArray<T>, what: string, valueIn: (item: T) => unknown): string | undefined {
	const seen = new Map<unknown, number>();
	for (const [index, item] of items.entries()) {
		const value = valueIn(item);
		if (value === undefined) continue;
		const first = seen.get(value);
		if (first !== undefined)
			return `[${index}] has the same ${what} as [${first}] (${String(value)}); make them differ`;
		seen.set(value, index);
	}
	return undefined;
}
