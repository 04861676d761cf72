import * as pulumi from "@pulumi/pulumi";
import { Domain } from "../../provider/domain/resource";
import type { DomainFacts } from "../../provider/domain/schema";
import { idOf, type Reference } from "../../provider/dynamic";
import type { InitInputs, ScriptFacts } from "../../provider/init/awaited";
import type { InjectedInput } from "../../provider/init/injected";
import { Injection } from "../../provider/init/injection/resource";
import { CloneSource } from "../../provider/init/source/resource";
import { Volume } from "../../provider/volume/resource";
import type { Lineage } from "../../provider/volume/schema";
import { checkArgs, naming, refuseLater } from "../args";
import { isDomainBase, poolOf } from "../base";
import type { ClonedInstanceWithInitArgs } from "./args";
import { identityHardware } from "./hardware";
import { injectedFor, parametersOf, scriptsOfBoot } from "./payload";
import { type Planned, planClones } from "./planned";
import { clonedInstanceWithInitRules } from "./rules";
import { clonedInstanceWithInitSchema } from "./schema";
import { checkScripts } from "./script-rules";

/** One clone: facts of its creation. */
export interface InitInstance {
	/** Name on the host. */
	name: string;
	/** UUID of the domain. */
	uuid: string;
	/** Its number among the clones. */
	instanceId: number;
	/** MAC address of each NIC. */
	macs: string[];
	/** Addresses seen when the machine was made; empty unless `waitFor.address` asked for them. */
	addresses: string[];
	/** Path of its disk on the host. */
	volumePath: string;
	/** What the disk was cloned from. */
	lineage: Lineage | undefined;
	/**
	 * What it computes from its hardware, by name; what has a TPM in it only the machine can tell, and is left out. Secret
	 * where the component's parameters are.
	 */
	parameters: Record<string, string>;
	/** What has become of its scripts at its first boot; empty for one that was not waited for. */
	scripts: ScriptFacts[];
	/** Milliseconds of each step, from the disk to the first thing that the guest was seen to do. */
	timings: DomainFacts["timings"] & { volumeMs?: number };
}

/**
 * Clones that compute who they are: scripts and their data are put once into an image of the source, and every thin clone
 * of it runs them with parameters computed from an id of its own virtual hardware. Nothing is built for a single clone,
 * and nothing asked of the hypervisor.
 *
 * @example
 * const web = new ClonedInstanceWithInit("web", {
 * 	source: gold,
 * 	network,
 * 	count: 8,
 * 	parameters: { hostname: "web-{instance + 1:02}" },
 * 	init: [{ library: "hostname", with: { name: { parameter: "hostname" } } }],
 * });
 * export const machines = web.instances;
 */
export class ClonedInstanceWithInit extends pulumi.ComponentResource {
	/** The clones, in the order of their names' declaration. */
	readonly instances: pulumi.Output<InitInstance[]>;
	/** The domains by name. */
	readonly domains: ReadonlyMap<string, Domain>;
	/** The source with the scripts in it, which all clones are made from. */
	readonly image: Volume;

	constructor(name: string, args: ClonedInstanceWithInitArgs, opts?: pulumi.ComponentResourceOptions) {
		super("pulumi-libvirt-clones:index:ClonedInstanceWithInit", name, {}, opts);
		checkArgs(what(name), clonedInstanceWithInitSchema, args, clonedInstanceWithInitRules);
		refuseLater(what(name), args, KNOWN);
		const planned = naming(what(name), () => planClones(name, args));
		checkScripts(what(name), args, planned);

		const source = this.sourceOf(name, args);
		const injected = injectedFor(what(name), args, source?.ids ?? []);
		this.image = this.imageOf(name, args, source, injected);
		const server = planned.find(({ suffix }) => suffix === serverOf(args));
		// The server comes first, so that its clients can wait for it.
		const order = server ? [server, ...planned.filter((clone) => clone !== server)] : planned;
		const made = new Map<string, { disk: Volume; domain: Domain }>();
		for (const clone of order) {
			const after =
				server && clone !== server && args.relations?.clientsWait !== false ? made.get(server.name) : undefined;
			const disk = this.diskOf(name, args, clone);
			const domain = this.machine(name, args, clone, disk, injected, after?.domain);
			made.set(clone.name, { disk, domain });
			if (isBroughtUpToDate(args)) this.bringUpToDate(name, args, clone, domain, injected);
		}
		this.domains = new Map(planned.map((clone) => [clone.name, made.get(clone.name)!.domain]));
		this.instances = pulumi.all(planned.map((clone) => describe(what(name), args, clone, made.get(clone.name)!)));
		this.registerOutputs({ instances: this.instances });
	}

	/** A machine that is cloned has to be fit for it; a volume is. */
	private sourceOf(component: string, args: ClonedInstanceWithInitArgs): CloneSource | undefined {
		if (!isDomainBase(args.source)) return undefined;
		const inputs = { ...common(component, args), domain: idOf(args.source.domain), ...args.whenSourceBusy };
		return new CloneSource(`${component}-source`, inputs, { parent: this });
	}

