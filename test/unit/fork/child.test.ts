import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { childDefinition, derivedDefinition, fitsInto, parentDefinition } from "../../../provider/fork/definition";
import { identityText } from "../../../provider/fork/guest";
import { verify, verifyAddress } from "../../../provider/fork/verify";
import { attribute, child, children, parse, text } from "../../../provider/xml/element";

const KEY = { type: "ed25519" as const, privateKey: "PRIVATE", publicKey: "ssh-ed25519 AAAAC3Nz blue" };
const KEY_FILE = "/etc/ssh/ssh_host_ed25519_key";
const KEY_HASH = createHash("sha256").update(Buffer.from("AAAAC3Nz", "base64")).digest("hex");

describe("what a forked child says", () => {
	const said = (more: object = {}) => ({
		hostname: "blue",
		machineId: "0".repeat(32),
		hostKeys: [KEY_HASH],
		random: "a1".repeat(32),
		clockOffsetSeconds: 0.1,
		...more,
	});
	const wanted = { hostname: "blue", machineId: "0".repeat(32), hostKeys: [KEY] };

	it("is taken when it is what it was to be", () => verify(said(), wanted, undefined));

	for (const [what, more, complaint] of [
		["another host name", { hostname: "warm" }, /its host name is "warm" instead of blue/],
		["another machine-id", { machineId: "f" }, /its machine-id is "f" instead of 0{32}/],
		["the parent's host key", { hostKeys: ["aa"] }, /it does not have its ed25519 host key/],
		["a host key too many", { hostKeys: [KEY_HASH, "aa"] }, /ssh host keys that are not its own/],
		["a clock that is wrong", { clockOffsetSeconds: -3600 }, /its clock is -3600 s off/],
		["nothing of its random device", { random: "" }, /its random device gave ""/],
	] as const) {
		it(`is refused with ${what}`, () => assert.throws(() => verify(said(more), wanted, undefined), complaint));
	}

	it("is refused with another child's random numbers", () => {
		assert.throws(() => verify(said(), wanted, "green"), /its random device gives what that of green gave/);
	});
});

describe("the address of a forked child", () => {
	it("is one of those of its identity, however it is written", () => {
		verifyAddress(["10.0.0.7/24"], ["10.0.0.7"]);
		verifyAddress(["fd00::3/64", "10.0.0.9/24"], ["10.0.0.7", "fd00:0::0003"]);
	});

	it("may be any where its identity has none", () => verifyAddress(["10.0.0.7/24"], []));

	it("is refused with both addresses, and how a network gives it its own", () => {
		assert.throws(
			() => verifyAddress(["10.0.0.77/24"], ["10.0.0.7"]),
			/its address is 10\.0\.0\.77\/24 instead of 10\.0\.0\.7, which its identity has\. .*dhcp: \{ hosts: identities \}/,
		);
		assert.throws(() => verifyAddress([], ["10.0.0.7", "10.0.0.8"]), /is none instead of 10\.0\.0\.7 or 10\.0\.0\.8/);
	});
});

describe("what a forked child is told", () => {
	it("is a line for each part, and which files are put", () => {
		const identity = {
			hostname: "blue",
			machineId: "0".repeat(32),
			hostKeys: [KEY],
			files: [
				{ path: "/etc/a b", content: "AAE=", mode: "0600", encoding: "base64" as const },
				{ path: "/etc/c", content: "it's\n'$(reboot)'\n", mode: "644", encoding: "text" as const },
				{ path: "/etc/d", content: "\0", mode: "0644", encoding: "text" as const },
			],
		};
		const { paths, input } = identityText(identity);
		assert.deepEqual(paths, [KEY_FILE, `${KEY_FILE}.pub`, "/etc/a b", "/etc/c", "/etc/d"]);
		const lines = input.trimEnd().split("\n");
		assert.deepEqual(lines.slice(0, 5), [
			"named 'blue'",
			`numbered '${"0".repeat(32)}'`,
			`put '0600' '${KEY_FILE}' 'PRIVATE'`,
			`put '0644' '${KEY_FILE}.pub' '${KEY.publicKey}'`,
			"put64 '0600' '/etc/a b' 'AAE='",
		]);
		const shell = `put() { printf "%s|" "$@"; }; put64() { put "$@"; }; ${lines.slice(5).join("\n")}`;
		assert.equal(
			execFileSync("sh", ["-c", shell], { encoding: "utf8" }),
			"0644|/etc/c|it's\n'$(reboot)'\n|0644|/etc/d|AA==|",
		);
	});
});

