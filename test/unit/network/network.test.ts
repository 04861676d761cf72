import * as assert from "node:assert/strict";
import { connect, type Host } from "../../../provider/libvirt";
import { defaultRanges, subnetOf } from "../../../provider/network/ipv4";
import { network } from "../../../provider/network/lifecycle";
import { liveSteps } from "../../../provider/network/live";
import type { NetworkInputs } from "../../../provider/network/schema";
import { modelOf, networkElement } from "../../../provider/network/xml";
import { validate } from "../../../provider/problems";
import { UNKNOWN } from "../../../provider/unknown";
import { parse, serialize } from "../../../provider/xml/element";

const common = { uri: "test:///default", ownerId: "o/p/s/n", name: "n" };

function checked(more: Record<string, unknown>) {
	const { inputs, problems } = validate(network.schema, { ...common, ...more }, network.rules, network.sensitive);
	return { inputs, complaints: problems.map(({ property, message }) => `${property}: ${message}`) };
}

const inputs = (more: Record<string, unknown> = {}): NetworkInputs => checked({ ipv4: "10.0.0.1/24", ...more }).inputs;
const host = (n: number, more = {}) => ({ mac: `52:54:00:00:00:0${n}`, ip: `10.0.0.1${n}`, ...more });

describe("inputs of a network", () => {
	it("are accepted as documented", () => {
		const good: Array<Record<string, unknown>> = [
			{ ipv4: "10.0.0.1/24" },
			{ ipv4: "10.0.0.1/30" },
			{ ipv6: "fd00::1/64" },
			{ mode: "isolated" },
			{ mode: "bridge", bridge: "br0" },
			{
				ipv4: "10.0.0.1/8",
				dhcp: { start: "10.0.0.2", end: "10.0.255.255", hosts: [host(1), host(2, { name: "a" })] },
			},
			{ ipv4: "10.0.0.1/24", extraXml: "<network><dns enable='no'/></network>" },
		];
		for (const given of good) assert.deepEqual(checked(given).complaints, [], JSON.stringify(given));
	});

	it("are refused with the value got and what is allowed", () => {
		const ipv4 = "10.0.0.1/24";
		const bad: Array<[Record<string, unknown>, RegExp]> = [
			[{}, /^ipv4: is missing; mode "nat" needs an address of the gateway: give ipv4/],
			[{ mode: "route" }, /^ipv4: is missing; mode "route"/],
			[{ ipv4: "10.0.0.0/24" }, /^ipv4: got "10\.0\.0\.0\/24", .* allowed are 10\.0\.0\.1 to 10\.0\.0\.254/],
			[{ ipv4: "10.0.0.255/24" }, /^ipv4: got "10\.0\.0\.255\/24"/],
			[{ ipv4: "10.0.0.1/31" }, /^ipv4: got "10\.0\.0\.1\/31"; allowed are prefixes up to 30/],
			[{ mode: "bridge" }, /^bridge: is missing; mode "bridge"/],
			[{ mode: "bridge", bridge: "br0", mtu: 1400 }, /^mode: got "bridge" with mtu;/],
			[{ mode: "isolated", forwardDevice: "eth0" }, /^forwardDevice: got "eth0" with mode "isolated"/],
			[{ mode: "isolated", dhcp: {} }, /^dhcp: got dhcp without ipv4/],
			[{ ipv4, dhcp: { enabled: false, hosts: [host(1)] } }, /^dhcp: has enabled: false and 1 host\(s\)/],
			[{ ipv4, dhcp: { start: "10.0.0.5" } }, /^dhcp\.start: got only start; give both/],
			[
				{ ipv4, dhcp: { start: "10.0.1.5", end: "10.0.1.6" } },
				/^dhcp\.start: got 10\.0\.1\.5, which is not in 10\.0\.0\.1\/24; allowed are/,
			],
			[
				{ ipv4, dhcp: { start: "10.0.0.9", end: "10.0.0.5" } },
				/^dhcp\.start: .*; allowed is a range from its first address to its last/,
			],
			[
				{ ipv4: "10.0.0.1/8", dhcp: { start: "10.0.0.2", end: "10.1.0.2" } },
				/^dhcp\.start: got 65537 addresses; allowed are up to 65535/,
			],
			[
				{ ipv4, dhcp: { hosts: [host(1, { ip: "10.0.1.1" })] } },
				/^dhcp\.hosts: got 10\.0\.1\.1 for 52:.*, which is not in/,
			],
			[{ ipv4, dhcp: { hosts: [host(1, { ip: "10.0.0.1" })] } }, /^dhcp\.hosts: .* the gateway's own address/],
			[
				{ ipv4, dhcp: { hosts: [host(1), host(2, { mac: "52:54:00:00:00:01" })] } },
				/^dhcp\.hosts: got two hosts with the mac 52:54:00:00:00:01/,
			],
			[
				{ ipv4, dhcp: { hosts: [host(1), host(2, { ip: "10.0.0.11" })] } },
				/^dhcp\.hosts: got two hosts with the ip 10\.0\.0\.11/,
			],
			[
				{ ipv4, dhcp: { hosts: [host(1, { name: "a" }), host(2, { name: "a" })] } },
				/^dhcp\.hosts: got two hosts with the name a/,
			],
			[{ ipv4, extraXml: "<network>" }, /^extraXml: got what is not well-formed/],
			[{ ipv4, extraXml: "<domain/>" }, /^extraXml: got <domain> as the root element; allowed is <network>/],
			[{ ipv4, extraXml: "<network><uuid/></network>" }, /^extraXml: .*<uuid>, which it must not change/],
		];
		for (const [given, expected] of bad) {
			const { complaints } = checked(given);
			assert.equal(complaints.length, 1, `${JSON.stringify(given)}: ${complaints.join("\n")}`);
			assert.match(complaints[0]!, expected);
		}
	});
});

describe("changes of a network", () => {
	const told = (olds: NetworkInputs, news: NetworkInputs) =>
		network.changes(olds, news).map(({ property, effect }) => `${property} ${effect}`);

	it("have the mildest effect that there is", () => {
		const cases: Array<[Record<string, unknown>, Record<string, unknown>, string[]]> = [
			[{}, {}, []],
			[{}, { ownerId: "x", adopt: true, dhcp: {} }, []],
			[{}, { name: "m" }, ["name replace"]],
			[{}, { mode: "route" }, ["mode restart"]],
			[{}, { mtu: 1400, dnsDomain: "a", ipv6: "fd00::1/64" }, ["ipv6 restart", "dnsDomain restart", "mtu restart"]],
			[{}, { ipv4: "10.0.0.2/24" }, ["ipv4 restart"]],
			[{ bridge: "br1" }, {}, []],
			[{ bridge: "br1" }, { bridge: "br2" }, ["bridge restart"]],
			[{}, { autostart: false }, ["autostart live"]],
			[{}, { dhcp: { hosts: [host(1)] } }, ["dhcp.hosts live"]],
			[{ dhcp: { hosts: [host(1), host(2)] } }, { dhcp: { hosts: [host(2), host(1)] } }, []],
			[{}, { dhcp: { start: "10.0.0.2", end: "10.0.0.254" } }, []],
			[{}, { dhcp: { start: "10.0.0.3", end: "10.0.0.254" } }, ["dhcp live"]],
			[{}, { dhcp: { enabled: false } }, ["dhcp live"]],
		];
		for (const [before, now, expected] of cases)
			assert.deepEqual(told(inputs(before), inputs(now)), expected, JSON.stringify(now));
	});

	it("of values that are not known yet have the effect that they would have", () => {
		const unknown = (more: object) => ({ ...inputs(), ...more }) as NetworkInputs;
		assert.deepEqual(told(inputs(), unknown({ dhcp: UNKNOWN })), ["dhcp live"]);
		assert.deepEqual(told(inputs(), unknown({ dhcp: { enabled: true, hosts: [{ mac: UNKNOWN, ip: UNKNOWN }] } })), [
			"dhcp live",
		]);
		assert.deepEqual(told(inputs(), unknown({ ipv4: UNKNOWN })), ["ipv4 restart"]);
		assert.deepEqual(told(inputs(), unknown({ name: UNKNOWN })), ["name replace"]);
	});

	it("of DHCP are made in an order in which nothing is there twice", () => {
		const before = { ranges: [{ start: "10.0.0.2", end: "10.0.0.9" }], hosts: [host(1), host(2)] };
		const after = {
			ranges: [{ start: "10.0.0.2", end: "10.0.0.9", leaseMinutes: 5 }],
			hosts: [host(2), host(3, { ip: "10.0.0.11" })],
		};
		assert.deepEqual(
			liveSteps(before, after).map(({ command, section }) => `${command} ${section}`),
			["delete ip-dhcp-host", "delete ip-dhcp-range", "add ip-dhcp-range", "add ip-dhcp-host"],
		);
		assert.deepEqual(liveSteps(after, after), []);
	});
});

describe("network XML", () => {
	it("reads as it was written", () => {
		const given = inputs({
			mode: "route",
			forwardDevice: "eth0",
			bridge: "br1",
			ipv6: "fd00::1/64",
			dnsDomain: "a.test",
			mtu: 1400,
			dhcp: { start: "10.0.0.5", end: "10.0.0.9", leaseMinutes: 7, hosts: [host(1, { name: "a" })] },
		});
		assert.deepEqual(modelOf(parse(serialize(networkElement(given)))), {
			mode: "route",
			forwardDevice: "eth0",
			bridge: "br1",
			ipv4: "10.0.0.1/24",
			ipv6: "fd00::1/64",
			dnsDomain: "a.test",
			mtu: 1400,
			ranges: [{ start: "10.0.0.5", end: "10.0.0.9", leaseMinutes: 7 }],
			hosts: [host(1, { name: "a" })],
		});
	});

	it("written by others reads the same", () => {
		const ip =
			"<ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><range start='10.0.0.5' end='10.0.0.9'><lease expiry='2' unit='hours'/></range></dhcp></ip>";
		const model = modelOf(parse(`<network><forward/>${ip}</network>`));
		assert.deepEqual([model.mode, model.ipv4, model.ranges[0]?.leaseMinutes], ["nat", "10.0.0.1/24", 120]);
	});

	it("has ranges for the whole subnet without the gateway", () => {
		const ranges = (cidr: string) => defaultRanges(subnetOf(cidr)).map(({ start, end }) => `${start}-${end}`);
		assert.deepEqual(ranges("10.0.0.1/24"), ["10.0.0.2-10.0.0.254"]);
		assert.deepEqual(ranges("10.0.0.254/24"), ["10.0.0.1-10.0.0.253"]);
		assert.deepEqual(ranges("10.0.0.7/28"), ["10.0.0.1-10.0.0.6", "10.0.0.8-10.0.0.14"]);
		assert.deepEqual(ranges("192.168.1.1/30"), ["192.168.1.2-192.168.1.2"]);
		assert.deepEqual(ranges("255.255.255.1/24"), ["255.255.255.2-255.255.255.254"]);
		assert.deepEqual(ranges("10.0.0.1/8"), ["10.0.0.2-10.1.0.0"]);
	});
});

describe("networks on libvirt's test driver", () => {
	let driver: Host;
	beforeEach(() => {
		driver = connect("test:///default");
	});
	afterEach(() => driver.close());

	it("go from create to delete", async () => {
		const context = { host: driver, log() {} };
		const made = await network.create(inputs({ bridge: "br9", dhcp: { hosts: [host(1)] } }), context);
		assert.deepEqual(await network.read(made.id, made.state, context), made.state);
		assert.deepEqual(
			(await network.create(inputs({ bridge: "br9", dhcp: { hosts: [host(1)] } }), context)).id,
			made.id,
		);
		await assert.rejects(network.create({ ...inputs(), ownerId: "o/p/s/other" }, context), /belongs to "o\/p\/s\/n"/);
		await network.delete(made.id, made.state, context);
		await network.delete(made.id, made.state, context);
		assert.equal(await network.read(made.id, made.state, context), undefined);
	});
});
