/** How much bigger than its parent a child can be: what the parent was started with room for, and no more. */
import type { DomainInputs, Inherited } from "../domain/schema";
import { isUnknown } from "../unknown";
import type { Need } from "./needs";

const REMEDY = "give the fork point more room, or take one of that size";

/**
 * Pure.
 * @param parent hardware of the fork point
 * @returns what a child could not have at its fork
 */
export function beyondParent(
	{ memoryMiB, vcpus }: Pick<DomainInputs, "memoryMiB" | "vcpus">,
	parent: Pick<Inherited, "maxMemoryMiB" | "vcpus" | "maxVcpus">,
): Need[] {
	const { maxMemoryMiB = 0, maxVcpus = 0 } = parent;
	const needs: Need[] = [];
	if (memoryMiB !== undefined && !isUnknown(memoryMiB) && memoryMiB > maxMemoryMiB) {
		needs.push({
			property: "memoryMiB",
			message: `got ${memoryMiB}; its fork point has room for ${maxMemoryMiB} MiB (its domain.maxMemoryMiB): allowed is at most that; ${REMEDY}`,
		});
	}
	if (vcpus === undefined || isUnknown(vcpus)) return needs;
	if (vcpus > maxVcpus) {
		needs.push({
			property: "vcpus",
			message: `got ${vcpus}; its fork point has room for ${maxVcpus} (its domain.maxVcpus): allowed is at most that; ${REMEDY}`,
		});
	} else if (vcpus < (parent.vcpus ?? 0)) {
		needs.push({
			property: "vcpus",
			message: `got ${vcpus}; its fork point runs with ${parent.vcpus}, and a running guest does not let go of one: allowed are ${parent.vcpus} to ${maxVcpus}; or take a fork point with fewer`,
		});
	}
	return needs;
}
