import assert from "node:assert/strict";
import { rules } from "../../../provider/domain/rules";
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
		it(`is told by ${JSON.stringify(given)}`, () =>
			assert.deepEqual(wayTo({ name: "m", ...given }), { peerUri, migrateUri }));
	}

	for (const peerUri of ["qemu+ssh://b/system", "qemu+unix:///system?socket=/run/to-b/libvirt.sock"]) {
		it(`is by sockets named after the machine, to ${peerUri}`, () => {
			const migration = { peerUri, socketFolder: "/run/to-b/" };
			assert.deepEqual(wayTo({ uri: "qemu:///system", name: "my-web", migration }), {
				peerUri,
				migrateUri: "unix:///run/to-b/my-web.sock",
				disksUri: "unix:///run/to-b/my-web.disks.sock",
			});
		});
	}

	it("is not by sockets to the present host itself, nor by paths that are too long for one", () => {
		const to = (uri: string, socketFolder: string, name: string) => () =>
			wayTo({ uri, name, migration: { socketFolder } });
		for (const uri of ["qemu:///system", "qemu+unix:///system", "qemu+unix:///system?mode=direct"]) {
			assert.throws(
				to(uri, "/run/to-b", "m"),
				/got qemu.* is that itself; allowed with socketFolder is a URI with a host/,
			);
		}
		const [fits, long] = [90, 91].map((length) => "m".repeat(length - "/t/.disks.sock".length + 17));
		assert.match(to("qemu+ssh://b/system", "/t", fits!)().disksUri!, /\.disks\.sock$/);
		assert.throws(to("qemu+ssh://b/system", "/t", long!), /got \/t, .* 108 bytes; allowed are 107/);
	});

	for (const uri of ["qemu:///system", "qemu+unix:///system?socket=/x"]) {
		it(`is not told by ${uri}`, () => {
			assert.throws(
				() => wayTo({ uri, name: "m" }),
				(error) => error instanceof InputError && error.property === "migration.peerUri" && error.message.includes(uri),
			);
			assert.throws(() => wayTo({ uri: "qemu+ssh://b/system", name: "m", migration: { peerUri: uri } }), /got qemu/);
		});
	}

	const bad: Array<[unknown, RegExp]> = [
		["b", /^migration: got "b"/],
		[{ peerUri: "b" }, /^migration.peerUri: got "b"; allowed is a libvirt URI/],
		[{ peerUri: 5 }, /^migration.peerUri: got 5/],
		[{ address: "b:49152/x" }, /^migration.address: got .*allowed is a host name or an address/],
		[{ address: "" }, /^migration.address: got ""/],
		[{ address: 5 }, /^migration.address: got 5/],
		[{ socketFolder: "run/to-b" }, /^migration.socketFolder: got "run\/to-b"; allowed is an absolute path/],
		[{ socketFolder: "/run/to-b", tls: true }, /^migration.socketFolder: got \/run\/to-b with tls, /],
		[{ socketFolder: "/run/to-b", address: "b" }, /^migration.socketFolder: got \/run\/to-b with address, /],
		[{ mode: "saveRestore", whenLacking: "adapt" }, /^migration.whenLacking: got "adapt" with mode "saveRestore"/],
		[{ port: 5 }, /^migration.port: there is no such property/],
	];
	for (const [migration, complaint] of bad) {
		it(`is refused as ${JSON.stringify(migration)}`, () => {
			const { problems } = validate(domainSchema, { ...common, name: "m", migration }, rules);
			assert.match(problems.map(({ property, message }) => `${property}: ${message}`).join(), complaint);
		});
	}
});
