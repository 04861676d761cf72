/** The CPU that each of some hosts can give a guest, so that it goes on on all of them while it runs. */
import { z } from "zod";
import { chooseAccelerator } from "../domain/accelerator";
import { connect, type EmulatorQuery, type Host, LibvirtError } from "../libvirt";
import { InputError } from "../lifecycle";
import { refuse, validate } from "../problems";
import { commonShape } from "../schema";
import { attribute, child, children, copy, type Element, element, parse, serialize, text } from "../xml/element";

/** Which hosts, and what is to run there. */
export interface CommonCpuArgs {
	/** libvirt URIs of the hosts, two or more. */
	hosts: string[];
	/** Architecture of the machines. @default "x86_64" */
	arch?: string;
	/** Their machine type. @default "q35" */
	machine?: string;
	/** Their `type`; `auto` tries whether guests run under KVM, which takes seconds. @default "auto" */
	type?: "auto" | "kvm" | "qemu";
}

/** A CPU, as `cpu` of a `Domain` takes it. */
export interface CommonCpu {
	/** It is none of the host's own. */
	mode: "custom";
	/** Name of the model. */
	model: string;
	/** What it has beside the model, or has not. */
	features: Record<string, "require" | "disable">;
}

const given = z.strictObject({
	hosts: z.array(commonShape.uri).min(2, "allowed are two hosts or more").max(64),
	arch: z.enum(["x86_64", "aarch64"]).default("x86_64"),
	machine: z.string().min(1).max(64).default("q35"),
	type: z.enum(["auto", "kvm", "qemu"]).default("auto"),
});

/**
 * The best CPU that each of some hosts can give a guest: one that has it can go to each of them, and its guest sees the same
 * there. The hosts are asked when the program runs, in previews as well; another answer than before, as after an upgrade of
 * QEMU, is a change of `cpu`, and that a restart. Who wants it to stay writes down what `libvirt-clones morph cpu` prints.
 *
 * @throws InputError for a host that cannot be reached, does not tell, or cannot give what the others have
 * @example
 * const cpu = commonCpu({ hosts: ["qemu+ssh://hypervisor-1/system", "qemu+ssh://hypervisor-2/system"] });
 * new Domain("web", { cpu, ... });
 */
export async function commonCpu(args: CommonCpuArgs): Promise<CommonCpu> {
	const { problems, inputs } = validate(given, args as unknown as Record<string, unknown>);
	refuse("commonCpu", problems);
	const { hosts: uris, arch, machine, type } = inputs!;
	const offers = await Promise.all(uris.map((uri, index) => offerOf(connect(uri), index, { arch, machine }, type)));
	const [first] = offers as [Offer, ...Offer[]];
	for (const [index, { host, query }] of offers.entries()) {
		if (query.type === first.query.type) continue;
		const [own, others] = [query, first.query].map((one) => (one.type === "kvm" ? "KVM" : "emulation"));
		throw refused(index, host, `guests run by ${own} there, and by ${others} on ${first.host.uri}: give type`);
	}
	const cpus = offers.map(({ cpu }) => serialize(cpu));
	const xml = await telling(0, first.host, () => first.host.baselineCpu(cpus, first.query));
	for (const [index, { host, query }] of offers.entries()) {
		const missing = await telling(index, host, () => host.compareCpu(xml, query));
		if (missing !== undefined) throw refused(index, host, `it cannot give what all have in common: ${missing}`);
	}
	return cpuIn(parse(xml, "the common CPU"));
}

interface Offer {
	host: Host;
	query: EmulatorQuery;
	/** What it gives at best. */
	cpu: Element;
}

async function offerOf(
	host: Host,
	index: number,
	{ arch, machine }: { arch: string; machine: string },
	type: "auto" | "kvm" | "qemu",
): Promise<Offer> {
	return telling(index, host, async () => {
		const { domainType } = await chooseAccelerator(host, type, arch);
		const query = { arch, machine, type: domainType };
		const cpu = await bestCpu(host, query);
		if (!cpu) throw refused(index, host, `it does not tell which CPU it can give a guest of ${arch}`);
		return { host, query, cpu };
	});
}

/** An error of libvirt's names the host as the argument that it is. */
async function telling<T>(index: number, host: Host, ask: () => Promise<T>): Promise<T> {
	try {
		return await ask();
	} catch (error) {
		if (error instanceof LibvirtError) throw refused(index, host, error.message);
		throw error;
	}
}

/** The host's own CPU by a name, with what is beside that; undefined where it has none. */
export async function bestCpu(host: Host, query: EmulatorQuery): Promise<Element | undefined> {
	const modes = children(child(parse(await host.domainCapabilitiesXml(query)), "cpu"), "mode");
	const mode = modes.find((item) => attribute(item, "", "name") === "host-model");
	if (!mode || !child(mode, "model")) return undefined;
	return element("cpu", { mode: "custom", match: "exact" }, ...children(mode).map(copy));
}

/** Pure. A feature that is not `disable` is there. */
export function cpuIn(cpu: Element): CommonCpu {
	const features = children(cpu, "feature").map((item): [string, "require" | "disable"] => [
		attribute(item, "", "name") ?? "",
		attribute(item, "", "policy") === "disable" ? "disable" : "require",
	]);
	return { mode: "custom", model: text(cpu, "model")?.trim() ?? "", features: Object.fromEntries(features.sort()) };
}

function refused(index: number, host: Host, why: string): InputError {
	const property = `hosts[${index}]`;
	return new InputError(property, `commonCpu: ${property}: got ${host.uri}; ${why}`);
}
