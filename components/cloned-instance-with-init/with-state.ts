/** Clones that go on in the memory of one machine instead of booting, and run their scripts then. */
import * as pulumi from "@pulumi/pulumi";
import type { DomainArgs, GuestFileArgs, NicArgs } from "../../provider/domain/resource";
import type { ForkedArgs } from "../../provider/fork/forked";
import type { ForkDomainArgs } from "../../provider/fork/resource";
import type { Hardware } from "../../provider/init/identifiers";
import type { InjectedInput } from "../../provider/init/injected";
import { OWN_FOLDER } from "../../provider/init/payload-type";
import type { CloneSource } from "../../provider/init/source/resource";
import { isForkBase, poolOf } from "../base";
import { ForkPoint } from "../fork-point";
import { machineIdOf } from "../forked-vm-set/child";
import type { ClonedInstanceWithInitArgs } from "./args";
import { common } from "./common";
import type { Planned } from "./planned";

/** What of `domain` the machine has that is stopped, and all clones with it. */
export const STOPPED_HARDWARE = [
	...(["type", "machine", "firmware", "memoryMiB", "maxMemoryMiB"] as const),
	...(["vcpus", "maxVcpus", "cpu", "boot", "graphics"] as const),
] satisfies ReadonlyArray<keyof ForkDomainArgs>;

/** What of it each clone has for itself. NICs are plugged in last. */
export const OWN_SETTINGS = [
	...(["nics", "description", "autostart", "shutdownTimeoutSeconds", "onRestartRequired", "cloneableBy"] as const),
] satisfies ReadonlyArray<keyof DomainArgs>;

/** Scripts of the library that need a NIC. */
export const NIC_SCRIPTS: ReadonlySet<string> = new Set(["static-address", "ipv6", "dhcp-client-id"]);

/** As the guest's runner looks for it. */
const TOLD_FILE = "/run/clones-init-told";
const RUN = `${OWN_FOLDER}/run`;
const DEFAULT_TIMEOUT_SECONDS = 600;

/** The machine that is booted once, or that a fork point or a copy of a running machine goes on as; with the scripts in it, and stopped for good. */
export function stateOf(
	parent: pulumi.Resource,
	component: string,
	args: ClonedInstanceWithInitArgs,
	injected: pulumi.Output<InjectedInput>,
	machine: CloneSource | undefined,
): ForkPoint | undefined {
	if (!args.withState) return undefined;
	const { source, domain } = args;
	const goesOnFrom = () => {
		if (machine) return { source: machine.uuid };
		if (isForkBase(source)) return { parent: source.forkPoint };
		return { base: source as Exclude<typeof source, object>, domain: picked(domain, STOPPED_HARDWARE) };
	};
	const inputs = { ...common(component, args), pool: args.pool ?? poolOf(source), ...goesOnFrom(), injected };
	return new ForkPoint(`${component}-state`, inputs, { parent });
}

/** Services that the clones restart: those of the fork point that they go on from. */
function restartedOf({ source }: ClonedInstanceWithInitArgs): pulumi.Input<string[]> {
	return isForkBase(source) && source.forkPoint instanceof ForkPoint ? source.forkPoint.restartAfterFork : [];
}

/** What a clone becomes, in this order: somebody, by its scripts of the stage `early`, connected, by the other scripts. */
export function forkOf(
	args: ClonedInstanceWithInitArgs,
	{ name, hardware }: Planned,
	nics: pulumi.Input<NicArgs>[] | undefined,
	state: ForkPoint,
): { [Name in keyof ForkedArgs]: unknown } {
	const setsAddress = [args.init, args.customize].some((list) =>
		list?.some(({ library }) => library === "static-address"),
	);
	return {
		point: state.uuid,
		hostname: name,
		machineId: machineIdOf(name),
		files: [toldFile(hardware, nics ?? [])],
		first: [[RUN, "fork", "early"]],
		// What failed is told by the runner, with its output. The network has been waited for, unless these scripts make it.
		commands: [["/bin/sh", "-c", `waited=yes ${RUN} boot network late || true`]],
		restart: restartedOf(args),
		...(setsAddress && { addressLater: true }),
		onParentChange: args.onScriptChange === "replace" ? "replace" : "keep",
		timeoutSeconds: args.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
	};
}

/** Its virtual hardware, which it sees at its next boot only: what it sees until then is that of the machine it goes on as. */
function toldFile(hardware: Hardware, nics: pulumi.Input<NicArgs>[]): pulumi.Output<GuestFileArgs> {
	return pulumi.output(nics).apply((plain) => {
		const macs = plain.flatMap(({ mac }, index) => (mac === undefined ? [] : [`id mac ${index} ${mac.toLowerCase()}`]));
		const others = Object.entries(hardware).filter(([kind]) => !kind.startsWith("mac "));
		const lines = [...macs, ...others.map(([kind, value]) => `id ${kind} ${value}`)];
		return { path: TOLD_FILE, mode: "0600", content: lines.map((line) => `${line}\n`).join("") };
	});
}

/** What is left of `domain` for a clone that has all else of the stopped machine. */
export function ownSettings({ domain }: ClonedInstanceWithInitArgs): Partial<DomainArgs> {
	return picked(domain, OWN_SETTINGS);
}

function picked<Of extends object, Key extends keyof Of>(from: Of | undefined, keys: readonly Key[]): Pick<Of, Key> {
	const given = keys.flatMap((key) => (from?.[key] === undefined ? [] : [[key, from[key]] as const]));
	return Object.fromEntries(given) as unknown as Pick<Of, Key>;
}