describe("definitions around a fork", () => {
	const PARENT = `<domain type="qemu"><name>warm</name><uuid>p</uuid><metadata><a/></metadata><devices>
		<disk><source file="/p/warm, new.qcow2"/><target dev="vda"/><readonly/></disk>
		<controller type="pci" index="0" model="pcie-root"/><controller type="pci" index="1" model="pcie-root-port"/>
		<interface type="network"><mac address="52:54:00:00:00:01"/></interface>
		<serial type="pty"><log file="/warm.log"/></serial><console type="pty"/></devices></domain>`;
	const CHILD = `<domain type="qemu"><name>blue</name><uuid>c</uuid><metadata><b/></metadata><devices>
		<disk><source file="/p/blue.qcow2"/><target dev="vda"/></disk><disk><source file="/p/data"/></disk>
		<interface type="network"><mac address="52:54:00:00:00:02"/></interface><serial type="pty"/></devices></domain>`;
	const memory = { path: "/p/memory,1", memoryMiB: 128 };
	const argumentsOf = (root: ReturnType<typeof parse>) =>
		children(child(root, "qemu:commandline")).map((item) => attribute(item, "", "value"));

	it("give a child its parent's hardware with a name, disk and memory of its own, and no network", () => {
		const root = childDefinition(parse(PARENT), parse(CHILD), memory, "private");
		assert.deepEqual([text(root, "name"), text(root, "uuid")], ["blue", "c"]);
		const devices = child(root, "devices")!;
		assert.deepEqual(
			children(devices).map(({ tagName }) => tagName),
			["disk", "controller", "controller", "serial"],
		);
		assert.equal(attribute(devices, "disk/source", "file"), "/p/blue.qcow2");
		assert.equal(child(devices, "disk/readonly"), undefined);
		assert.equal(child(devices, "serial/log"), undefined);
		assert.deepEqual(argumentsOf(root), [
			"-object",
			"memory-backend-file,id=fork-memory,size=128M,mem-path=/p/memory,,1,share=off",
			"-machine",
			"memory-backend=fork-memory",
			"-incoming",
			"defer",
		]);
	});

	it("open the memory for reading alone where QEMU can", () => {
		const [, object] = argumentsOf(childDefinition(parse(PARENT), parse(CHILD), memory, "private-read-only"));
		assert.match(object!, /,share=off,readonly=on,rom=off$/);
	});

	it("let a parent write its memory to the file", () => {
		assert.match(argumentsOf(parentDefinition(parse(PARENT), memory))[1]!, /,share=on$/);
	});

	it("give a derived parent a disk that it can write to", () => {
		const root = derivedDefinition(parse(PARENT), { name: "warmer", uuid: "d", disk: "/p/warmer.qcow2" });
		assert.deepEqual([text(root, "name"), text(root, "uuid")], ["warmer", "d"]);
		assert.equal(attribute(root, "devices/disk/source", "file"), "/p/warmer.qcow2");
		assert.equal(child(root, "devices/disk/readonly"), undefined);
	});

	it("tell whether a device has its port", () => {
		const at = (bus: string) => parse(`<interface><address type="pci" bus="${bus}"/></interface>`);
		assert.equal(fitsInto(at("0x01"), parse(PARENT)), true);
		assert.equal(fitsInto(at("0x02"), parse(PARENT)), false);
	});
});
