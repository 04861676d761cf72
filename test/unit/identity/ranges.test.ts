import assert from "node:assert/strict";
import fc from "fast-check";
import { addressesOf } from "../../../provider/identity/address-ranges";
import { formatAddress, isIn, parseAddress, parseNetwork } from "../../../provider/identity/addresses";
import { identitiesFromList, identitiesFromRanges } from "../../../provider/identity/identities";
import { newMachineId } from "../../../provider/identity/machine-id";
import { macsOf } from "../../../provider/identity/macs";
import { namesOf } from "../../../provider/identity/names";
import { InputError } from "../../../provider/lifecycle";

/** @param cause as `property: message` */
function refuses(work: () => unknown, cause: RegExp): void {
	assert.throws(work, (error: unknown) => {
		assert.ok(error instanceof InputError, String(error));
		assert.match(`${error.property}: ${error.message}`, cause);
		return true;
	});
}

const isUnique = (values: ReadonlyArray<string>) => new Set(values).size === values.length;

describe("names of identities", () => {
	it("count from the number in braces, as it is written there", () => {
		assert.deepEqual(namesOf("web-{001}", 3), ["web-001", "web-002", "web-003"]);
		assert.deepEqual(namesOf("web-{00}-lab", 2), ["web-00-lab", "web-01-lab"]);
		assert.deepEqual(namesOf("web-{9}", 2), ["web-9", "web-10"]);
		assert.deepEqual(namesOf("web-{099}", 2), ["web-099", "web-100"]);
		assert.deepEqual(namesOf("{1}a", 0), []);
	});

	it("are as many as asked for, host names, and never twice the same", () => {
		const pattern = fc.tuple(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), fc.nat(10_000), fc.nat(6));
		fc.assert(
			fc.property(pattern, fc.nat(200), ([prefix, first, width], count) => {
				const digits = String(first).padStart(width, "0");
				const isPadded = digits.length > 1 && digits.startsWith("0");
				fc.pre(!isPadded || first + count <= 10 ** digits.length);
				const names = namesOf(`${prefix}{${digits}}`, count);
				assert.equal(names.length, count);
				assert.ok(isUnique(names));
				if (isPadded) assert.ok(names.every((name) => name.length === prefix.length + digits.length));
				assert.ok(names.every((name) => /^[a-z][a-z0-9-]*[0-9]$/.test(name) && name.length <= 63));
			}),
		);
	});

	it("are refused with what is wrong with the pattern", () => {
		refuses(() => namesOf("web", 2), /^names: got "web", which has no counter; allowed is .* as in "web-\{001\}"/);
		refuses(() => namesOf("web-{n}", 2), /which has no counter/);
		refuses(() => namesOf("{1}-{1}", 2), /which has 2 counters/);
		refuses(() => namesOf("web-{01}", 100), /which has room for 99 names; count is 100: give the counter more digits/);
		refuses(() => namesOf("web_{1}", 1), /which gives "web_1"; allowed are letters, digits and, between them, hyphens/);
		refuses(() => namesOf("-web{1}", 1), /allowed are letters/);
		refuses(() => namesOf("web-{1}.example.com", 1), /a host name without its domain/);
		refuses(() => namesOf("{001}", 1), /digits alone are taken for an address/);
		refuses(() => namesOf(`${"a".repeat(61)}{1}`, 100), /of 64 characters; allowed are 63 characters in a host name/);
		const limit = { characters: 15, of: "a computer name in Active Directory" };
		assert.equal(namesOf("application-{001}", 1, "names", limit).length, 1);
		refuses(
			() => namesOf("applications-{001}", 1, "hosts", limit),
			/^hosts: .* gives "applications-001" of 16 characters; allowed are 15 characters in a computer name in Active/,
		);
	});
});

