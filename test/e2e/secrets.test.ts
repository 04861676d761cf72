import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandResult } from "../../tools/pulumi/project";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";
import { filesWith, holds, watching } from "./watch";

/** As long as a VNC password may be, and unlike anything else that is shown. */
const FIRST = "qX7vKp2w";
const SECOND = "zB4mTr9y";

/** User data, files and XML that are secrets, on their way into a seed, through the guest agent and into a definition. */
describe("secrets", function () {
	this.timeout(300_000);
	let bench: Bench;
	/** The folder for temporary files of all that is run. */
	let temporary: string;
	/** Holds the password, for the program. */
	let vault: string;

	before(async () => {
		temporary = await mkdtemp(join(tmpdir(), "clones-secrets-"));
		vault = await mkdtemp(join(tmpdir(), "clones-vault-"));
		bench = await startBench({ program: "test/e2e/fixtures/secrets", env: { TMPDIR: temporary } });
		// A directory of the host that is not to be seen here, as if the host were another machine.
		const farPath = join(bench.host.poolDirectory, "far");
		await mkdir(farPath);
		await bench.host.exec("mount", ["-t", "tmpfs", "tmpfs", farPath]);
		await bench.project.setConfig("farPath", farPath);
		await bench.project.setConfig("vault", join(vault, "password"));
		await writeFile(join(vault, "password"), FIRST);
	});
	after(async () => {
		await bench?.stop();
		for (const folder of [temporary, vault]) if (folder) await rm(folder, { recursive: true, force: true });
	});

	it("are not shown by previews", async () => {
		const { stdout } = await discreet(["preview", "--diff"]);
		assert.match(stdout, /source +: \[secret\]/);
		assert.match(stdout, /extraXml +: \[secret\]/);
		await discreet(["preview", "--json"]);
	});

	it("show neither in output nor in command lines nor in files of others while they are used, and reach the guests", async () => {
		const { seen } = await watching(FIRST, [temporary, bench.poolPath], () =>
			discreet(["up", "--yes", "--skip-preview", "--diff", "--logtostderr"]),
		);
		assert.deepEqual(seen.commandLines, []);
		assert.ok(seen.looks > 100, `${seen.looks} looks are too few to see anything`);
		const names = [...seen.files.keys()];
		for (const [what, pattern] of [
			["the file that was uploaded", /clones-image-[\w-]+\/image$/],
			["the seed that was written directly", /images\/local-0-seed-\w+-\w+\.iso$/],
		] as const) {
			assert.ok(
				names.some((name) => pattern.test(name)),
				`${what} is not among ${names.join(", ")}`,
			);
		}
		for (const [name, modes] of seen.files) assert.deepEqual([name, ...modes], [name, "600"]);
		const [seed] = (
			await bench.host.exec("sh", ["-c", 'stat -c "%a" "$1"/far/*.iso', "sh", bench.host.poolDirectory])
		).stdout.split("\n");
		assert.equal(seed, "600", "the seed on the far host");
		assert.equal(await inGuest(bench.host, "agent-0", "cat /etc/password; stat -c %a /etc/password"), `${FIRST}600`);
		await nothingLeft(FIRST);
	});

	it("that a template has are not readable by everybody in its clones, and stay when these are changed", async () => {
		const { host } = bench;
		for (const title of ["first", "second"]) {
			if (title === "second") {
				await bench.project.setConfig("title", title);
				await discreet(["up", "--yes", "--skip-preview"]);
			}
			assert.doesNotMatch(await host.virsh("dumpxml", "copy"), new RegExp(FIRST));
			const shown = await host.virsh("dumpxml", "--security-info", "copy");
			assert.match(shown, new RegExp(`<title>${title}</title>[^]*<graphics type='vnc'[^>]* passwd='${FIRST}'`));
		}
	});

	it("are no change in a second preview, and stay encrypted in the state after a refresh", async () => {
		await discreet(["preview", "--diff", "--expect-no-changes"]);
		await discreet(["refresh", "--yes", "--skip-preview", "--diff"]);
		const state = await bench.project.state();
		const screen = state.deployment.resources!.find(({ urn }) => urn.endsWith("::screen"))!;
		assert.match(JSON.stringify(screen.outputs.description), /ciphertext/);
		await discreet(["preview", "--diff", "--expect-no-changes"]);
		await nothingLeft(FIRST);
	});

	it("are changed without the old or the new one being shown", async () => {
		await writeFile(join(vault, "password"), SECOND);
		const { stdout } = await discreet(["preview", "--diff"]);
		assert.match(stdout, /extraXml: live/);
		await discreet(["preview", "--json"]);
		await discreet(["up", "--yes", "--skip-preview", "--diff"]);
		assert.match(await bench.host.virsh("dumpxml", "--security-info", "screen"), new RegExp(`passwd='${SECOND}'`));
		await nothingLeft(FIRST, SECOND);
	});

	it("do not show when a volume cannot be made", async () => {
		await writeFile(join(bench.poolPath, "taken.iso"), "somebody else's");
		const { stdout } = await fails("taken");
		assert.match(stdout, /the volume "taken\.iso" exists already in the pool "images"/);
		await rm(join(bench.poolPath, "taken.iso"));
	});

	it("do not show when the guest refuses them, nor in what is recorded of the unfinished machine", async () => {
		const { stdout } = await fails("guest refuses");
		assert.match(stdout, /can't create directory '\/proc\/nowhere'/);
		const { deployment } = await bench.project.state();
		const refusing = deployment.resources!.find(({ urn }) => urn.endsWith("::refusing"))!;
		assert.equal(refusing.outputs.incomplete, true);
		assert.match(JSON.stringify(refusing.outputs.guestSetup), /ciphertext/);
	});

	for (const [property, complaint] of [
		["source", /source\.cloudInit\.hostname: got a value that is not shown; allowed are labels/],
		["description", /description: got a value that is not shown; allowed are printable/],
		["extraXml", /extraXml: is not acceptable\. What is wrong with it is not shown/],
	] as const) {
		it(`do not show when ${property} is not acceptable`, async () => {
			await bench.project.setConfig("failing", property);
			const { code, stdout, stderr } = await discreet(["preview"], { fails: true });
			assert.notEqual(code, 0);
			assert.match(stdout + stderr, complaint);
		});
	}

	it("do not show in an error that has nothing to do with their being secret", async () => {
		const { stdout } = await fails("nics");
		assert.match(stdout, /there is no network \[secret\]/);
		await bench.project.configure({ failing: undefined });
	});

	it("leave nothing when all is destroyed", async () => {
		await discreet(["destroy", "--yes", "--skip-preview", "--diff"]);
		assert.deepEqual(await leftOn(bench), []);
		await nothingLeft(FIRST, SECOND);
	});

	/** Runs a command and looks for the secrets in all that it says. */
	async function discreet(args: string[], { fails = false } = {}): Promise<CommandResult> {
		const result = await bench.project[fails ? "run" : "must"](args);
		for (const line of `${result.stdout}\n${result.stderr}`.split("\n")) {
			for (const secret of [FIRST, SECOND]) {
				assert.ok(!holds(line, secret), `pulumi ${args.join(" ")} shows a secret: ${line.slice(0, 2000)}`);
			}
		}
		return result;
	}

	async function fails(part: string): Promise<CommandResult> {
		await bench.project.setConfig("failing", part);
		const result = await discreet(["up", "--yes", "--skip-preview", "--logtostderr"], { fails: true });
		assert.notEqual(result.code, 0);
		await nothingLeft(FIRST, SECOND);
		return result;
	}

	/** In the state, its backups and history, the program's folder and the temporary files. */
	async function nothingLeft(...secrets: string[]): Promise<void> {
		const exported = JSON.stringify(await bench.project.state());
		for (const secret of secrets) {
			assert.ok(!holds(exported, secret), "the exported state shows a secret");
			assert.deepEqual(await filesWith(secret, [temporary, join(bench.project.directory, "..")]), []);
		}
	}
});
