/** The order in which the machines of a component are taken up, as its registrations show it. */
import assert from "node:assert/strict";
import { connect } from "../../../provider/libvirt";
import type { Registered } from "./mocks";

const TYPES = "pulumi-nodejs:dynamic/clones:";

/** @returns whether the disk of one is registered after the machine of another */
export function follows(registered: ReadonlyArray<Registered>, disk: string, machine: string): boolean {
	const at = (type: string, name: string) =>
		registered.findIndex((resource) => resource.type === `${TYPES}${type}` && resource.name === name);
	return at("Volume", disk) > at("Domain", machine);
}

/**
 * What four machines do of which `web-2` is on the host already.
 * @param made registers web-0 to web-3 on that host, one after the other
 */
export async function checkTurns(made: (uri: string) => Promise<Registered[]>): Promise<void> {
	const uri = "test:///default";
	const host = connect(uri);
	const xml = '<domain type="test"><name>web-2</name><memory unit="MiB">8</memory><os><type>hvm</type></os></domain>';
	try {
		await host.domains.define(xml, { validate: false });
		const registered = await made(uri);
		assert.ok(follows(registered, "web-2", "web-1"), "web-2 exists and waits for web-1");
		assert.ok(!follows(registered, "web-3", "web-2"), "web-3 is new and waits for nobody");
	} finally {
		await host.close();
	}
}
