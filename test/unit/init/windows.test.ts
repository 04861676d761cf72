import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { IDENTIFIER_KINDS } from "../../../provider/init/identifiers";
import { injectedOf, payloadOf, recordedOf } from "../../../provider/init/injected";
import { scriptOf } from "../../../provider/init/library";
import type { PayloadDescription } from "../../../provider/init/payload";
import type { Payload } from "../../../provider/init/payload-type";
import { child, children, type Element, parse } from "../../../provider/xml/element";
import { repository } from "../../../tools/pulumi/project";
import { powershellReader, type Script } from "./powershell";
import { payloadFor } from "./world";

const PROGRAMS = join(repository, "guest/windows");
const NAMES = readdirSync(PROGRAMS).sort();

type Given = PayloadDescription["scripts"][number];

const script = (name: string, more: Partial<Given> = {}): Given => ({
	kind: "init",
	name,
	content: `#ps1\nWrite-Output ${name}\n`,
	onlyOn: { os: "windows" },
	...more,
});

const text = ({ files }: Payload, name: string) =>
	files.find(({ path }) => path === `/ProgramData/clones-init/${name}`)?.content.toString();

/** What Windows PowerShell 5.1 and Windows bring, of which the programs have something. */
const BROUGHT = [
	..."foreach-object get-childitem get-ciminstance get-content get-date get-netadapter get-netadapterhardwareinfo".split(
		" ",
	),
	..."get-netroute get-scheduledtask join-path new-item new-object out-null register-scheduledtask remove-item".split(
		" ",
	),
	..."select-object set-content sort-object start-sleep test-path unregister-scheduledtask where-object".split(" "),
	..."icacls.exe taskkill.exe".split(" "),
];

