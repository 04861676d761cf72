import assert from "node:assert/strict";
import { Identity, IdentityPool, type IdentityPoolArgs, ThinClonePool, type ThinClonePoolArgs } from "../../../index";
import { parse } from "../../../provider/xml/element";
import { type Registered, registeredBy } from "./mocks";

const MACS = { macs: ["52:54:00:10:00:01-52:54:00:10:00:ff"] };
const RANGES = { names: "web-{01}", count: 3, ...MACS, ipv4: ["10.0.0.10-10.0.0.99"], ipv4Network: "10.0.0.1/24" };

async function made(
	args: Partial<ThinClonePoolArgs> = {},
	pool: IdentityPoolArgs = RANGES,
	besides: (pool: IdentityPool) => unknown = () => {},
): Promise<Registered[]> {
	return registeredBy(() => {
		const identityPool = new IdentityPool("web", pool);
		const more = besides(identityPool);
		const base = { base: "/images/gold.qcow2", pool: "images", network: "lan", count: 1 };
		return [more, new ThinClonePool("vm", { ...base, identityPool, ...args } as ThinClonePoolArgs).instances];
	});
}

const refusal = async (...given: Parameters<typeof made>): Promise<string> => {
	let message = "";
	await made(...given).catch((error: Error) => {
		message = error.message;
	});
	return message;
};

const of = (registered: Registered[], type: string) => registered.find((own) => own.type.endsWith(`:${type}`))!.inputs;
const seedOf = (registered: Registered[]) => registered.find(({ name }) => name === "vm-0-seed")?.inputs;

describe("identities of clones", () => {
	it("are refused what contradicts them, before any machine is made", async () => {
		const guestAgent = { channel: "guest-agent" as const };
		const statically = { ...RANGES, addressing: "static" as const };
		const bad: Array<[RegExp, ...Parameters<typeof made>]> = [
			[
				/customize\.hostname: of vm-0 got "db", and the host name is that of its identity; allowed is one/,
				{ customize: { hostname: "db" } },
			],
			[
				/instances: of vm-db got "52:54:00:00:00:01", and the MAC address is that of its identity; allowed is one/,
				{ count: 0, instances: { db: { mac: "52:54:00:00:00:01" } } },
			],
			[
				/domain\.nics\[0\]\.mac: got "52:54:00:00:00:01", and the MAC address is that of its identity/,
				{ network: undefined, domain: { nics: [{ network: "lan", mac: "52:54:00:00:00:01" }] } },
			],
			...[
				"/etc/machine-id",
				"/etc/hostname",
				"/etc/krb5.keytab",
				"/etc/machine-identity.json",
				"/etc/ssh/ssh_host_rsa_key",
			].map((path): [RegExp, Partial<ThinClonePoolArgs>] => [
				/customize\.files\[0\]\.path: of vm-0 got ".*", which holds its identity; allowed is any other path/,
				{ customize: { files: [{ path, content: "" }] } },
			]),
			[
				/identityPool: is of identities with MAC addresses, and the machines have no NIC .*; allowed is/,
				{ network: undefined },
			],
			[/identityPool: is of identities with MAC addresses/, { network: undefined, base: { domain: "golden" } }],
			[
				/customize\.channel: of vm-0 got "guest-agent", and domain\.agent is false; allowed is/,
				{ count: 0, instances: { 0: { customize: guestAgent } }, domain: { agent: false } },
			],
			[
				/customize\.networkConfig: of vm-0 got "version: 2", and the identities have addressing "static".*; allowed is/,
				{ customize: { networkConfig: "version: 2" } },
				statically,
			],
			[
				/customize\.networkConfig|customize: got networkConfig with the channel fw-cfg/,
				{ customize: { channel: "fw-cfg", networkConfig: "version: 2" } },
			],
			[/identityPool: got a pool of 3 identities; allowed is one with room for 4 more: give it more/, { count: 4 }],
			[
				/identityPool: got a pool of 1 identities; allowed is one with room for 2 more/,
				{ count: 2 },
				{ identities: [{ name: "a", mac: "52:54:00:10:00:01" }] },
			],
			[
				/identityPool: got a pool of 3 identities, of which the program takes 2 elsewhere; allowed is one with room for 2 more/,
				{ count: 2 },
				RANGES,
				(pool) => [new Identity("a", { pool }), new Identity("b", { pool })],
			],
			[/identityPool: got "web"; allowed is an IdentityPool, or its output access/, { identityPool: "web" }],
		];
		for (const [expected, ...given] of bad) {
			const message = await refusal(...given);
			assert.match(message, /^ThinClonePool vm: /);
			assert.match(message, expected);
		}
	});

	it("are refused to single ones that a pool has none for", async () => {
		const program = () => {
			const pool = new IdentityPool("web", { ...RANGES, count: 1 });
			return [new Identity("a", { pool }), new Identity("b", { pool })];
		};
		await assert.rejects(
			registeredBy(program),
			/^InputError: Identity b: pool: got a pool of 1 identities, of which the program takes 1 elsewhere/,
		);
	});

	it("go together with NICs without a MAC address, other files, and as many machines as there are identities", async () => {
		assert.equal(await refusal({ count: 3, customize: { files: [{ path: "/etc/motd", content: "" }] } }), "");
		assert.equal(await refusal({ network: undefined, domain: { nics: [{ network: "lan" }] } }), "");
		assert.equal(await refusal({ network: undefined }, { names: "web-{1}", count: 1 }), "");
	});

	it("say how their machine is told", async () => {
		for (const [channel, told] of [
			["cloud-init", "cloud-init, in its seed image"],
			["guest-agent", "the guest agent, once it runs"],
			["fw-cfg", "its firmware (fw_cfg)"],
		] as const) {
			assert.equal(of(await made({ customize: { channel } }), "Identity").channel, told);
		}
	});

	it("reach firmware as an archive in a file, beside the extra XML that there is", async () => {
		const extraXml = "<domain><sysinfo type='smbios'/><on_crash>restart</on_crash></domain>";
		const registered = await made({ customize: { channel: "fw-cfg", extraXml } });
		const { archive } = seedOf(registered)!.source as { archive: { files: Array<{ path: string }> } };
		assert.match(JSON.stringify(archive), /licenceId[^,]*CAD-1.*machine-identity/);
		const domain = of(registered, "Domain");
		assert.deepEqual((domain.disks as unknown[]).length, 1);
		const xml = domain.extraXml as string;
		parse(xml);
		assert.match(
			xml,
			/<sysinfo type="fwcfg"><entry name="opt\/pulumi-libvirt-clones\/files\.tar" file="\/pool\/vm-0-seed"\/>/,
		);
		assert.match(xml, /<sysinfo type="smbios"\/><on_crash>restart<\/on_crash>/);
	});
});
