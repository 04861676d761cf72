/** Which NIC of the inputs is which NIC of the machine, and the MAC addresses of those that were given none. */
import { isDeepStrictEqual } from "node:util";
import { ownerMac } from "../owner";
import type { NicSource, NicSpec } from "../xml/devices";
import { firstFree } from "./disks";
import type { NicInputs } from "./schema";

/** A NIC that is there, as far as telling NICs apart needs it. */
export interface KnownNic {
	mac: string | undefined;
	alias?: string | undefined;
	source: NicSource | undefined;
	model: string | undefined;
}

/** What a NIC is connected to. Exactly one of the three is given: a rule sees to that. */
export function nicSource(nic: NicInputs): NicSource {
	if (nic.network !== undefined) return { network: nic.network };
	if (nic.bridge !== undefined) return { bridge: nic.bridge };
	return { user: true };
}

/**
 * The known NIC that each NIC of the inputs is; undefined for one that is new. A NIC is known by its MAC address: the
 * one given, else the one its place would get, else that of a NIC of the same kind; last, a NIC at the same place is
 * taken for the same one with another connection.
 */
export function matchNics<Known extends KnownNic>(
	nics: ReadonlyArray<NicInputs>,
	known: ReadonlyArray<Known>,
	ownerId: string,
): Array<Known | undefined> {
	const free = new Set(known);
	const matched: Array<Known | undefined> = nics.map(() => undefined);
	const pass = (fits: (nic: NicInputs, item: Known, index: number) => boolean) => {
		nics.forEach((nic, index) => {
			if (matched[index]) return;
			const item = [...free].find((candidate) => fits(nic, candidate, index));
			if (!item) return;
			free.delete(item);
			matched[index] = item;
		});
	};
	const alike = (nic: NicInputs, item: Known) =>
		isDeepStrictEqual(nicSource(nic), item.source) && nic.model === item.model;
	const open = (nic: NicInputs) => nic.mac === undefined;
	pass((nic, item) => nic.mac !== undefined && nic.mac === item.mac);
	pass((nic, item, index) => open(nic) && item.mac === ownerMac(ownerId, index) && alike(nic, item));
	pass((nic, item, index) => open(nic) && known.indexOf(item) === index && alike(nic, item));
	pass((nic, item) => open(nic) && alike(nic, item));
	pass((nic, item, index) => open(nic) && known.indexOf(item) === index);
	return matched;
}

/** Gives every NIC its alias and MAC address. One that is there already keeps what it has. */
export function assignNics(nics: ReadonlyArray<NicInputs>, known: ReadonlyArray<KnownNic>, ownerId: string): NicSpec[] {
	const matched = matchNics(nics, known, ownerId);
	const aliases = new Set(known.flatMap((item) => item.alias ?? []));
	const macs = new Set([...nics.flatMap((nic) => nic.mac ?? []), ...known.flatMap((item) => item.mac ?? [])]);
	return nics.map((nic, index) => {
		const old = matched[index];
		return {
			alias: old?.alias?.startsWith("ua-nic-") ? old.alias : firstFree("ua-nic-", aliases),
			mac: nic.mac ?? old?.mac ?? freeMac(ownerId, index, macs),
			source: nicSource(nic),
			model: nic.model,
		};
	});
}

/** The place's own address, unless another NIC of this machine has it. */
function freeMac(ownerId: string, index: number, taken: Set<string>): string {
	for (let place = index; ; place++) {
		const mac = ownerMac(ownerId, place);
		if (taken.has(mac)) continue;
		taken.add(mac);
		return mac;
	}
}