	/** Made once for all clones; thin over its source. */
	private imageOf(
		component: string,
		args: ClonedInstanceWithInitArgs,
		source: CloneSource | undefined,
		injected: pulumi.Output<InjectedInput>,
	): Volume {
		const inputs = {
			...common(component, args),
			pool: args.pool ?? poolOf(args.source),
			...(source ? { baseDomain: source.uuid } : { base: args.source as Reference }),
			injected,
		};
		return new Volume(`${component}-image`, inputs, { parent: this });
	}

	private diskOf(component: string, args: ClonedInstanceWithInitArgs, { name }: Planned): Volume {
		return new Volume(
			name,
			{
				...common(component, args),
				pool: args.pool ?? poolOf(args.source),
				base: this.image,
				onBaseChange: args.onScriptChange === "replace" ? "replace" : "keep",
			},
			{ parent: this },
		);
	}

	private machine(
		component: string,
		args: ClonedInstanceWithInitArgs,
		clone: Planned,
		disk: Volume,
		injected: pulumi.Output<InjectedInput>,
		after: Domain | undefined,
	): Domain {
		const { name, own, hardware } = clone;
		const memoryMiB = own.memoryMiB ?? args.domain?.memoryMiB;
		const vcpus = own.vcpus ?? args.domain?.vcpus;
		const inputs = {
			...args.domain,
			...(memoryMiB === undefined ? {} : { memoryMiB }),
			...(vcpus === undefined ? {} : { vcpus }),
			...common(component, args),
			name,
			template: isDomainBase(args.source) ? args.source.domain : undefined,
			...identityHardware(args, hardware, disk),
			running: own.running ?? args.running,
			waitFor: args.waitFor,
			lineage: disk.lineage.apply((lineage) =>
				lineage === undefined ? undefined : { base: lineage.base, baseContentId: lineage.baseContentId },
			) as pulumi.Output<{ base: string; baseContentId: string }>,
			init: awaitedOf(what(component), args, clone, injected),
		};
		return new Domain(name, inputs, { parent: this, ...(after === undefined ? {} : { dependsOn: after }) });
	}

	/** Changed scripts and data for a clone that is there. */
	private bringUpToDate(
		component: string,
		args: ClonedInstanceWithInitArgs,
		clone: Planned,
		domain: Domain,
		injected: pulumi.Output<InjectedInput>,
	): void {
		const run = awaitedOf(what(component), args, clone, injected);
		const inputs = { ...common(component, args), domain: domain.uuid, injected, run, leave: true };
		new Injection(clone.name, inputs, { parent: this });
	}
}

/** What says which resources there are, and what the guests compute. */
const KNOWN = [
	...(["count", "instances", "namePrefix", "instanceIds", "identifier", "parameters"] as const),
	...(["init", "customize", "cleanup", "relations", "onScriptChange", "maxParallel"] as const),
];

const DEFAULT_TIMEOUT_SECONDS = 600;

function serverOf({ relations }: ClonedInstanceWithInitArgs): string | undefined {
	return relations && (relations.server ?? "0");
}

function common(component: string, { uri, maxParallel }: ClonedInstanceWithInitArgs) {
	return {
		...(uri === undefined ? {} : { uri }),
		...(maxParallel === undefined ? {} : { lane: { name: component, width: maxParallel } }),
	};
}

/** How errors call it. */
function what(component: string): string {
	return `ClonedInstanceWithInit ${component}`;
}

function isBroughtUpToDate({ onScriptChange }: ClonedInstanceWithInitArgs): boolean {
	return onScriptChange === "rerun" || onScriptChange === "parametersOnly";
}

/** What is waited for; undefined where nothing is. */
function awaitedOf(
	component: string,
	args: ClonedInstanceWithInitArgs,
	{ hardware }: Planned,
	injected: pulumi.Output<InjectedInput>,
): pulumi.Output<InitInputs | undefined> {
	const timeout = args.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
	return pulumi
		.all([injected, timeout, parametersOf(component, args, hardware)])
		.apply(([{ version }, timeoutSeconds, parameters]) =>
			timeoutSeconds === 0 ? undefined : { version, boot: scriptsOfBoot(args), timeoutSeconds, parameters },
		);
}

function describe(
	component: string,
	args: ClonedInstanceWithInitArgs,
	{ name, instanceId, hardware }: Planned,
	{ disk, domain }: { disk: Volume; domain: Domain },
): pulumi.Output<InitInstance> {
	return pulumi
		.output({
			uuid: domain.uuid,
			macs: domain.macs,
			addresses: domain.addresses,
			volumePath: disk.path,
			lineage: disk.lineage,
			timings: domain.timings,
			scripts: domain.scripts,
			disk: disk.timings,
			parameters: parametersOf(component, args, hardware),
		})
		.apply(({ disk: made, timings, scripts, ...facts }) => ({
			name,
			instanceId,
			...facts,
			scripts: scripts ?? [],
			// An update that is limited by --target leaves the outputs of what it does not make undefined.
			timings: { ...(made && { volumeMs: made.createMs }), ...timings },
		})) as pulumi.Output<InitInstance>;
}
