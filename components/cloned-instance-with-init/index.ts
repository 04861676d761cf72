import * as pulumi from "@pulumi/pulumi";
import { Domain } from "../../provider/domain/resource";
import { defaultUri, idOf, type Reference } from "../../provider/dynamic";
import type { InitInputs } from "../../provider/init/awaited";
import { CloneHosts } from "../../provider/init/hosts/resource";
import { type InjectedInput, injectedOf } from "../../provider/init/injected";
import { Injection } from "../../provider/init/injection/resource";
import { CloneSource } from "../../provider/init/source/resource";
import { SourceStop } from "../../provider/init/source-stop/resource";
import { Volume } from "../../provider/volume/resource";
import { checkArgs, naming, refuseLater } from "../args";
import { type BaseDomainArgs, isDomainBase } from "../base";
import { lineageOf } from "../children";
import type { ForkPoint } from "../fork-point";
import type { ClonedInstanceWithInitArgs } from "./args";
import { after, common, elevated } from "./common";
import { identityHardware } from "./hardware";
import { copyOf, imageOf, imagesAt, injectionInto } from "./images";
import { describe, type InitInstance } from "./instance";
import { parametersOf, payloadFor, scriptsOfBoot } from "./payload";
import { hostInputs, type Place, placesOf } from "./places";
import { type Planned, planClones } from "./planned";
import { clonedInstanceWithInitRules } from "./rules";
import { clonedInstanceWithInitSchema } from "./schema";
import { checkScripts } from "./script-rules";
import { keepingSeed, seedDisks, seedsAt } from "./seeds";
import { forkOf, ownSettings, stateOf } from "./with-state";

