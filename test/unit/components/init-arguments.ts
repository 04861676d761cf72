/** Arguments that the tests of ClonedInstanceWithInit start from. */
import type { ClonedInstanceWithInitArgs } from "../../../index";

export const good: ClonedInstanceWithInitArgs = {
	source: "/images/gold.qcow2",
	pool: "images",
	network: "lab",
	count: 2,
	parameters: { hostname: "web-{instance}" },
	init: [{ library: "hostname", with: { name: { parameter: "hostname" } } }],
};
export const hello = { name: "hello", content: "#!/bin/sh\necho hello\n" };
