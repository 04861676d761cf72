import type * as pulumi from "@pulumi/pulumi";
import type { HealthCheckArgs } from "../../provider/domain/resource";
import type { Reference } from "../../provider/dynamic";
import type { ForkDomainArgs } from "../../provider/fork/resource";
import type { ForkPoint } from "../fork-point";
import type { ForkedVMSetArgs, ForkPointReference } from "../forked-vm-set/args";

/** A file that a template has: plain values, as it decides which templates there are. */
export interface TemplateFileArgs {
	/** Absolute path. */
	path: string;
	/** Its content. What is secret belongs to a set's own `files`. */
	content: string;
	/** Octal permissions. @default "0644" */
	mode?: string;
	/** How the content is given. @default "text" */
	encoding?: "text" | "base64";
}

/** What is done to a machine, in this order. Plain values: they decide which templates there are. */
export interface TemplateStepsArgs {
	/** Files to write. @default none */
	files?: TemplateFileArgs[];
	/** Packages to install, all with one `installCommand`. @default none */
	packages?: string[];
	/** Programs with arguments to run one after the other, without a shell. Each has to end with 0. @default none */
	commands?: string[][];
	/** Services to start, which need no identity. @default none */
	startBeforeFork?: string[];
	/** Services to start that are restarted in each child once that has its identity. @default none */
	restartAfterFork?: string[];
}

/** All that a machine has. Plain values: they decide which templates there are. */
export interface TemplateConfigurationArgs extends TemplateStepsArgs {
	/** Name of its image. @default the only one there is */
	image?: string;
	/** Its hardware. Of what is asked for, what is not given may be anything. @default see `domain` of `ForkPoint` */
	domain?: ForkDomainArgs;
}

/** An image that templates boot. */
export interface CatalogImageArgs {
	/** A volume (a resource, or its key or path). @default none: all templates of it are given by their `point` */
	base?: Reference;
	/** What is known of its content. @default the `contentId` of `base`, where that is a volume of this package */
	baseContentId?: pulumi.Input<string>;
	/** A command that has to succeed before a template that booted it is forked. @default nothing */
	ready?: pulumi.Input<HealthCheckArgs>;
	/**
	 * Installs the packages that are appended to it.
	 * @default ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes"]
	 */
	installCommand?: string[];
}

/** A template that is made in any case: of an image, of another template, or made elsewhere. */
export interface TemplateArgs {
	/** Name of the template that it goes on from; it has all that that has. @default none: it boots its image */
	parent?: string;
	/** A fork point that exists already: a `ForkPoint`, or outputs of one of another stack. @default none: one is made */
	point?: ForkPoint | ForkPointReference;
	/** What it has; with a `parent`, what it has besides. With a `point` all of it has to be told. @default nothing */
	configuration?: TemplateConfigurationArgs;
	/** A command that has to succeed before it is forked. @default that of the image that it boots, else nothing */
	ready?: pulumi.Input<HealthCheckArgs>;
	/** Which stacks may fork it, as in `ForkPoint`; not with a `point`, which has its own. @default the catalog's */
	forkableBy?: pulumi.Input<pulumi.Input<string>[]>;
}

/** Machines that ask for a configuration: that, and what a `ForkedVMSet` takes. */
export interface TemplateSetArgs extends Omit<ForkedVMSetArgs, "parent" | "uri"> {
	/** What each of the machines is to have. @default the image alone */
	configuration?: TemplateConfigurationArgs;
}

export interface TemplateCatalogArgs {
	/**
	 * libvirt URI of the host.
	 * @default configuration `pulumi-libvirt-clones:uri`, else the environment's `LIBVIRT_DEFAULT_URI`, else `qemu:///system`
	 */
	uri?: pulumi.Input<string>;
	/** Storage pool of files (dir, fs or netfs) for the templates. */
	pool: Reference;
	/** Network of the templates while they are made ready. @default none */
	network?: Reference;
	/** The images, by name. */
	images: Record<string, CatalogImageArgs>;
	/** Templates that are made in any case, by name. @default none: all are made by themselves */
	templates?: Record<string, TemplateArgs>;
	/** Sets of machines, by name. @default none */
	sets?: Record<string, TemplateSetArgs>;
	/**
	 * How often a configuration is asked for, by different sets or by one that was made anew, until it has a template of its
	 * own; before that the set's machines go on from the nearest one, and the rest is done in each of them.
	 * @default 2
	 */
	keepAfter?: number;
	/** Most levels that the tree grows to by itself; what is declared may have more. @default 3 */
	maxLevels?: number;
	/**
	 * Names of templates that were made by themselves and are to go: nothing is counted and no template kept for what they
	 * have for as long as they are named. One that machines go on from stays.
	 * @default none
	 */
	forget?: string[];
	/**
	 * Which stacks may fork its templates, those that are made by themselves included: patterns of organization, project and
	 * stack, such as `acme/web/*`. Its own stack always may. Changes without making one anew.
	 * @default whoever the host lets in
	 */
	forkableBy?: pulumi.Input<pulumi.Input<string>[]>;
	/** Seconds for each of a template's steps: boot, a command, the services. @default 300 */
	timeoutSeconds?: pulumi.Input<number>;
}