export type { InitInstance } from "./instance";

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
	/** What clones that boot are made from: thin over the source, with the scripts in it unless the source has them. */
	readonly image: Volume | undefined;
	/** With `withState`: the machine that all clones go on as, with the scripts in it. */
	readonly state: ForkPoint | undefined;

	constructor(name: string, args: ClonedInstanceWithInitArgs, opts?: pulumi.ComponentResourceOptions) {
		super("pulumi-libvirt-clones:index:ClonedInstanceWithInit", name, {}, opts);
		checkArgs(what(name), clonedInstanceWithInitSchema, args, clonedInstanceWithInitRules);
		refuseLater(what(name), args, KNOWN);
		const places = naming(what(name), () => placesOf(args));
		const planned = naming(what(name), () => planClones(name, args, places));
		checkScripts(what(name), args, planned);

		const hosts = this.hostsOf(name, args, planned, places);
		const source = this.sourceOf(name, args, hosts);
		const payload = payloadFor(what(name), args, source?.ids ?? []);
		const injected = payload.apply(injectedOf);
		const seeds = seedsAt(this, name, args, payload, places);
		this.state = stateOf(this, name, args, injected, source);
		const injection = injectionInto(this, name, args, { source, injected, hosts });
		const copy = copyOf(this, name, args, source, injection);
		this.image = this.state ? undefined : imageOf(this, name, args, { source, copy, injection, injected, hosts });
		const images = this.image && imagesAt(this, name, args, this.image, places);
		const server = planned.find(({ suffix }) => suffix === serverOf(args));
		// The server comes first, so that its clients can wait for it.
		const order = server ? [server, ...planned.filter((clone) => clone !== server)] : planned;
		const made = new Map<string, { disk: Volume; domain: Domain }>();
		for (const clone of order) {
			const first =
				server && clone !== server && args.relations?.clientsWait !== false ? made.get(server.name) : undefined;
			const disk = this.diskOf(name, args, clone, images?.get(clone.place) ?? this.state!.disk);
			const parts = { disk, seed: seeds.get(clone.place), injected, server: first?.domain };
			const domain = this.machine(name, args, clone, parts);
			made.set(clone.name, { disk, domain });
			if (isBroughtUpToDate(args)) this.bringUpToDate(name, args, clone, domain, injected);
		}
		this.domains = new Map(planned.map((clone) => [clone.name, made.get(clone.name)!.domain]));
		if (args.afterClone === "stopSource") this.stopSource(name, args, [...this.domains.values()]);
		this.instances = pulumi.all(planned.map((clone) => describe(what(name), args, clone, made.get(clone.name)!)));
		this.registerOutputs({ instances: this.instances });
	}

	/** Hosts that are named are looked at, all of them, before anything is made. */
	private hostsOf(
		component: string,
		args: ClonedInstanceWithInitArgs,
		planned: ReadonlyArray<Planned>,
		places: ReadonlyArray<Place>,
	): CloneHosts | undefined {
		if (!args.hosts) return undefined;
		const inputs = { ...common(component, args), hosts: hostInputs(args, planned, places) };
		return new CloneHosts(`${component}-hosts`, inputs, { parent: this });
	}

	/** A machine that is cloned has to be fit for it; a volume is. */
	private sourceOf(
		component: string,
		args: ClonedInstanceWithInitArgs,
		hosts: CloneHosts | undefined,
	): CloneSource | undefined {
		if (!isDomainBase(args.source)) return undefined;
		// Whose state is taken goes on.
		const busy = { ...(args.withState ? { action: "copy" as const } : args.whenSourceBusy), ...elevated(args) };
		const inputs = { ...common(component, args), domain: idOf(args.source.domain), ...busy };
		return new CloneSource(`${component}-source`, inputs, { parent: this, ...after(hosts) });
	}

	private diskOf(
		component: string,
		args: ClonedInstanceWithInitArgs,
		{ name, place }: Planned,
		image: Reference,
	): Volume {
		return new Volume(
			name,
			{
				...common(component, args, place),
				pool: place.pool,
				base: image,
				onBaseChange: args.onScriptChange === "replace" ? "replace" : "keep",
			},
			{ parent: this },
		);
	}

	private machine(
		component: string,
		args: ClonedInstanceWithInitArgs,
		clone: Planned,
		{ disk, seed, injected, server }: MachineParts,
	): Domain {
		const { name, own, hardware, place } = clone;
		const given = this.state ? ownSettings(args) : args.domain;
		const memoryMiB = own.memoryMiB ?? given?.memoryMiB;
		const vcpus = own.vcpus ?? given?.vcpus;
		const identity = identityHardware({ ...args, network: place.network }, hardware, disk);
		const inputs = {
			...given,
			...(memoryMiB === undefined ? {} : { memoryMiB }),
			...(vcpus === undefined ? {} : { vcpus }),
			...common(component, args, place),
			name,
			template: this.state?.uuid ?? (isDomainBase(args.source) ? args.source.domain : undefined),
			...(this.state && { fork: forkOf(args, clone, identity.nics, this.state) }),
			...(isDomainBase(args.source) && !this.state && { templateFrom: templateFrom(args, place) }),
			...identity,
			disks: [...identity.disks, ...seedDisks(seed)],
			running: own.running ?? args.running,
			waitFor: args.waitFor,
			lineage: lineageOf(disk),
			init: awaitedOf(what(component), args, clone, injected),
		};
		return new Domain(name, inputs, { parent: this, ...after(server), ...keepingSeed(seed) });
	}

	/** The clones take the place of their source. */
	private stopSource(component: string, args: ClonedInstanceWithInitArgs, clones: ReadonlyArray<Domain>): void {
		const { timeoutSeconds } = args.whenSourceBusy ?? {};
		const { domain } = args.source as BaseDomainArgs;
		const inputs = { ...common(component, args), domain: idOf(domain), timeoutSeconds, ...elevated(args) };
		new SourceStop(`${component}-source`, inputs, { parent: this, dependsOn: [...clones] });
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
		const inputs = { ...common(component, args, clone.place), domain: domain.uuid, injected, run, leave: true };
		new Injection(clone.name, inputs, { parent: this });
	}
}

/** What a clone is made of, and what it waits for. */
interface MachineParts {
	disk: Volume;
	seed: Volume | undefined;
	injected: pulumi.Output<InjectedInput>;
	server: Domain | undefined;
}

/** What says which resources there are, and what the guests compute. */
const KNOWN = [
	...(["count", "instances", "namePrefix", "instanceIds", "identifier", "parameters"] as const),
	...(["init", "customize", "cleanup", "relations", "onScriptChange", "maxParallel", "hosts", "placement"] as const),
	...(["afterClone", "injectInto", "withState"] as const),
];

const DEFAULT_TIMEOUT_SECONDS = 600;

function serverOf({ relations }: ClonedInstanceWithInitArgs): string | undefined {
	return relations && (relations.server ?? "0");
}

/** Where the hardware of a source domain is read, and in what state it may be. */
function templateFrom({ uri, whenSourceBusy }: ClonedInstanceWithInitArgs, { isHome }: Place) {
	const mayRun = whenSourceBusy?.action === "copy";
	if (isHome && !mayRun) return undefined;
	return { ...(!isHome && { uri: uri ?? defaultUri() }), ...(mayRun && { mayRun }) };
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
