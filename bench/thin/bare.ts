/** The bare loop: reads what to make, prints the milliseconds that it took. A process of its own, as every call blocks. */
import { readFileSync } from "node:fs";
import { initialize, libvirt, noQuestions } from "../../provider/libvirt/worker/ffi";

const { uri, pool, clones } = JSON.parse(readFileSync(process.argv[2]!, "utf8"));

initialize();
const connection = libvirt.virConnectOpenAuth(uri, noQuestions(), 0);
const place = libvirt.virStoragePoolLookupByName(connection, pool);
const started = performance.now();
for (const { volumeXml, domainXml } of clones) {
	libvirt.virStorageVolFree(libvirt.virStorageVolCreateXML(place, volumeXml, 0));
	libvirt.virDomainFree(libvirt.virDomainDefineXMLFlags(connection, domainXml, 0));
}
console.log(performance.now() - started);
libvirt.virStoragePoolFree(place);
libvirt.virConnectClose(connection);
