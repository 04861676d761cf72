import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addingLine, linking, placingScript, removingLine } from "../../../provider/init/inject/agent";
import { hasOwnUsr, mountPoints } from "../../../provider/init/inject/guest";
import { guestfishEnvironment, guestfishObstacle, quoted } from "../../../provider/init/inject/guestfish";
import { formerlyPlaced, NOTHING, placedOf } from "../../../provider/init/inject/placed";
import { seedOf } from "../../../provider/init/inject/seed";
import { injectedContentId, injectedOf, injectedSchema, payloadOf, recordedOf } from "../../../provider/init/injected";
import { injection } from "../../../provider/init/injection/lifecycle";
import type { InjectionInputs } from "../../../provider/init/injection/schema";
import type { Payload } from "../../../provider/init/payload-type";
import { validate } from "../../../provider/problems";
import { quoted as shellWord } from "../../../provider/shell";
import { cloudInitSchema } from "../../../provider/volume/schema";

const payload: Payload = {
	files: [
		{ path: "/usr/lib/clones-init/run", mode: 0o755, content: Buffer.from("#!/bin/sh\n") },
		{ path: "/usr/lib/clones-init/plan/version", mode: 0o600, content: Buffer.from("a".repeat(64)) },
		{ path: "/etc/systemd/system/clones-init.service", mode: 0o644, content: Buffer.from([0, 255, 10]) },
	],
	links: [{ path: "/etc/systemd/system/sysinit.target.wants/clones-init.service", target: "../clones-init.service" }],
	lines: [{ path: "/etc/inittab", line: "::once:/usr/lib/clones-init/run schedule" }],
	version: "a".repeat(64),
};

describe("putting scripts into a disk", () => {
	it("writes guestfish's words so that it reads them back", () => {
		assert.equal(quoted("/plain path"), '"/plain path"');
		assert.equal(quoted('a"b\\c\nd\te\u0001'), '"a\\"b\\\\c\\nd\\te\\x01"');
	});

	it("makes libguestfs emulate where guests do not run under KVM, and leaves what the user has chosen", () => {
		assert.equal(guestfishEnvironment({}, false).LIBGUESTFS_BACKEND_SETTINGS, "force_tcg");
		assert.equal(guestfishEnvironment({}, true).LIBGUESTFS_BACKEND_SETTINGS, undefined);
		assert.equal(guestfishEnvironment({}, true).LIBGUESTFS_BACKEND, "direct");
		assert.equal(guestfishEnvironment({ LIBGUESTFS_BACKEND: "libvirt" }, true).LIBGUESTFS_BACKEND, "libvirt");
	});

	it("says which package is missing where there is no guestfish", async () => {
		const { PATH } = process.env;
		try {
			process.env.PATH = "/nowhere";
			assert.match((await guestfishObstacle()) ?? "", /not installed.*apt-get install guestfish/);
		} finally {
			process.env.PATH = PATH;
		}
	});

	it("mounts outer folders first", () => {
		const printed = "/boot/efi: /dev/sda15\n/: /dev/sda1\n/boot: /dev/sda16\n/home: btrfsvol:/dev/sdb/home";
		const folders = mountPoints(printed).map(({ folder, device }) => `${folder}=${device}`);
		assert.deepEqual(folders[0], "/=/dev/sda1");
		assert.ok(folders.indexOf("/boot=/dev/sda16") < folders.indexOf("/boot/efi=/dev/sda15"));
		assert.ok(folders.includes("/home=btrfsvol:/dev/sdb/home"));
	});

	it("sees where programs have a file system of their own", () => {
		for (const device of ["UUID=1-2", "/dev/vda2", "LABEL=usr"]) {
			assert.equal(hasOwnUsr(`# comment\n/dev/vda1 / ext4 rw 0 1\n${device}\t/usr  ext4 rw 0 2\n`), true, device);
		}
		for (const other of [
			"",
			"#/dev/vda2 /usr ext4 rw 0 2",
			"/dev/vda2 /usr/local ext4 rw 0 2",
			"/dev/vda2 /home ext4",
		]) {
			assert.equal(hasOwnUsr(other), false, other);
		}
		assert.equal(hasOwnUsr(undefined), false);
	});

	it("makes a link only where there is what it is for", () => {
		const folder = mkdtempSync(join(tmpdir(), "links-"));
		try {
			const path = join(folder, "a/link");
			const link = (where: string) => {
				const commands = linking({ path, target: "/target", where: join(folder, where) });
				execFileSync("sh", ["-euc", commands.join("\n")]);
			};
			link("nothing");
			assert.equal(existsSync(join(folder, "a")), false);
			writeFileSync(join(folder, "there"), "");
			link("there");
			assert.equal(readlinkSync(path), "/target");
		} finally {
			rmSync(folder, { recursive: true });
		}
	});

	it("knows what an earlier payload has placed beside its own folder", () => {
		const placed = placedOf(payload);
		const [unit, link] = [payload.files[2]!.path, payload.links[0]!.path];
		assert.deepEqual(formerlyPlaced(placed, payload), { paths: [], lines: [] });
		assert.deepEqual(formerlyPlaced(placed, { ...payload, links: [] }), { paths: [link], lines: [] });
		assert.deepEqual(formerlyPlaced(placed, NOTHING), { paths: [unit, link], lines: payload.lines });
		for (const record of ["nothing\n\n", undefined]) {
			assert.deepEqual(formerlyPlaced(record, payload), { paths: [], lines: [] });
		}
	});
});

