/** What can be done where a name is somebody else's. */
import type { Context } from "./lifecycle";

/** Type of the component that a resource is directly in: "ThinClonePool"; undefined outside of this package's. */
export function componentOf(urn: string | undefined): string | undefined {
	return /^(?:.*\$)?pulumi-libvirt-clones:index:(\w+)\$[^$]*$/.exec(urn?.split("::")[2] ?? "")?.[1];
}

/**
 * The last sentence of a refusal.
 * @param options.adoptable whether `adopt: true` would help
 */
export function wayOut(
	{ component }: Pick<Context, "component">,
	what: string,
	{ adoptable = true }: { adoptable?: boolean } = {},
): string {
	if (component === "ThinClonePool") {
		return (
			`Give the ThinClonePool another namePrefix or the instance another name, or remove the existing ${what}: ` +
			"a clone is new, and takes over nothing (it has no adopt)."
		);
	}
	const adopt = adoptable ? ", or set adopt: true to take the existing one over with what is in it" : "";
	return `Give this ${what} another name${adopt}, or remove the existing one.`;
}