describe("MAC addresses of identities", () => {
	it("are taken in the order of the ranges", () => {
		assert.deepEqual(macsOf(["52:54:00:10:00:FE-52:54:00:10:00:ff", "52:54:00:20:00:00"], 3), [
			"52:54:00:10:00:fe",
			"52:54:00:10:00:ff",
			"52:54:00:20:00:00",
		]);
	});

	it("are as many as asked for, unicast, local, and never twice the same", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 1, max: 300 }), (start, count) => {
				const last = start.toString(16).padStart(4, "0");
				const macs = macsOf([`52:54:00:10:${last.slice(0, 2)}:${last.slice(2)}`], count);
				assert.equal(macs.length, count);
				assert.ok(isUnique(macs));
				assert.ok(macs.every((mac) => /^52(:[0-9a-f]{2}){5}$/.test(mac)));
				assert.deepEqual(macs, macs.toSorted());
			}),
		);
	});

	it("are refused with what is wrong with the range", () => {
		const first = "52:54:00:10:00:01";
		refuses(
			() => macsOf(["53:54:00:10:00:01"], 1),
			/^macs\[0\]: got "53:54:00:10:00:01", a multicast address; allowed are/,
		);
		refuses(
			() => macsOf(["00:16:3e:10:00:01"], 1),
			/whose first bytes are a vendor's; allowed are locally administered/,
		);
		assert.deepEqual(macsOf(["00:16:3e:10:00:01"], 1, "macs", { universal: true }), ["00:16:3e:10:00:01"]);
		refuses(() => macsOf(["00:00:00:00:00:00"], 1, "macs", { universal: true }), /which is no machine's/);
		refuses(() => macsOf(["52:54:00:10:00"], 1), /allowed is a MAC address such as/);
		refuses(() => macsOf(["52-54-00-10-00-01"], 1), /allowed is a range such as/);
		refuses(() => macsOf([`${first}-52:54:00:10:00:00`], 1), /which ends before it starts/);
		refuses(() => macsOf([`${first}-56:54:00:10:00:01`], 1), /whose addresses have the first byte in common/);
		refuses(() => macsOf(["52:ff:ff:ff:ff:ff"], 2), /whose addresses have the first byte in common/);
		refuses(
			() => macsOf([`${first}-52:54:00:10:00:04`], 5),
			/^macs: got "52:.*", which has room for 4 MAC addresses; count is 5: widen the range, or add one/,
		);
		refuses(
			() => macsOf([`${first}-52:54:00:10:00:ff`, "52:54:00:10:00:80-52:54:00:10:01:00"], 1),
			/^macs\[1\]: got .*, which overlaps "52:54:00:10:00:01-52:54:00:10:00:ff" \(macs\[0\]\)/,
		);
	});
});

