import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { givenMac, givenText, givenUuid } from "../../../provider/init/given-ids";
import {
	hashOf,
	hexOf,
	identifierText,
	instanceOf,
	normalForm,
	parseIdentifier,
	possibleForms,
} from "../../../provider/init/identifiers";
import { tpmId } from "../../../provider/init/tpm";
import { InputError } from "../../../provider/lifecycle";
import { stackTag } from "../../../provider/owner";

const OWNER = "org/project/dev/web";

function refuses(work: () => unknown, cause: RegExp): void {
	assert.throws(work, (error: unknown) => {
		assert.ok(error instanceof InputError, String(error));
		assert.match(`${error.property}: ${error.message}`, cause);
		return true;
	});
}

describe("identifiers of hardware", () => {
	it("are written in full in the guest", () => {
		const texts = ["mac", "mac 3", "uuid", "serial", "oem clone=", "disk-serial", "disk-serial 12", "tpm"];
		assert.deepEqual(
			texts.map((text) => identifierText(parseIdentifier(text))),
			["mac 0", "mac 3", "uuid", "serial", "oem clone=", "disk-serial 0", "disk-serial 12", "tpm"],
		);
	});

	it("are refused with those that there are", () => {
		const bad = [
			"",
			"MAC",
			"mac -1",
			"mac 01",
			"mac 100",
			"mac 1 2",
			"mac ",
			"uuid 0",
			"oem",
			"oem a b",
			"oem é",
			"disk",
		];
		for (const text of [...bad, "constructor", `oem ${"x".repeat(65)}`]) {
			refuses(
				() => parseIdentifier(text, "identifier[1]"),
				/^identifier\[1\]: got ".*"; allowed are mac, mac N, uuid, /,
			);
		}
	});

	it("have one form of each id", () => {
		assert.equal(normalForm("mac", "52-54-00-AA-00-01"), "52:54:00:aa:00:01");
		assert.equal(normalForm("uuid", "6F9619FF-8B86-8011-8FA3-00C0FFEE0102"), "6f9619ff-8b86-8011-8fa3-00c0ffee0102");
		assert.equal(normalForm("serial", "Web 1 "), "Web 1 ");
		assert.deepEqual(possibleForms("52-54-00-AA-00-01/Web"), ["52-54-00-AA-00-01/Web", "52:54:00:aa:00:01/Web"]);
		assert.deepEqual(possibleForms("web-1"), ["web-1"]);
	});

	it("refuse what no machine has", () => {
		refuses(() => normalForm("mac", "52:54"), /^mac: got "52:54"; allowed is six pairs of hex digits with colons/);
		refuses(() => normalForm("uuid", "1", "machines[0]"), /^machines\[0\]: got "1"; allowed is a UUID/);
		refuses(() => normalForm("tpm", "ab"), /^tpm: got "ab"; allowed is 64 hex digits/);
		for (const serial of ["", "a\nb", "\ud800", "é".repeat(128)]) {
			refuses(
				() => normalForm("serial", serial),
				/^serial: got ".*; allowed is text of 1 to 255 bytes without control/,
			);
		}
	});

	it("carry the number of the machine", () => {
		assert.equal(instanceOf("mac", "52:54:00:aa:01:02"), 0x0102);
		assert.equal(instanceOf("uuid", "6f9619ff-8b86-8011-8fa3-00c0ffee0102"), 0xffee0102);
		const serials = ["web-12", "007", "0", "1b2", "web", "12 ", "x000999999999999999", "1000000000000000"];
		assert.deepEqual(
			serials.map((serial) => instanceOf("serial", serial)),
			[12, 7, 0, 2, undefined, undefined, 999_999_999_999_999, undefined],
		);
		assert.equal(instanceOf("tpm", "1".repeat(64)), undefined);
	});

	it("have bytes if they are written in hex", () => {
		assert.equal(hexOf("mac", "52:54:00:aa:01:02"), "525400aa0102");
		assert.equal(hexOf("uuid", "6f9619ff-8b86-8011-8fa3-00c0ffee0102"), "6f9619ff8b8680118fa300c0ffee0102");
		assert.equal(hexOf("serial", "abcdef"), undefined);
	});

	it("are told apart by their SHA-256", () => {
		assert.equal(hashOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	});
});

describe("ids given to clones", () => {
	it("carry the clone's number, and nothing else that differs between the clones", () => {
		for (const n of [0, 1, 255, 256, 65_535]) {
			const mac = givenMac(OWNER, n);
			const uuid = givenUuid(OWNER, n);
			assert.match(mac, /^52:54(:[0-9a-f]{2}){4}$/);
			assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
			assert.ok(uuid.startsWith(stackTag(OWNER)));
			assert.equal(instanceOf("mac", mac), n);
			assert.equal(instanceOf("uuid", uuid), n);
			for (const kind of ["serial", "oem", "disk-serial"] as const) {
				assert.equal(instanceOf(kind, givenText(kind, "web", n)), n);
			}
			assert.equal(mac.slice(0, 11), givenMac(OWNER, 7).slice(0, 11));
			assert.equal(uuid.slice(0, 28), givenUuid(OWNER, 7).slice(0, 28));
		}
		assert.equal(instanceOf("uuid", givenUuid(OWNER, 0xffff_ffff)), 0xffff_ffff);
	});

	it("are those of one component, and of one NIC", () => {
		const macs = [givenMac(OWNER, 1), givenMac(OWNER, 1, 1), givenMac(`${OWNER}2`, 1)];
		assert.equal(new Set(macs).size, macs.length);
		assert.notEqual(givenUuid(OWNER, 1), givenUuid(`${OWNER}2`, 1));
	});

	it("are refused for numbers that they cannot carry", () => {
		refuses(
			() => givenMac(OWNER, 65_536),
			/^identifier: got mac for instance 65536; allowed are instances from 0 to 65535/,
		);
		refuses(() => givenUuid(OWNER, 2 ** 32), /got uuid for instance 4294967296; .* 0 to 4294967295/);
		refuses(() => givenUuid(OWNER, -1, "instances"), /^instances: got uuid for instance -1/);
	});

	it("are refused where a disk would cut off their end", () => {
		assert.equal(givenText("disk-serial", "x".repeat(17), 10), `${"x".repeat(17)}-10`);
		refuses(
			() => givenText("disk-serial", "x".repeat(17), 100),
			/^name: got "x{17}", which gives the disk serial "x{17}-100"; allowed are serials of at most 20 bytes: give a shorter/,
		);
		assert.equal(givenText("serial", "x".repeat(30), 1), `${"x".repeat(30)}-1`);
	});

	it("of a TPM are known from a key of the kind that TPMs have", () => {
		const pem = (bits: number, exponent = 65_537) =>
			generateKeyPairSync("rsa", { modulusLength: bits, publicExponent: exponent }).publicKey.export({
				type: "spki",
				format: "pem",
			}) as string;
		const [one, other] = [pem(2048), pem(2048)];
		assert.match(tpmId(one), /^[0-9a-f]{64}$/);
		assert.equal(tpmId(one), tpmId(`${one}\n`));
		assert.notEqual(tpmId(one), tpmId(other));
		for (const wrong of [pem(1024), pem(2048, 3), "", "-----BEGIN CERTIFICATE-----\n"]) {
			refuses(
				() => tpmId(wrong),
				/^endorsementKey: got .*; allowed is the certificate or the public key of a TPM in PEM/s,
			);
		}
	});
});
