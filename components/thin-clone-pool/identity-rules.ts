/** What goes together with an identity, and what would contradict it. */

import { declaredBy, requireRoom } from "../../provider/identity/pool/declared";
import { isLater } from "../../provider/later";
import { type Problem, pathOf, refuse, shown } from "../../provider/problems";
import type { ThinClonePoolArgs } from "./args";
import { isOfIdentity } from "./identity";
import type { Planned } from "./planned";

type Complaint = readonly [property: string, message: string];

/** @throws InputError, before anything is made */
export function checkIdentityPool(pool: string, args: ThinClonePoolArgs, planned: ReadonlyArray<Planned>): void {
	if (args.identityPool === undefined) return;
	const what = `ThinClonePool ${pool}`;
	const complaints = [...nicComplaints(args), ...planned.flatMap((instance) => complaintsAbout(args, instance))];
	refuse(what, unique(complaints));
	requireRoom(what, "identityPool", args.identityPool, planned.length);
}

function nicComplaints({ identityPool, network, domain }: ThinClonePoolArgs): Complaint[] {
	const nics = network === undefined ? domain?.nics : undefined;
	if (network !== undefined || isLater(domain?.nics)) return [];
	if (declaredBy(identityPool).macs && (nics === undefined || (nics as unknown[]).length === 0)) {
		const message =
			"is of identities with MAC addresses, and the machines have no NIC that could have them; allowed is that with network " +
			"or domain.nics (a template's NICs keep nothing of an identity)";
		return [["identityPool", message]];
	}
	const mac = (Array.isArray(nics) ? (nics[0] as { mac?: unknown } | undefined) : undefined)?.mac;
	return mac === undefined ? [] : [["domain.nics[0].mac", `${got(mac)}${OF_IDENTITY("MAC address", "mac")}`]];
}

function complaintsAbout(args: ThinClonePoolArgs, { name, own, customize = {} }: Planned): Complaint[] {
	const { channel = "cloud-init", hostname, files = [], networkConfig } = customize;
	const found: Complaint[] = [];
	const about = (property: string, message: string) => void found.push([property, `of ${name} ${message}`]);
	if (own.mac !== undefined) about("instances", `${got(own.mac)}${OF_IDENTITY("MAC address", "mac")}`);
	if (hostname !== undefined) {
		about("customize.hostname", `${got(hostname)}${OF_IDENTITY("host name", "hostname")}`);
	}
	for (const [index, file] of files.entries()) {
		const path = isLater(file) ? undefined : file.path;
		if (typeof path !== "string" || !isOfIdentity(path)) continue;
		about(`customize.files[${index}].path`, `got ${shown(path)}, which holds its identity; allowed is any other path`);
	}
	if (channel === "guest-agent" && args.domain?.agent === false) {
		about("customize.channel", 'got "guest-agent", and domain.agent is false; allowed is an agent, or another channel');
	}
	if (declaredBy(args.identityPool).addressing !== "static") return found;
	if (networkConfig !== undefined) {
		about(
			"customize.networkConfig",
			`${got(networkConfig)}, and the identities have addressing "static", which is one; allowed is one of them`,
		);
	}
	return found;
}

const OF_IDENTITY = (what: string, property: string) =>
	`, and the ${what} is that of its identity; allowed is one of them: leave ${property} out, or identityPool`;

function got(value: unknown): string {
	return `got ${isLater(value) ? "an output" : shown(value)}`;
}

/** What is wrong with all machines is told of the first. */
function unique(complaints: ReadonlyArray<Complaint>): Problem[] {
	const first = new Map([...complaints].reverse());
	return [...first].reverse().map(([property, message]) => ({ property, path: pathOf(property), message }));
}
