import assert from "node:assert/strict";
import { networkConfigOf } from "../../../components/thin-clone-pool/identity";
import { staticNetworkOf, staticSettingsOf } from "../../../provider/identity/static-network";
import { InputError } from "../../../provider/lifecycle";

const mac = "52:54:00:10:00:01";
const member = { name: "web-1", mac, ips: ["10.0.0.10", "fd00::10"] };
const NETWORKS = { ipv4Network: "10.0.0.1/24", ipv6Network: "fd00::1/64" };

describe("addresses that a machine sets itself", () => {
	it("have the prefix and the gateway of their network, which is the name server unless others are given", () => {
		const settings = staticSettingsOf({ addressing: "static", ...NETWORKS }, [member])!;
		assert.deepEqual(staticNetworkOf(settings, member.ips), {
			addresses: ["10.0.0.10/24", "fd00::10/64"],
			gateways: ["10.0.0.1", "fd00::1"],
			nameservers: ["10.0.0.1", "fd00::1"],
		});
		const own = staticSettingsOf({ addressing: "static", ...NETWORKS, nameservers: ["FD00:0::53"] }, [member])!;
		assert.deepEqual(staticNetworkOf(own, ["10.0.0.10"]), {
			addresses: ["10.0.0.10/24"],
			gateways: ["10.0.0.1"],
			nameservers: ["fd00::53"],
		});
	});

	it("have no gateway in a network that names none", () => {
		const given = { addressing: "static" as const, ipv4Network: "10.0.0.0/24" };
		const settings = staticSettingsOf(given, [{ ...member, ips: ["10.0.0.10"] }])!;
		assert.deepEqual(staticNetworkOf(settings, ["10.0.0.10"]), {
			addresses: ["10.0.0.10/24"],
			gateways: [],
			nameservers: [],
		});
	});

	it("are nothing that is told where they come from DHCP", () => {
		assert.equal(staticSettingsOf({ addressing: "dhcp", ...NETWORKS }, [member]), undefined);
		assert.equal(networkConfigOf({ ...member, machineId: "", data: {} }), undefined);
	});

	it("are for the NIC that has the MAC address", () => {
		const network = staticNetworkOf({ ipv4: "10.0.0.1/24", nameservers: ["10.0.0.1"] }, ["10.0.0.10"]);
		const written = networkConfigOf({ ...member, network, machineId: "", data: {} })!;
		assert.doesNotMatch(written, /\t/, "YAML takes no tabs");
		assert.deepEqual(JSON.parse(written), {
			version: 2,
			ethernets: {
				nic0: {
					match: { macaddress: mac },
					addresses: ["10.0.0.10/24"],
					routes: [{ to: "0.0.0.0/0", via: "10.0.0.1" }],
					nameservers: { addresses: ["10.0.0.1"] },
				},
			},
		});
	});

	it("are refused where a machine could not set them", () => {
		const given = { addressing: "static" as const };
		const bad: Array<[object, object, RegExp]> = [
			[
				{ ipv4Network: "10.0.0.1" },
				member,
				/^ipv4Network: got "10.0.0.1"; allowed is the gateway's address with its prefix/,
			],
			[{ ipv4Network: "fd00::1/64" }, member, /^ipv4Network: got "fd00::1\/64"; allowed/],
			[{ ipv4Network: "10.0.0.1/24" }, member, /^ipv6Network: is missing; with addressing "static" allowed is/],
			[
				{ ...NETWORKS, ipv4Network: "10.1.0.1/24" },
				member,
				/^ipv4Network: got "10.1.0.1\/24", which 10.0.0.10 of web-1 is not in/,
			],
			[NETWORKS, { ...member, mac: undefined }, /^addressing: got "static", and web-1 has no MAC address/],
			[NETWORKS, { ...member, ips: [] }, /^addressing: got "static", and web-1 has no address; allowed is/],
			[
				{ ...NETWORKS, nameservers: ["dns.example"] },
				member,
				/^nameservers\[0\]: got "dns.example"; allowed is an address/,
			],
			[
				{ addressing: "dhcp", nameservers: ["10.0.0.1"] },
				member,
				/^nameservers: got \["10.0.0.1"\] with addressing "dhcp"/,
			],
		];
		for (const [settings, one, expected] of bad) {
			assert.throws(
				() => staticSettingsOf({ ...given, ...settings }, [one as typeof member]),
				(error: unknown) => error instanceof InputError && expected.test(`${error.property}: ${error.message}`),
				String(expected),
			);
		}
	});
});