describe("IP addresses of identities", () => {
	it("leave out what no machine may have", () => {
		assert.deepEqual(addressesOf(4, ["10.0.0.0/29"], 6).at(-1), "10.0.0.6");
		assert.deepEqual(addressesOf(4, ["10.0.0.1/29"], 5)[0], "10.0.0.2");
		assert.deepEqual(addressesOf(6, ["fd00::/126"], 3), ["fd00::1", "fd00::2", "fd00::3"]);
		assert.deepEqual(addressesOf(6, ["fd00::1/64"], 2), ["fd00::2", "fd00::3"]);
		const network = { network: "10.0.0.1/24", leaveOut: ["10.0.0.3"] };
		assert.deepEqual(addressesOf(4, ["10.0.0.0-10.0.0.9"], 2, "ipv4", network), ["10.0.0.2", "10.0.0.4"]);
		assert.deepEqual(addressesOf(4, ["10.0.0.7", "10.0.0.4-10.0.0.5"], 3), ["10.0.0.7", "10.0.0.4", "10.0.0.5"]);
	});

	it("are written in one way, whatever way they were read in", () => {
		fc.assert(
			fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
				const address = parseAddress(text)!;
				const written = formatAddress(address);
				assert.deepEqual(parseAddress(written), address);
				assert.equal(formatAddress(parseAddress(text.toUpperCase())!), written);
			}),
		);
		const ways = ["FD00:0:0::0010", "fd00::10", "fd00:0000:0000:0000:0000:0000:0000:0010", "fd00::0.0.0.16"];
		assert.deepEqual(new Set(ways.map((text) => formatAddress(parseAddress(text)!))), new Set(["fd00::10"]));
		for (const text of ["fe80::1%eth0", "10.0.0", "10.0.0.010", "::g", ""]) assert.equal(parseAddress(text), undefined);
	});

	it("are as many as the network has room for, each in it, and never twice the same", () => {
		const network = fc.tuple(fc.ipV4(), fc.integer({ min: 23, max: 30 })).map((parts) => parts.join("/"));
		fc.assert(
			fc.property(network, (text) => {
				const parsed = parseNetwork(text)!;
				const isGateway = parsed.address !== parsed.first && parsed.address !== parsed.last;
				const room = 2 ** (32 - parsed.prefix) - (isGateway ? 3 : 2);
				const addresses = addressesOf(4, [text], room);
				assert.equal(addresses.length, room);
				assert.ok(isUnique(addresses));
				for (const address of addresses.map((each) => parseAddress(each)!)) {
					assert.ok(isIn(parsed, address));
					assert.ok(![parsed.first, parsed.last, parsed.address].includes(address.value));
				}
				refuses(
					() => addressesOf(4, [text], room + 1),
					new RegExp(`has room for ${room} machines; count is ${room + 1}`),
				);
			}),
		);
	});

	it("are taken from the largest network without counting it", () => {
		assert.equal(addressesOf(6, ["fd00::/8"], 2)[1], "fd00::2");
	});

	it("are refused with what is wrong with the range", () => {
		refuses(() => addressesOf(4, ["10.0.0.9-10.0.0.5"], 1), /^ipv4\[0\]: .* ends before it starts/);
		refuses(
			() => addressesOf(4, ["10.0.0.0/24", "10.0.0.255-10.0.1.9"], 1),
			/^ipv4\[1\]: .* overlaps "10.0.0.0\/24" \(ipv4\[0\]\)/,
		);
		refuses(
			() => addressesOf(4, ["fd00::/64"], 1),
			/allowed is a range of IPv4 addresses such as 10\.0\.0\.10-10\.0\.0\.99/,
		);
		refuses(() => addressesOf(6, ["10.0.0.0/24"], 1), /allowed is a range of IPv6 addresses/);
		refuses(() => addressesOf(4, ["10.0.0.0/33"], 1), /allowed is a range of IPv4/);
		refuses(() => addressesOf(4, ["10.0.0.1-10.0.0.2-10.0.0.3"], 1), /allowed is a range of IPv4/);
		refuses(
			() => addressesOf(4, ["10.0.1.10-10.0.1.20"], 1, "ipv4", { network: "10.0.0.1/24" }),
			/^ipv4\[0\]: .*10\.0\.1\.10 and 10\.0\.1\.20 are not in 10\.0\.0\.1\/24: allowed are 10\.0\.0\.0 to 10\.0\.0\.255/,
		);
		refuses(
			() => addressesOf(4, ["10.0.0.5"], 1, "ipv4", { network: "10.0.0.1" }),
			/^ipv4Network: got "10.0.0.1"; allowed is/,
		);
		refuses(
			() => addressesOf(4, ["10.0.0.5"], 1, "ipv4", { leaveOut: ["fd00::1"] }),
			/^ipv4LeaveOut\[0\]: got "fd00::1"/,
		);
		refuses(() => addressesOf(4, ["10.0.0.1/31"], 3), /has room for 1 machines; count is 3/);
	});
});

