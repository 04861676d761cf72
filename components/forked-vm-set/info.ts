/** What a guest is told under names, for `info-get NAME` in it. */
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { GuestFileArgs } from "../../provider/domain/resource";
import { wholeText } from "../../provider/schema";

/** What `info-get` finds out by itself. */
const OWN = ["hostname", "machine-id", "mac", "address", "gateway"];
const FOLDER = "/var/lib/pulumi-libvirt-clones/info";

const infoName = z
	.string()
	.regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/, "allowed are up to 64 letters, digits, dots, hyphens and underscores")
	.refine(
		(name) => !OWN.includes(name),
		`allowed are names other than ${OWN.join(", ")}, which the guest knows by itself`,
	);

export const infoSchema = z.record(infoName, wholeText);

export type InfoArgs = Record<string, pulumi.Input<string>>;

/** Readable for root alone: there may be secrets among it. */
export function infoFiles(info: InfoArgs): GuestFileArgs[] {
	return Object.entries(info).map(([name, content]) => ({ path: `${FOLDER}/${name}`, content, mode: "0600" }));
}
