/** The record of a change, kept in the metadata of the machine's definition on the host. */
import { patiently } from "../domain/patience";
import type { Host } from "../libvirt";
import { METADATA_NAMESPACE, METADATA_PREFIX } from "../owner";
import { parse, serialize } from "../xml/element";
import { bareRecordElement, recordedIn } from "../xml/metadata";
import { type Journal, parseRecord, printRecord } from "./record";

export function journalOf(host: Host, uuid: string): Journal & { clear(): Promise<void> } {
	const recorded = async () => recordedIn(parse(await host.domains.xml(uuid, { inactive: true }), "the definition"));
	const keep = async (morph: string | undefined) => {
		const now = await recorded();
		if (!now) throw new Error("the machine is not ours any more: its metadata has been changed by somebody else");
		const xml = serialize(bareRecordElement({ ...now, morph }));
		await patiently(() => host.domains.setMetadata(uuid, METADATA_NAMESPACE, METADATA_PREFIX, xml, "config"));
	};
	return {
		read: async () => parseRecord((await recorded())?.morph),
		write: (record) => keep(printRecord(record)),
		clear: () => keep(undefined),
	};
}
