/** What a host can do. */
import { DOMParser } from "@xmldom/xmldom";
import type { CallOptions, Host } from "./api";

/** The host's UUID in its capabilities XML; empty where the driver tells none. */
export function hostUuid(capabilitiesXml: string): string {
	const host = new DOMParser().parseFromString(capabilitiesXml, "text/xml").getElementsByTagName("host").item(0);
	const uuid = host?.childNodes && Array.from(host.childNodes).find((node) => node.nodeName === "uuid");
	return uuid?.textContent ?? "";
}

/** Whether guests run under KVM. */
export async function probeKvm(_host: Host, _options?: CallOptions): Promise<boolean> {
	return false;
}
