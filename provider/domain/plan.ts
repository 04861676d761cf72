/** What only a look at the host can tell about a domain before it is made or changed. Changes nothing. */
import type { DomainInfo, Host } from "../libvirt";
import type { Context } from "../lifecycle";
import { isOwnedBy } from "../owner";
import { acceleratorOf, chooseAccelerator, hostMemoryMiB } from "./accelerator";
import { hardwareOf, withDefaults } from "./defaults";
import { look, pendingOf } from "./look";
import { findThere, foreign, ownerOf } from "./own";
import type { DomainFacts, DomainInputs } from "./schema";
import { refuseToWriteBases } from "./shared-disks";
import { isMissingHere, resolveDisks, resolveNics } from "./source";
import { takeOverLines } from "./take-over";
import { inheritedFrom, readTemplate, type Template } from "./template";

export async function planDomain(given: DomainInputs, context: Context): Promise<string[]> {
	const { host } = context;
	const inputs = withDefaults(given);
	const lines = await planDomainByName(inputs, context);
	const existing = await host.domains.find(inputs.name);
	if (existing && inputs.adopt) lines.push(...(await takenOver(inputs, context, existing)));
	let template: Template | undefined;
	if (inputs.template !== undefined && !existing) {
		try {
			template = await readTemplate(host, inputs.template);
			const { found } = template;
			lines.push(
				`hardware of template ${found.name}: ${found.memoryMiB} MiB, ${found.vcpus} vCPU(s), ${found.machine}, ${found.firmware}`,
				...template.notes,
			);
		} catch (error) {
			lines.push(`warning: template: ${messageOf(error)}`);
		}
	}
	const hardware = hardwareOf(inputs, template?.inherited);
	lines.push(
		...(await line(async () => {
			const { accelerator, why } = await chooseAccelerator(host, inputs.type, hardware.arch);
			return `accelerator: ${accelerator === "kvm" ? "kvm" : "qemu (TCG, emulation)"}: ${why}`;
		})),
	);
	const memory = await hostMemoryMiB(host);
	if (memory !== undefined && hardware.maxMemoryMiB > memory) {
		lines.push(`warning: ${hardware.maxMemoryMiB} MiB is more than the host's ${memory} MiB`);
	}
	lines.push(...(await line(() => usableDisks(host, inputs, existing))));
	lines.push(...(await line(() => resolveNics(host, hardware.nics))));
	for (const path of [inputs.boot?.kernel, inputs.boot?.initrd]) {
		if (path !== undefined && isMissingHere(inputs.uri, path)) lines.push(`warning: boot: there is no file ${path}`);
	}
	return lines;
}

/** What `changes` goes by beside the inputs; nothing for a machine that is gone. */
export async function factsOf(olds: DomainInputs, context: Context): Promise<Partial<DomainFacts>> {
	const there = await findThere(context, { ...olds, adopt: false });
	const seen = there && (await look(context.host, there.uuid));
	if (!seen) return {};
	const given = Object.entries(olds).flatMap(([key, value]) => (value === undefined ? [] : [key]));
	const inherited = olds.template === undefined ? undefined : inheritedFrom(seen.config);
	return {
		accelerator: acceleratorOf(seen.config.domainType),
		pendingRestart: pendingOf(seen),
		// What was given instead of the template's own value hides that.
		inherited: inherited && Object.fromEntries(Object.entries(inherited).filter(([key]) => !given.includes(key))),
	};
}

/** @throws Error that says why the machine could not have its disks or start with them */
async function usableDisks(host: Host, inputs: DomainInputs, existing: DomainInfo | undefined): Promise<void> {
	const disks = await resolveDisks(host, inputs.disks);
	const starts = inputs.running && (existing === undefined || existing.state === "shutoff");
	if (!starts) return;
	await refuseToWriteBases(
		host,
		inputs.name,
		disks.map(({ source, input }) => ({ ...input, source })),
	);
}

/** Whether somebody else's machine has the name, and what becomes of it. */
export async function planDomainByName(
	inputs: Pick<DomainInputs, "name" | "ownerId" | "previousOwnerIds" | "adopt">,
	{ host }: Context,
): Promise<string[]> {
	const named = await host.domains.find(inputs.name);
	if (!named) return [];
	const owner = await ownerOf(host, named);
	if (isOwnedBy(owner, inputs)) return [];
	if (inputs.adopt === true) return [`takes over domain ${inputs.name} of ${owner ?? "nobody recorded"} (adopt)`];
	return [`warning: ${foreign(inputs.name, owner, "exists already")}`];
}

/** What that does to somebody else's machine. */
async function takenOver(inputs: DomainInputs, context: Context, existing: DomainInfo): Promise<string[]> {
	if (isOwnedBy(await ownerOf(context.host, existing), inputs)) return [];
	return takeOverLines(inputs, context, existing.uuid).catch((error) => [`warning: ${messageOf(error)}`]);
}

/** A text to show, or the complaint as a warning: a preview goes on, the volume may be made before the machine. */
async function line(work: () => Promise<unknown>): Promise<string[]> {
	try {
		const text = await work();
		return typeof text === "string" ? [text] : [];
	} catch (error) {
		return [`warning: ${messageOf(error)}`];
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