describe("the input for scripts", () => {
	it("is recorded by its version alone, and remembered whole", () => {
		const input = injectedSchema.parse(JSON.parse(JSON.stringify(injectedOf(payload))));
		assert.deepEqual(recordedOf(input), { version: payload.version });
		assert.deepEqual(payloadOf({ version: payload.version }), payload);
		assert.throws(() => payloadOf({ version: "b".repeat(64) }), /version bbbbbbbb are not known to this process/);
	});

	it("tells images apart by base and version", () => {
		const [one, other] = ["a", "b"].map((digit) => ({ version: digit.repeat(64) }));
		assert.match(injectedContentId("sha256:1", one!), /^sha256:[0-9a-f]{64}$/);
		assert.notEqual(injectedContentId("sha256:1", one!), injectedContentId("sha256:1", other!));
		assert.notEqual(injectedContentId("sha256:1", one!), injectedContentId("sha256:2", one!));
	});

	it("takes lines only as lines, and paths only as such", () => {
		const packed = (more: Partial<Payload>) => injectedOf({ ...payload, ...more });
		const bad = [
			{ version: "x" },
			{ version: payload.version, packed: "cGFja2Vk" },
			packed({ lines: [{ path: "/a", line: "two\nlines" }] }),
			packed({ links: [{ path: "relative", target: "/a" }] }),
			packed({ files: [{ path: "/../a", mode: 0o644, content: Buffer.from("") }] }),
		];
		for (const input of bad) assert.equal(injectedSchema.safeParse(input).success, false, JSON.stringify(input));
	});
});

