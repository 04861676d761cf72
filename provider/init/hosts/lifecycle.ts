/**
 * The hosts that clones are made on: each has to answer, and to have what is named there, before anything is made on one of
 * them. Nothing of them is changed.
 */
import { isDeepStrictEqual } from "node:util";
import { connect, type Host, redact } from "../../libvirt";
import { InputError, type Lifecycle } from "../../lifecycle";
import { refuse } from "../../problems";
import { findPool, findVolume } from "../../volume/pools";
import { type CloneHost, type CloneHostsInputs, cloneHostsSchema } from "./schema";

export const cloneHosts: Lifecycle<CloneHostsInputs, object> = {
	name: "CloneHosts",
	schema: cloneHostsSchema,
	rules: [
		{
			property: "hosts",
			needs: ["hosts"],
			check({ hosts }) {
				const complaints = hosts.map(({ source }, index) => source && contentComplaint(index, source));
				return complaints.find((complaint) => complaint !== undefined);
			},
		},
	],

	/** Pure. */
	changes: (olds, news) =>
		isDeepStrictEqual(olds.hosts, news.hosts)
			? []
			: [{ property: "hosts", effect: "live", note: "the hosts are looked at before anything is made on them" }],

	async plan({ hosts }) {
		const complaints = await Promise.all(hosts.map((host, index) => complaintsOf(host, index)));
		return [
			...hosts.map(({ uri, clones }) => `${redact(uri)}: ${clones.join(", ") || "no clone"}`),
			...complaints.flat().map(({ property, message }) => `warning: ${property}: ${message}`),
		];
	},

	async create(inputs) {
		await lookAt(inputs);
		return { id: inputs.ownerId, state: inputs };
	},

	read: async (_id, state) => state,

	async update(_id, _olds, news) {
		await lookAt(news);
		return news;
	},

	async delete() {},
};

interface Complaint {
	property: string;
	message: string;
}

function contentComplaint(
	index: number,
	{ contentId, wantedContentId }: NonNullable<CloneHost["source"]>,
): string | undefined {
	if (contentId !== undefined && contentId === wantedContentId) return undefined;
	const told = contentId === undefined ? "whose content is not known" : `which holds ${contentId}`;
	const wanted = wantedContentId === undefined ? "is not known" : `is ${wantedContentId}`;
	return (
		`got a source for [${index}] ${told}, and the source's content ${wanted}; allowed are two Volume resources made of the ` +
		"same file or URL: leave it out, and the image is copied with all that it needs"
	);
}

/** @throws InputError that names everything that is wrong, on whichever host */
async function lookAt({ hosts }: CloneHostsInputs): Promise<void> {
	const complaints = (await Promise.all(hosts.map((host, index) => complaintsOf(host, index)))).flat();
	refuse(
		"the hosts of the clones",
		complaints.map(({ property, message }) => ({ property, path: [property], message })),
	);
	const uuids = await Promise.all(hosts.map(async ({ uri }) => (await connect(uri).info()).hostUuid));
	const again = uuids.findIndex((uuid, index) => uuids.indexOf(uuid) !== index);
	if (again < 0) return;
	throw new InputError(
		`hosts[${again}].uri`,
		`got ${redact(hosts[again]!.uri)}, which is the host at ${redact(hosts[uuids.indexOf(uuids[again]!)]!.uri)}; allowed is each host once`,
	);
}

async function complaintsOf({ uri, pool, network, source }: CloneHost, index: number): Promise<Complaint[]> {
	const host = connect(uri);
	const found: Complaint[] = [];
	const complain = (name: string, message: string) => found.push({ property: `hosts[${index}].${name}`, message });
	try {
		const pools = await findPool(host, pool);
		if (!pools?.active) complain("pool", await missing("storage pool", pool, host, () => host.pools.list()));
		if (network !== undefined && !(await host.networks.find(network))?.active) {
			complain("network", await missing("network", network, host, () => host.networks.list()));
		}
		if (source && !(await findVolume(host, source.volume))) {
			complain("source", `got ${source.volume}; allowed is the path or key of a volume on ${redact(uri)}`);
		}
	} catch (error) {
		complain("uri", error instanceof Error ? error.message : String(error));
	}
	return found;
}

async function missing(
	what: string,
	name: string,
	{ uri }: Host,
	list: () => Promise<Array<{ name: string; active: boolean }>>,
): Promise<string> {
	const names = (await list()).filter(({ active }) => active).map((one) => one.name);
	return `got ${name}, and there is no active ${what} of that name or id on ${redact(uri)}; allowed are ${names.sort().join(", ") || "none: make one there"}`;
}
