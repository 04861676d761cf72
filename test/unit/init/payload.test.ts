import assert from "node:assert/strict";
import { appendFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scriptOf } from "../../../provider/init/library";
import type { PayloadDescription } from "../../../provider/init/payload";
import type { Payload } from "../../../provider/init/payload-type";
import { parseReport } from "../../../provider/init/report";
import { repository } from "../../../tools/pulumi/project";
import { payloadFor } from "./world";

type Script = PayloadDescription["scripts"][number];

const script = (name: string, more: Partial<Script> = {}): Script => ({
	kind: "init",
	name,
	content: `#!/bin/sh\necho ${name}\n`,
	...more,
});

const text = ({ files }: Payload, path: string) =>
	files.find((file) => file.path === `/usr/lib/clones-init/${path}`)?.content.toString();

describe("the payload of an image", () => {
	it("is the same for the same description, and another one for anything that is changed", async () => {
		const description = { parameters: { name: "web-{instance}" }, scripts: [script("one"), script("two")] };
		const first = await payloadFor(description);
		assert.deepEqual(await payloadFor(description), first);
		assert.match(first.version, /^[0-9a-f]{64}$/);
		const others = [
			{ ...description, parameters: { name: "db-{instance}" } },
			{ ...description, scripts: [script("two"), script("one")] },
			{ ...description, scripts: [script("one"), script("two", { stage: "early" as const })] },
			{ ...description, identifier: ["uuid"] },
			{ ...description, notOn: { uuid: "00112233-4455-6677-8899-aabbccddeeff" } },
			{ ...description, policy: { reboot: "rerun" as const } },
		];
		const versions = await Promise.all(others.map(async (other) => (await payloadFor(other)).version));
		assert.equal(new Set([first.version, ...versions]).size, others.length + 1);
	});

	it("is the same version with other programs and library scripts of this package, which are no other scripts", async () => {
		const programs = await mkdtemp(join(tmpdir(), "clones-programs-"));
		try {
			await cp(join(repository, "guest/init"), programs, { recursive: true });
			await appendFile(join(programs, "parts/report"), "# of a later version\n");
			const { files, version } = await payloadFor({ scripts: [script("one")] });
			const later = await payloadFor({ scripts: [script("one")] }, programs);
			assert.notDeepEqual(later.files, files);
			assert.equal(later.version, version);
		} finally {
			await rm(programs, { recursive: true });
		}
		const ready = (name: string, text: string) => {
			const { content, source } = scriptOf("file", { path: "/etc/motd", content: text });
			return payloadFor({ scripts: [script("motd", { content: `${content}${name}\n`, source })] });
		};
		const [now, later, other] = await Promise.all([ready("now", "a="), ready("later", "a="), ready("now", "b=")]);
		assert.notEqual(text(now, "plan/scripts/01-motd/script"), text(later, "plan/scripts/01-motd/script"));
		const settings = "plan/scripts/01-motd/settings";
		assert.equal(text(now, settings), text(later, settings));
		assert.equal(now.version, later.version);
		assert.notEqual(now.version, other.version);
	});

	it("has the version that it had before for what it was made of before", async () => {
		const { content, source } = scriptOf("hostname", { name: "web-{instance + 1:02}" });
		const { version } = await payloadFor({
			parameters: {
				role: { table: { "0": "leader", "52:54:00:10:00:07": "spare" }, default: "worker" },
				zone: { list: ["a", "b"] },
				size: { ranges: [{ from: 0, to: 9, value: "small-{byte(-1):02x}" }], default: "large" },
				"hostname-name": "web-{instance + 1:02}",
			},
			secretParameters: ["role"],
			notOn: { uuid: "00112233-4455-6677-8899-aabbccddeeff" },
			scripts: [
				script("hostname", { content, source, stage: "early" }),
				script("role", { arguments: ["role"], onlyOn: { instanceIds: { from: 1 }, arch: "x86_64" } }),
				script("tick", { kind: "customize", when: { dailyAt: "03:00" }, identifier: ["uuid"], secret: true }),
			],
		});
		// Another one replaces clones where `onScriptChange` says so: an upgrade of this package must not.
		assert.equal(version, "418bf0da1097e0c2a5701db629cb73054a6dc23d70fac47291e2258269234392");
	});

	it("keeps what nobody else is to read from others, and the source's ids from all", async () => {
		const payload = await payloadFor({ scripts: [script("one")], notOn: { "mac 2": "52:54:00:00:00:01" } });
		for (const { path, mode } of payload.files) {
			if (path.includes("/plan/")) assert.equal(mode & 0o077, 0, path);
		}
		assert.equal(payload.files.find(({ path }) => path.endsWith("01-one/script"))?.mode, 0o700);
		assert.match(text(payload, "plan/not-on") ?? "", /^mac [0-9a-f]{64}\n$/);
		assert.ok(payload.files.every(({ content }) => !content.includes("52:54:00:00:00:01")));
	});

	it("has units and lines for the stages that are used", async () => {
		const units = ({ links }: Payload) => links.map(({ path }) => path.replace("/etc/systemd/system/", ""));
		const payload = await payloadFor({
			scripts: [
				script("one", { stage: "network" }),
				script("two", { when: { program: "sshd.service" } }),
				script("three", { when: { afterSeconds: 5 } }),
			],
		});
		assert.deepEqual(units(payload), [
			"multi-user.target.wants/clones-init-early.service",
			"multi-user.target.wants/clones-init-network.service",
			"multi-user.target.wants/clones-init-late.service",
			"sshd.service.wants/clones-init-02.service",
			"/etc/rcS.d/S36clones-init-early",
			"/etc/runlevels/sysinit/clones-init-early",
		]);
		assert.deepEqual(
			payload.lines.map(({ path, line }) => `${path} ${line}`),
			[
				"/etc/inittab ::sysinit:/usr/lib/clones-init/run boot early",
				"/etc/inittab ::once:/usr/lib/clones-init/run boot network late",
				"/etc/init.d/.depend.boot clones-init-early: mountall.sh",
				"/etc/init.d/.depend.boot networking: clones-init-early",
			],
		);
		assert.deepEqual(units(await payloadFor({ scripts: [script("one")] })), [
			"multi-user.target.wants/clones-init-late.service",
			"/etc/rcS.d/S36clones-init-late",
			"/etc/runlevels/sysinit/clones-init-late",
		]);
	});

	it("has a script for all stages where rc runs scripts, which nothing but a start runs", async () => {
		const rc = async (...stages: Array<Script["stage"]>) => {
			const scripts = stages.map((stage, index) => script(`s${index}`, { stage }));
			const { files } = await payloadFor({ scripts });
			const [file] = files.filter(({ path }) => path.startsWith("/etc/init.d/"));
			return file?.content.toString().split("\n").slice(10).join("\n");
		};
		const start = '[ "$1" = start ] || exit 0\n';
		const early = "/usr/lib/clones-init/run boot early\n";
		const later = (names: string) =>
			`setsid /usr/lib/clones-init/run boot ${names} < /dev/null > /dev/console 2>&1 &\n`;
		assert.equal(await rc("early"), `${start}${early}exit 0\n`);
		assert.equal(await rc("early", "late", "network"), `${start}${early}${later("network late")}exit 0\n`);
		assert.equal(await rc("late"), `${start}${later("late")}exit 0\n`);
	});

	const refusals: Array<[string, Parameters<typeof payloadFor>[0], RegExp]> = [
		[
			"a script without an interpreter",
			{ scripts: [script("a", { content: "echo hi\n" })] },
			/scripts\[0\]\.content: got "echo hi.*first line names its interpreter/s,
		],
		[
			"one of over 256 KiB",
			{ scripts: [script("a", { content: `#!/bin/sh\n${"é".repeat(140_000)}` })] },
			/allowed are at most 256 KiB/,
		],
		["one with zero bytes", { scripts: [script("a", { content: "#!/bin/sh\n\0" })] }, /without zero bytes/],
		[
			"a name with a slash",
			{ scripts: [script("a/b")] },
			/scripts\[0\]\.name: got "a\/b"; allowed are 1 to 40 lower-case/,
		],
		["the same name twice", { scripts: [script("a"), script("a", { kind: "cleanup" })] }, /got two scripts named "a"/],
		[
			"after what is not there",
			{ scripts: [script("a"), script("b", { kind: "customize", after: "c" })] },
			/b: after: got "c"; allowed are names of scripts of init and customize: a/,
		],
		[
			"after what cleans up",
			{ scripts: [script("a", { kind: "cleanup" }), script("b", { kind: "customize", after: "a" })] },
			/b: after: got "a"; .*there are none/,
		],
		[
			"after in an init script",
			{ scripts: [script("a"), script("b", { after: "a" })] },
			/b: after: got "a"; allowed is it for customize only/,
		],
		[
			"after in a circle",
			{ scripts: [script("a", { kind: "customize", after: "b" }), script("b", { kind: "customize", after: "a" })] },
			/got a, b after each other in a circle/,
		],
		[
			"two schedules for one",
			{ scripts: [script("a", { when: { everyBoot: true, dailyAt: "03:00" } })] },
			/scripts\[0\]\.when: .*allowed is one of everyBoot, afterSeconds/,
		],
		[
			"an unknown schedule",
			{ scripts: [script("a", { when: { hourly: true } as object })] },
			/scripts\[0\]\.when\.hourly: /,
		],
		[
			"no time of the day",
			{ scripts: [script("a", { when: { dailyAt: "24:00" } })] },
			/dailyAt: got "24:00"; allowed is a time from 00:00 to 23:59/,
		],
		[
			"a port out of range",
			{ scripts: [script("a", { when: { datagram: { port: 70_000 } } })] },
			/datagram\.port: got 70000; allowed .*65.?535/,
		],
		["a delay of nothing", { scripts: [script("a", { when: { afterSeconds: 0 } })] }, /afterSeconds: got 0/],
		[
			"a program with spaces",
			{ scripts: [script("a", { when: { program: "/bin/a b" } })] },
			/program: got "\/bin\/a b"; allowed is the absolute path/,
		],
		["a time limit of a week", { scripts: [script("a", { timeoutSeconds: 604_800 })] }, /timeoutSeconds: got 604800/],
		[
			"an argument that is no parameter",
			{ parameters: { name: "x" }, scripts: [script("a", { arguments: ["nme"] })] },
			/a: arguments: got "nme"; allowed are names of parameters: name/,
		],
		[
			"an identifier that is none",
			{ identifier: ["imei"], scripts: [script("a")] },
			/identifier\[0\]: got "imei"; allowed are /,
		],
		[
			"a firmware that is none",
			{ scripts: [script("a", { onlyOn: { firmware: "coreboot" as "bios" } })] },
			/firmware: got "coreboot"; allowed are .*bios.*uefi/,
		],
		[
			"removal before a later schedule",
			{ afterwards: "remove", scripts: [script("a", { when: { dailyAt: "03:00" } })] },
			/got "remove", and a runs daily 03:00; allowed .* is keep/,
		],
		["too many scripts", { scripts: Array.from({ length: 100 }, (_, index) => script(`s${index}`)) }, /99/],
	];
	for (const [what, description, message] of refusals) {
		it(`is refused with ${what}`, () => assert.rejects(payloadFor(description), { name: "InputError", message }));
	}
});

describe("a guest's report", () => {
	it("that is none is refused", () => {
		assert.throws(() => parseReport(""), /begins with "" instead of "format 1"/);
		assert.throws(() => parseReport("sh: run: not found\n"), /begins with "sh: run: not found/);
		assert.throws(() => parseReport("format 1\nversion x\nstatus odd\n"), /status is "odd"; known are waiting, /);
	});
});