describe("identities", () => {
	it("are put together from ranges", () => {
		const ranges = {
			count: 2,
			names: "web-{1}",
			macs: ["52:54:00:10:00:01"],
			ipv4: ["10.0.0.1/24"],
			ipv6: ["fd00::5"],
		};
		refuses(() => identitiesFromRanges(ranges), /^ipv6: .* has room for 1 machines; count is 2/);
		assert.deepEqual(identitiesFromRanges({ ...ranges, ipv6: ["fd00::/64"] }), [
			{ name: "web-1", mac: "52:54:00:10:00:01", ips: ["10.0.0.2", "fd00::1"] },
			{ name: "web-2", mac: "52:54:00:10:00:02", ips: ["10.0.0.3", "fd00::2"] },
		]);
		const licenceIds = ["CAD-1", "CAD-2", "for one more"];
		assert.deepEqual(
			identitiesFromRanges({ count: 2, names: "web-{1}", licenceIds }).map(({ licenceId }) => licenceId),
			["CAD-1", "CAD-2"],
		);
		refuses(
			() => identitiesFromRanges({ count: 4, names: "web-{1}", licenceIds }),
			/^licenceIds: got .*"for one more"\], which has 3; allowed is one for each identity, and count is 4/,
		);
		assert.deepEqual(identitiesFromRanges({ count: 1, names: "web-{1}" }), [{ name: "web-1", ips: [] }]);
		for (const count of [-1, 1.5, Number.NaN]) {
			refuses(() => identitiesFromRanges({ ...ranges, count }), /^count: got (-1|1\.5|NaN); allowed is a whole number/);
		}
	});

	it("are given one by one, and normalised", () => {
		const machineId = "0123456789ABCDEF0123456789ABCDEF";
		const given = {
			name: "Web-1",
			mac: "52-54-00-10-00-0A",
			ips: ["FD00::0A"],
			machineId,
			licenceId: "L",
			data: { rack: "7" },
		};
		assert.deepEqual(identitiesFromList([given]), [
			{
				name: "Web-1",
				mac: "52:54:00:10:00:0a",
				ips: ["fd00::a"],
				machineId: machineId.toLowerCase(),
				licenceId: "L",
				data: { rack: "7" },
			},
		]);
	});

	it("are refused when two have something in common, or one has something that cannot be", () => {
		const list =
			(...more: object[]) =>
			() =>
				identitiesFromList([{ name: "a", mac: "52:54:00:00:00:01", ips: ["10.0.0.1", "fd00::1"] }, ...(more as [])]);
		refuses(list({ name: "A" }), /^identities\[1\]\.name: got "A", which identities\[0\]\.name has already/);
		refuses(
			list({ name: "b", mac: "52:54:00:00:00:01" }),
			/^identities\[1\]\.mac: .* identities\[0\]\.mac has already/,
		);
		refuses(
			list({ name: "b", ips: ["fd00:0::1"] }),
			/^identities\[1\]\.ips\[0\]: got "fd00::1", which identities\[0\]\.ips\[1\] has/,
		);
		refuses(
			list({ name: "b", ips: ["10.0.0.2", "10.0.0.2"] }),
			/^identities\[1\]\.ips\[1\]: .* identities\[1\]\.ips\[0\] has/,
		);
		refuses(list({ name: "b.c" }), /^identities\[1\]\.name: got "b\.c"; allowed are letters/);
		refuses(list({ name: "" }), /^identities\[1\]\.name: got ""/);
		refuses(list({ name: "b", mac: "zz" }), /^identities\[1\]\.mac: got "zz"/);
		refuses(list({ name: "b", ips: ["10.0.0.2/24"] }), /^identities\[1\]\.ips\[0\]: .* an address without a prefix/);
		refuses(
			list({ name: "b", machineId: "0".repeat(32) }),
			/^identities\[1\]\.machineId: .* 32 hex digits that are not all zero/,
		);
		const machineId = newMachineId();
		refuses(
			list({ name: "b", machineId }, { name: "c", machineId }),
			/^identities\[2\]\.machineId: .* identities\[1\]\.machineId has/,
		);
		refuses(
			list({ name: "b", licenceId: "L" }, { name: "c", licenceId: "L" }),
			/^identities\[2\]\.licenceId: got "L", which identities\[1\]\.licenceId has already/,
		);
		refuses(list({ name: "b", licenceId: "L " }), /^identities\[1\]\.licenceId: got "L "; allowed are 256 ASCII/);
	});

	it("get machine-ids that systemd would have made", () => {
		const ids = Array.from({ length: 100 }, newMachineId);
		assert.ok(isUnique(ids));
		for (const id of ids) assert.match(id, /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
	});
});
