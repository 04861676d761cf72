/** How much bigger than its parent a child can be: what the parent was started with room for, and no more. */
import type { DomainInputs, Inherited } from "../domain/schema";
import { InputError } from "../lifecycle";
import { isUnknown } from "../unknown";

const REMEDY = "give the fork point more room, or take one of that size";

/**
 * @param parent hardware of the fork point
 * @throws InputError when a child could not have what is asked for at its fork
 */
export function refuseBeyondParent(
	{ memoryMiB, vcpus }: Pick<DomainInputs, "memoryMiB" | "vcpus">,
	parent: Pick<Inherited, "maxMemoryMiB" | "vcpus" | "maxVcpus">,
): void {
	const { maxMemoryMiB = 0, maxVcpus = 0 } = parent;
	if (memoryMiB !== undefined && !isUnknown(memoryMiB) && memoryMiB > maxMemoryMiB) {
		throw new InputError(
			"memoryMiB",
			`got ${memoryMiB}; its fork point has room for ${maxMemoryMiB} MiB (its domain.maxMemoryMiB): allowed is at most that; ${REMEDY}`,
		);
	}
	if (vcpus === undefined || isUnknown(vcpus)) return;
	if (vcpus > maxVcpus) {
		throw new InputError(
			"vcpus",
			`got ${vcpus}; its fork point has room for ${maxVcpus} (its domain.maxVcpus): allowed is at most that; ${REMEDY}`,
		);
	}
	if (vcpus < (parent.vcpus ?? 0)) {
		throw new InputError(
			"vcpus",
			`got ${vcpus}; its fork point runs with ${parent.vcpus}, and a running guest does not let go of one: allowed are ${parent.vcpus} to ${maxVcpus}; or take a fork point with fewer`,
		);
	}
}
