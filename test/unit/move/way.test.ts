import assert from "node:assert/strict";
import { domainSchema } from "../../../provider/domain/schema";
import { InputError } from "../../../provider/lifecycle";
import { wayTo } from "../../../provider/move/way";
import { validate } from "../../../provider/problems";
import { common } from "../domain/inputs";

describe("the way to another host", () => {
	const ways: Array<[{ uri: string; migration?: object }, string, string]> = [
		[{ uri: "qemu+ssh://root@b/system" }, "qemu+ssh://root@b/system", "tcp://b"],
		[
			{ uri: "qemu+tls://b.example.com:16514/system?pkipath=/x" },
			"qemu+tls://b.example.com:16514/system?pkipath=/x",
			"tcp://b.example.com",
		],
		[
			{ uri: "qemu:///system", migration: { peerUri: "qemu+tcp://10.0.0.2/system" } },
			"qemu+tcp://10.0.0.2/system",
			"tcp://10.0.0.2",
		],
		[{ uri: "qemu+tcp://[fd00::2]/system" }, "qemu+tcp://[fd00::2]/system", "tcp://[fd00::2]"],
		[{ uri: "qemu+ssh://b/system", migration: { address: "10.0.0.2" } }, "qemu+ssh://b/system", "tcp://10.0.0.2"],
		[{ uri: "qemu+ssh://b/system", migration: { address: "fd00::2" } }, "qemu+ssh://b/system", "tcp://[fd00::2]"],
	];
	for (const [given, peerUri, migrateUri] of ways) {
		it(`is told by ${JSON.stringify(given)}`, () => assert.deepEqual(wayTo(given), { peerUri, migrateUri }));
	}

	for (const uri of ["qemu:///system", "qemu+unix:///system?socket=/x"]) {
		it(`is not told by ${uri}`, () => {
			assert.throws(
				() => wayTo({ uri }),
				(error) => error instanceof InputError && error.property === "migration.peerUri" && error.message.includes(uri),
			);
			assert.throws(() => wayTo({ uri: "qemu+ssh://b/system", migration: { peerUri: uri } }), /got qemu/);
		});
	}

	const bad: Array<[unknown, RegExp]> = [
		["b", /^migration: got "b"/],
		[{ peerUri: "b" }, /^migration.peerUri: got "b"; allowed is a libvirt URI/],
		[{ peerUri: 5 }, /^migration.peerUri: got 5/],
		[{ address: "b:49152/x" }, /^migration.address: got .*allowed is a host name or an address/],
		[{ address: "" }, /^migration.address: got ""/],
		[{ address: 5 }, /^migration.address: got 5/],
		[{ port: 5 }, /^migration.port: there is no such property/],
	];
	for (const [migration, complaint] of bad) {
		it(`is refused as ${JSON.stringify(migration)}`, () => {
			const { problems } = validate(domainSchema, { ...common, name: "m", migration }, []);
			assert.match(problems.map(({ property, message }) => `${property}: ${message}`).join(), complaint);
		});
	}
});
