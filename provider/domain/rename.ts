/** Another name for a machine that is off. */
import { type Host, LibvirtError } from "../libvirt";
import type { Context } from "../lifecycle";
import { foreign, ownerOf } from "./own";
import { isGone, patiently } from "./patience";

/** What libvirt says where it cannot: another driver, a saved state. */
const IMPOSSIBLE = ["VIR_ERR_NO_SUPPORT", "VIR_ERR_OPERATION_UNSUPPORTED", "VIR_ERR_OPERATION_INVALID"];

/**
 * Renames a machine, whose definition is about to be written. Where libvirt cannot, the definition under the former name
 * is removed instead.
 */
export async function rename(host: Host, uuid: string, name: string): Promise<void> {
	if ((await host.domains.find(uuid))?.name === name) return;
	try {
		await patiently(() => host.domains.rename(uuid, name));
	} catch (error) {
		// Without a definition there is nothing to rename.
		if (isGone(error)) return;
		if (!(error instanceof LibvirtError) || !IMPOSSIBLE.includes(error.errorName)) throw error;
		await patiently(() => host.domains.undefine(uuid, { keepNvram: true }));
	}
}

/** @throws Error that says whose the machine of that name is */
export async function refuseTakenName(context: Context, name: string): Promise<void> {
	const { host } = context;
	const other = await host.domains.find(name);
	if (other) throw new Error(foreign(context, name, await ownerOf(host, other), "exists already"));
}