describe("scripts in a running machine", () => {
	let folder: string;
	before(() => {
		folder = mkdtempSync(join(tmpdir(), "inject-"));
	});
	after(() => rmSync(folder, { recursive: true }));

	it("adds a line once, also to a file that ends in the middle of one, and takes it out again", () => {
		const line = "it's a -line with $signs and \\backslashes";
		for (const text of ["", "one\n", "one", `${line}\n`, `x${line}\n`]) {
			const file = join(folder, "a 'file'");
			writeFileSync(file, text);
			for (let time = 0; time < 2; time++) execFileSync("sh", ["-euc", addingLine(file, line)]);
			const lines = readFileSync(file, "utf8").split("\n");
			assert.equal(lines.filter((each) => each === line).length, 1, text);
			assert.equal(lines.at(-1), "");
			const before = text.split("\n").filter((each) => each !== "");
			assert.deepEqual(lines.slice(0, before.length), before);
			for (let time = 0; time < 2; time++) execFileSync("sh", ["-euc", removingLine(file, line)]);
			const others = before.filter((each) => each !== line);
			assert.deepEqual(readFileSync(file, "utf8").split("\n"), [...others, ""], text);
		}
	});

	it("leaves a file alone that is not there", () => {
		execFileSync("sh", ["-euc", addingLine(join(folder, "absent"), "line")]);
		assert.throws(() => readFileSync(join(folder, "absent")));
	});

	it("places them by a script that a shell can read, the version last", () => {
		const script = placingScript(payload, { paths: ["/etc/it's gone"], lines: payload.lines });
		execFileSync("sh", ["-n"], { input: script });
		const lines = script.split("\n");
		const at = (part: string) => lines.findIndex((line) => line.includes(part));
		assert.ok(at("mv version") > at("ln -s"));
		assert.ok(at("mv version") > at("clones-init.service.clones-new"));
		assert.ok(lines.slice(at("ln -s"), at("mv version")).includes("sync"));
		assert.ok(script.includes(`rm -f ${shellWord("/etc/it's gone")}`));
	});
});

describe("scripts by cloud-init", () => {
	it("become files and commands of a seed that every clone can share", () => {
		const seed = cloudInitSchema.parse(seedOf(payload));
		assert.deepEqual(
			seed.files!.map(({ path, mode, content }) => ({ path, mode: Number.parseInt(mode, 8), content })),
			payload.files.map((file) => ({ ...file, content: file.content.toString("base64") })),
		);
		const { runcmd } = JSON.parse(seed.userData!.replace(/^#cloud-config\n/, "")) as { runcmd: string[] };
		for (const command of runcmd) execFileSync("sh", ["-n"], { input: command });
		assert.ok(runcmd.some((command) => command.includes(payload.links[0]!.target)));
		assert.ok(runcmd.some((command) => command.includes(payload.lines[0]!.line)));
		assert.deepEqual(
			runcmd.slice(-3).map((command) => command.split(" ").at(-1)),
			["early", "network", "late"],
		);
		assert.notEqual(seed.instanceId, seedOf({ ...payload, version: "b".repeat(64) }).instanceId);
	});
});

describe("scripts in what is there already", () => {
	const inputs = (more: Record<string, unknown>) => {
		const given = { uri: "test:///default", ownerId: "o/p/s/i", injected: injectedOf(payload), ...more };
		return validate(injection.schema, given, injection.rules, injection.sensitive);
	};

	it("go into exactly one volume or domain", () => {
		assert.deepEqual(inputs({ volume: "/v" }).problems, []);
		assert.deepEqual(inputs({ domain: "d" }).problems, []);
		for (const [more, got] of [
			[{}, "neither of them"],
			[{ volume: "/v", domain: "d" }, "volume and domain"],
		] as const) {
			const [problem] = inputs(more).problems;
			assert.equal(problem?.message, `got ${got}; allowed is exactly one of volume and domain`);
		}
	});

	it("are changed in place, and moved by a replacement", () => {
		const of = (more: Record<string, unknown>) => inputs(more).inputs;
		const told = (olds: InjectionInputs, news: InjectionInputs) =>
			injection.changes(olds, news).map(({ property, effect }) => `${property} ${effect}`);
		const other = { ...injectedOf(payload), version: "b".repeat(64) };
		assert.deepEqual(told(of({ volume: "/v" }), of({ volume: "/v", injected: { version: payload.version } })), []);
		assert.deepEqual(told(of({ volume: "/v" }), of({ volume: "/v", injected: other })), ["injected live"]);
		const access = (password: string) => of({ domain: "d", elevatedCredentials: { authFile: password } });
		assert.deepEqual(told(access("former"), access("new")), ["elevatedCredentials live"]);
		assert.deepEqual(told(access("former"), access("former")), []);
		assert.deepEqual(told(of({ volume: "/v" }), of({ volume: "/w" })), ["volume replace"]);
		assert.deepEqual(told(of({ volume: "/v" }), of({ domain: "d" })), ["volume replace", "domain replace"]);
	});
});
