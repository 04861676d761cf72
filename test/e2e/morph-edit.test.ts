import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import { Lab } from "../host/domain-lab";

const CLI = join(__dirname, "..", "..", "cli", "main.js");

const TEXT = `# Taken out of the balancer, and put back.
preMigration:
  - exec: [/sbin/drain]
    undo: [/sbin/serve]
postMigration:
  - exec: [/sbin/serve]
`;

describe("the editor of templates, in Chromium", function () {
	this.timeout(60_000);
	let folder: string;
	let file: string;
	let lab: Lab;
	let command: ChildProcess;
	let browser: Browser;
	let page: Page;
	const complaints: string[] = [];

	before(async () => {
		folder = mkdtempSync(join(tmpdir(), "clones-edit-"));
		file = join(folder, "drain.yaml");
		writeFileSync(file, TEXT);
		lab = await Lab.start();
		await lab.create(lab.plain("web-0", { running: false, memoryMiB: 512, instanceType: undefined }));
		command = spawn(process.execPath, [CLI, "morph", "edit", file, "--uri", lab.machine.uri], { stdio: "pipe" });
		const url = await printed(command, /http:\/\/127\.0\.0\.1:\d+\/\?key=[0-9a-f]+/);
		const executablePath = execFileSync("sh", ["-c", "command -v chromium"], { encoding: "utf8" }).trim();
		browser = await chromium.launch({ executablePath });
		page = await browser.newPage();
		page.on("pageerror", (error) => complaints.push(String(error)));
		page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
		await page.goto(url);
		await page.getByRole("status").first().filter({ hasText: "as it is in the file" }).waitFor();
	});
	after(async () => {
		await browser?.close();
		command?.kill();
		await lab?.stop();
		rmSync(folder, { recursive: true });
	});

	const step = (phase: string, number = 1) =>
		page.getByRole("group", { name: `Step ${number} of ${phase}`, exact: true });
	const status = (text: string | RegExp) => page.locator("#status").filter({ hasText: text }).waitFor();
	const done = (text: string | RegExp) => page.locator("#done").filter({ hasText: text }).waitFor();
	/** Goes on from one control to the next until it is at the one that is meant, as somebody without a mouse does. */
	async function tabTo(name: string): Promise<void> {
		for (let count = 0; count < 200; count++) {
			await page.keyboard.press("Tab");
			const at = await page.evaluate(`document.activeElement.getAttribute("aria-label") ?? document.activeElement.id`);
			if (at === name) return;
		}
		assert.fail(`there is no way by keyboard to ${name}`);
	}

	it("shows what is in the file, and what it comes to", async () => {
		assert.equal(await page.locator("#file").textContent(), file);
		assert.equal(new URL(page.url()).search, "");
		assert.equal(await step("preMigration").getByLabel("program").inputValue(), "/sbin/drain");
		assert.equal(await step("preMigration").getByLabel("undo").inputValue(), "/sbin/serve");
		const lines = page.locator("#lines").filter({ hasText: 'run ["/sbin/drain"] in the guest, within 60 s' });
		await lines.waitFor();
		assert.equal(await page.getByRole("button", { name: "Save" }).isDisabled(), true);
	});

	it("says what is wrong at its place, and does not save it", async () => {
		const timeout = step("postMigration").getByLabel("timeout, seconds");
		await timeout.fill("0");
		await status("1 thing is wrong");
		assert.equal(await timeout.getAttribute("aria-invalid"), "true");
		const told = page.locator(`[id="${await timeout.evaluate((one) => one.id)}.problem"]`);
		assert.match((await told.textContent())!, /got 0; allowed is a number from 1 to 86400/);
		await page.keyboard.press("Control+s");
		assert.equal(readFileSync(file, "utf8"), TEXT);
		await step("postMigration").getByLabel("kind").selectOption("vcpus");
		await timeout.fill("");
		await page.getByText('got kind "vcpus" in postMigration').waitFor();
		await step("postMigration").getByLabel("kind").selectOption({ index: 0 });
		await status("as it is in the file");
	});

	it("takes a template from empty to saved by keyboard alone", async () => {
		await page.locator("body").click({ position: { x: 1, y: 1 } });
		await tabTo("Add a step to hotPlug");
		await page.keyboard.press("Enter");
		await done("is new");
		await tabTo("hotPlug[0].exec");
		await page.keyboard.type('/sbin/warm\nof two words\n"one\\ntwo"');
		await tabTo("hotPlug[0].parallel");
		await page.keyboard.press("Space");
		await tabTo("hotPlug[0].timeoutSeconds");
		// Who is faster than the answers has what is written last saved as well.
		await page.route("**/check", async (route) => {
			await sleep(1000);
			await route.continue();
		});
		await page.keyboard.type("90");
		await page.keyboard.press("Control+s");
		await done(`saved ${file}`);
		await page.unroute("**/check");
		const text = readFileSync(file, "utf8");
		assert.match(text, /^# Taken out of the balancer/);
		const { parse } = await import("yaml");
		assert.deepEqual(parse(text), {
			...parse(TEXT),
			hotPlug: [{ exec: ["/sbin/warm", "of two words", "one\ntwo"], parallel: true, timeoutSeconds: 90 }],
		});
	});

	it("moves and removes steps, with the keyboard where it was", async () => {
		await page.getByRole("button", { name: "Add a step to hotPlug" }).press("Enter");
		await step("hotPlug", 2).getByLabel("kind").selectOption("memory");
		await step("hotPlug", 2).getByRole("button", { name: "Up" }).press("Enter");
		assert.equal(await page.evaluate("document.activeElement.id"), "hotPlug[0].Down");
		assert.equal(await step("hotPlug", 1).getByLabel("kind").inputValue(), "memory");
		assert.match(
			await step("hotPlug", 2).getByLabel("program").inputValue(),
			/^\/sbin\/warm\nof two words\n"one\\ntwo"$/,
		);
		await step("hotPlug", 1).getByRole("button", { name: "Remove" }).press("Enter");
		assert.equal(await page.evaluate("document.activeElement.id"), "hotPlug[0].kind");
		await status("as it is in the file");
	});

	it("has tools with fields of their own, and what they are given by groups", async () => {
		await page.getByRole("button", { name: "Add a tool to tools" }).press("Enter");
		assert.equal(await page.evaluate("document.activeElement.id"), "tools[0].name");
		const tool = page.getByRole("group", { name: "Tool 1 of tools", exact: true });
		const field = (name: string) => tool.getByLabel(name, { exact: true });
		await field("name").fill("greet");
		await field("provides, a command or a path in the guest").fill("/usr/local/bin/greet");
		const content = "#!/bin/sh\necho hello\n";
		await field("script").fill(content);
		await field("SHA-256 of what is added, in hex").fill("0".repeat(64));
		await field("needed").uncheck();
		const hash = createHash("sha256").update(content).digest("hex");
		await tool.getByText(`allowed is that of its content, which is ${hash}`).waitFor();
		await field("SHA-256 of what is added, in hex").fill(hash);
		await page.locator("#lines").filter({ hasText: "greet: where the guest has no /usr/local/bin/greet" }).waitFor();
		await page.keyboard.press("Control+s");
		await done(`saved ${file}`);
		const { parse } = await import("yaml");
		const [saved] = parse(readFileSync(file, "utf8")).tools;
		const greet = { name: "greet", provides: "/usr/local/bin/greet", script: { text: content } };
		assert.deepEqual(saved, { ...greet, sha256: hash, required: false });

		await field("script").fill("");
		await field("package, a file of the program's").fill("greet.deb");
		await field("package, how it is installed").fill("dpkg\n-i");
		await field("package, how it is removed").fill("dpkg\n-r\ngreet");
		await field("credentials of the package's install").fill("TOKEN");
		await status("1 thing is wrong");
		await field("credentials of the package's install").fill("TOKEN=a=b\nUSER=");
		await status("not saved yet");
		await page.keyboard.press("Control+s");
		await done(`saved ${file}`);
		const packed = { file: "greet.deb", install: ["dpkg", "-i"], remove: ["dpkg", "-r", "greet"] };
		const { script: _, ...rest } = greet;
		assert.deepEqual(parse(readFileSync(file, "utf8")).tools, [
			{ ...rest, sha256: hash, required: false, package: packed, credentials: { TOKEN: "a=b", USER: "" } },
		]);
		assert.match(readFileSync(file, "utf8"), /^# Taken out of the balancer/);
	});

	it("shows what a machine can change to", async () => {
		await page.getByLabel("Machine").selectOption("web-0");
		await page.locator("#machine-status").filter({ hasText: "types for web-0" }).waitFor();
		const small = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "small", exact: true }) });
		assert.match((await small.textContent())!, /12048start/);
	});

	it("does not write over what somebody else has written", async () => {
		const theirs = `${readFileSync(file, "utf8")}# theirs\n`;
		writeFileSync(file, theirs);
		await step("hotPlug").getByLabel("timeout, seconds").fill("91");
		await status("not saved yet");
		await page.keyboard.press("Control+s");
		await done(/not saved: .* was changed by somebody else/);
		assert.equal(readFileSync(file, "utf8"), theirs);
	});

	it("ends with its command, and had nothing to complain of", async () => {
		command.kill("SIGINT");
		const [code] = await once(command, "exit");
		assert.equal(code, 0);
		// The refused save alone.
		assert.deepEqual(
			complaints.filter((text) => !/409/.test(text)),
			[],
		);
	});
});

/** @returns what it prints that fits, within its first lines */
async function printed(command: ChildProcess, what: RegExp): Promise<string> {
	let seen = "";
	for await (const part of command.stdout!) {
		seen += part;
		const found = what.exec(seen)?.[0];
		if (found !== undefined) return found;
	}
	throw new Error(`the command ended with: ${seen}`);
}
