import type * as pulumi from "@pulumi/pulumi";
import { type ForkPointArgs, ForkPoint as ForkPointResource } from "../provider/fork/resource";
import { defined } from "./defined";
import { ForkedVMSet } from "./forked-vm-set";
import type { ForkedVMSetArgs } from "./forked-vm-set/args";

/**
 * A machine that was booted, made ready and stopped for good: `ForkedVMSet` makes machines that go on at its next
 * instruction. Its id is the UUID of the machine, which stays on the host and is off.
 */
export class ForkPoint extends ForkPointResource {
	private readonly host: ForkPointArgs["uri"];

	constructor(name: string, args: ForkPointArgs, opts?: pulumi.CustomResourceOptions) {
		super(name, args, opts);
		this.host = args?.uri;
	}

	/**
	 * Declares machines that go on from it, on its host: the same as a `ForkedVMSet` with it as its `parent`. How many there
	 * are, and which of them run, operators say with `pulumi-libvirt-clones/operations`.
	 */
	createChildren(
		name: string,
		args: Omit<ForkedVMSetArgs, "parent" | "uri">,
		opts?: pulumi.ComponentResourceOptions,
	): ForkedVMSet {
		return new ForkedVMSet(name, { ...args, ...defined({ uri: this.host }), parent: this }, opts);
	}

	/** Declares a fork point that goes on from it, on its host: the same as one with it as its `parent`. In its pool unless said. */
	derive(
		name: string,
		args: Omit<
			ForkPointArgs,
			"base" | "baseContentId" | "domain" | "parent" | "pool" | "source" | "takeTrigger" | "uri"
		> & {
			pool?: ForkPointArgs["pool"];
		} = {},
		opts?: pulumi.CustomResourceOptions,
	): ForkPoint {
		const { pool = this.pool, ...others } = args;
		return new ForkPoint(name, { ...others, ...defined({ uri: this.host }), pool, parent: this }, opts);
	}
}