describe("the programs for Windows, which are read by a parser and were never run", function () {
	// The parser is WebAssembly, which is compiled first.
	this.timeout(120_000);
	let read: (text: string) => Script;
	let programs: Map<string, { content: string; script: Script }>;

	before(async () => {
		read = await powershellReader();
		programs = new Map(
			NAMES.map((name) => {
				const content = readFileSync(join(PROGRAMS, name), "utf8");
				return [name, { content, script: read(content) }];
			}),
		);
	});

	const all = (key: "commands" | "functions" | "set" | "read") =>
		new Set([...programs.values()].flatMap(({ script: { [key]: found } }) => [...found]));
	const table = (name: string) =>
		[...programs.values()].flatMap(({ script: { tables } }) => tables.get(name) ?? []).sort();

	it("are PowerShell, in ASCII", () => {
		assert.deepEqual(NAMES, ["hardware.ps1", "parameters.ps1", "run.ps1", "scripts.ps1"]);
		for (const [name, { content, script: found }] of programs) {
			assert.deepEqual(found.faults, [], name);
			assert.doesNotMatch(content, /[^\t\n -~]/, name);
		}
	});

	it("would be told from what is none", () => {
		for (const { content } of programs.values()) {
			assert.notDeepEqual(read(content.replace(/\}\s*$/, "")).faults, []);
			assert.notDeepEqual(read(content.replace(/(?<=\n[^#\n]*)\(/, "")).faults, []);
		}
	});

	it("call nothing that is not there, and have nothing that is not called", () => {
		const [commands, functions] = [all("commands"), all("functions")];
		assert.deepEqual([...commands].filter((name) => !functions.has(name)).sort(), [...BROUGHT].sort());
		assert.deepEqual(
			[...functions].filter((name) => !commands.has(name)),
			[],
		);
	});

	it("read no variable that nothing sets", () => {
		const set = all("set");
		assert.deepEqual(
			[...all("read")].filter((name) => !set.has(name)),
			[],
		);
		assert.ok(read("$one = 1; foreach ($two in $three) { $one }").read.has("three"));
	});

	it("know each instruction that parameters are compiled to, and no other", async () => {
		const { files } = await payloadFor({
			scripts: [script("one")],
			parameters: {
				arithmetic: "{-instance + 1 - 2 * 3 / (4 % 5)} {byte(-1):02x} {hash(7)} {id}{instance}",
				choices: `{instance == 1 ? "a" : "b"}{instance != 1 ? 1 : 2}{instance < 1 ? 1 : 2}{instance <= 1 ? 1 : 2}`,
				more: `{instance > 1 ? 1 : 2}{instance >= 1 ? 1 : 2}{id == "x" ? 1 : 2}{id != "x" ? 1 : 2}`,
				table: { table: { "1": "a", "52:54:00:10:00:07": "b" } },
				list: { list: ["a", "b"] },
				ranges: { ranges: [{ from: 1, to: 2, value: "a" }] },
			},
		});
		const lines = text({ files } as Payload, "plan/parameters")!.split("\n");
		const used = new Set(lines.map((line) => line.split(" ")[0]!).filter((word) => word !== ""));
		assert.deepEqual([...used].sort(), [...table("operations"), "parameter", "end"].sort());
	});

	it("know each kind of identifier but a TPM, and each condition of a script", async () => {
		assert.deepEqual(table("hardware"), IDENTIFIER_KINDS.filter((kind) => kind !== "tpm").sort());
		const onlyOn = { os: "windows", arch: "x86_64", hypervisor: "kvm", firmware: "uefi" as const };
		const payload = await payloadFor({ scripts: [script("one", { onlyOn })] });
		const found = [...text(payload, "plan/scripts/01-one/settings")!.matchAll(/^only-\w+/gm)].map(([word]) => word);
		assert.deepEqual(table("conditions"), found.sort());
	});
});

describe("the payload of an image of Windows", () => {
	it("has programs, plan and scripts where nobody else looks, and one line that Windows runs", async () => {
		const payload = await payloadFor({
			scripts: [
				script("one", { content: "#ps1\nWrite-Output 'é'\n" }),
				script("two", { content: "rem cmd\necho two\n" }),
			],
		});
		assert.equal(payload.system, "windows");
		assert.deepEqual(payload.links, []);
		assert.ok(payload.files.every(({ path }) => path.startsWith("/ProgramData/clones-init/")));
		assert.equal(text(payload, "plan/scripts/01-one/script.ps1"), "\uFEFF#ps1\r\nWrite-Output 'é'\r\n");
		assert.equal(text(payload, "plan/scripts/02-two/script.cmd"), "rem cmd\r\necho two\r\n");
		assert.equal(text(payload, "plan/version"), `${payload.version}\n`);
		for (const name of NAMES) assert.equal(text(payload, name), readFileSync(join(PROGRAMS, name), "utf8"));
		assert.deepEqual(
			payload.lines.map(({ path }) => path),
			["/Windows/Setup/Scripts/SetupComplete.cmd"],
		);
		assert.match(payload.lines[0]!.line, /-File "%ProgramData%\\clones-init\\run\.ps1" register$/);
	});

	it("is remembered as what it is", async () => {
		const payload = await payloadFor({ scripts: [script("one")] });
		assert.deepEqual(payloadOf(recordedOf(injectedOf(payload))), payload);
	});

	it("is one of Linux where only some scripts are for Windows", async () => {
		const given = script("one", { content: "#!/bin/sh\n" });
		const { system, files } = await payloadFor({ scripts: [given, { ...given, name: "two", onlyOn: {} }] });
		assert.equal(system, undefined);
		assert.ok(files.some(({ path }) => path === "/usr/lib/clones-init/run"));
	});

	it("has a scheduled task for the boot, and one for each script with a time of its own", async () => {
		const payload = await payloadFor({
			scripts: [
				script("one"),
				script("two", { when: { everyBoot: true } }),
				script("three", { when: { afterSeconds: 90 } }),
				script("four", { when: { dailyAt: "03:30" } }),
				script("five", { when: { firstLogin: true } }),
			],
		});
		const found = payload.files.filter(({ path }) => path.includes("/tasks/"));
		const tasks = found.map(({ path, content }): [string, Element] => [
			path.split("/").at(-1)!,
			parse(content.toString()),
		]);
		assert.deepEqual(
			tasks.map(([name, root]) => [name, ...children(child(root, "Triggers")).map(shown)]),
			[
				["03.xml", "BootTrigger true PT90S", "RegistrationTrigger true PT90S"],
				["04.xml", "CalendarTrigger true 2000-01-01T03:30:00 1"],
				["05.xml", "LogonTrigger true"],
				["boot.xml", "BootTrigger true", "RegistrationTrigger true"],
			],
		);
		for (const [name, root] of tasks) {
			assert.equal(root.getAttribute("xmlns"), "http://schemas.microsoft.com/windows/2004/02/mit/task");
			assert.equal(child(child(child(root, "Principals"), "Principal"), "UserId")?.textContent, "S-1-5-18");
			const command = child(child(child(root, "Actions"), "Exec"), "Arguments")?.textContent ?? "";
			const number = name.replace(".xml", "");
			assert.ok(command.endsWith(number === "boot" ? 'run.ps1" boot' : `run.ps1" script ${number}`), command);
		}
	});

	const shown = (trigger: Element) => [trigger.tagName, ...leaves(trigger).map((leaf) => leaf.textContent)].join(" ");
	const leaves = (of: Element): Element[] =>
		children(of).flatMap((inner) => (children(inner).length > 0 ? leaves(inner) : [inner]));

	const refusals: Array<[string, Partial<Given>, Partial<PayloadDescription>, RegExp]> = [
		[
			"a script of a shell",
			{ content: "#!/bin/sh\n" },
			{},
			/one: content: got "#!\/bin\/sh".*#ps1 \(PowerShell\) and rem cmd/,
		],
		["what names no interpreter", { content: "echo\n" }, {}, /first line names its interpreter/],
		[
			"before a program",
			{ when: { program: "/a" } },
			{},
			/one: when: got program.*allowed are everyBoot, afterSeconds/,
		],
		["a datagram", { when: { datagram: { port: 9 } } }, {}, /one: when: got datagram.*allowed are everyBoot/],
		["a TPM", { identifier: ["tpm"] }, {}, /got "tpm" with scripts for windows/],
		[
			"another run at each boot",
			{},
			{ policy: { reboot: "rerun" } },
			/got "rerun" with scripts for windows; allowed is "keep"/,
		],
		[
			"no run on a clone of a clone",
			{},
			{ policy: { reclone: "keep" } },
			/got "keep" with scripts for windows; allowed is "rerun"/,
		],
		["PowerShell under Linux", { onlyOn: {} }, {}, /one: content: got "#ps1", which is for windows/],
		[
			"a script of the library",
			{ ...scriptOf("hostname", { name: "a" }), source: "hostname" },
			{},
			/one: library: is given/,
		],
	];
	for (const [what, own, more, message] of refusals) {
		it(`is refused with ${what}`, async () => {
			const { content, source, ...rest } = own;
			const given = script("one", { ...(content && { content }), ...(source && { source }), ...known(rest) });
			await assert.rejects(payloadFor({ ...(more as object), scripts: [given] }), message);
		});
	}

	/** Without what is a library's. */
	const known = ({ when, identifier, onlyOn }: Partial<Given>) => ({
		...(when && { when }),
		...(identifier && { identifier }),
		...(onlyOn && { onlyOn }),
	});
});
