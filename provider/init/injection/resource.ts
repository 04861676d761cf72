import type * as pulumi from "@pulumi/pulumi";
import { type HostArgs, idOf, LibvirtResource, type Reference } from "../../dynamic";
import type { Access } from "../access";
import type { InitInputs } from "../awaited";
import type { InjectedInput } from "../injected";

export interface InjectionArgs extends Pick<HostArgs, "uri"> {
	/** Volume whose own file gets the scripts: a qcow2 file that nobody uses and nothing depends on. */
	volume?: Reference;
	/** Domain that gets the scripts: through its guest agent where it runs, else on its first disk. */
	domain?: Reference;
	/** What is put in. */
	injected: pulumi.Input<InjectedInput>;
	/** In a running machine, what is due of the scripts runs at once, and is waited for. @default they run at its next boot */
	run?: pulumi.Input<InitInputs | undefined>;
	/** A domain that is off is started for this, and shut down again: seconds that its guest gets for either. @default it stays off */
	powerOnSeconds?: pulumi.Input<number>;
	/** Used where one's own access is denied. @default none */
	elevatedCredentials?: pulumi.Input<Access> | undefined;
	/** What is there stays when the resource goes. @default false */
	leave?: boolean;
}

/** Internal: scripts in what is there already. Deleting it takes them out. */
export class Injection extends LibvirtResource {
	/** Path of the disk, or UUID of the machine. */
	declare readonly target: pulumi.Output<string>;

	constructor(name: string, args: InjectionArgs, opts?: pulumi.CustomResourceOptions) {
		const inputs = { ...args, volume: idOf(args.volume), domain: idOf(args.domain) };
		super("Injection", name, inputs, ["target", "timings"], opts, args);
	}
}
