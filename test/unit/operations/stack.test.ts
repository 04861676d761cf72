import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChildren, destroyChildren, powerResetChildren } from "../../../operations";
import { settingsFile, writeSettings } from "../../../operations/stack";

describe("the file of a stack's settings", () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), "settings-"));
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	it("is beside the project's file, or where that says", async () => {
		await writeFile(join(folder, "Pulumi.yaml"), "name: office\n");
		assert.equal(await settingsFile(folder, "acme/office/prod"), join(folder, "Pulumi.prod.yaml"));
		await writeFile(join(folder, "Pulumi.yaml"), "name: office\nstackConfigDir: stacks\n");
		assert.equal(await settingsFile(folder, "prod"), join(folder, "stacks/Pulumi.prod.yaml"));
		await writeFile(join(folder, "Pulumi.yaml"), "name: office\nconfig: old\n");
		assert.equal(await settingsFile(folder, "prod"), join(folder, "old/Pulumi.prod.yaml"));
		await rm(join(folder, "Pulumi.yaml"));
		await writeFile(join(folder, "Pulumi.yml"), "name: office\n");
		assert.equal(await settingsFile(folder, "prod"), join(folder, "Pulumi.prod.yml"));
	});

	it("is written in one step, with its permissions, through a link, and goes when it is empty", async () => {
		await mkdir(join(folder, "real"));
		const real = join(folder, "real/Pulumi.dev.yaml");
		const link = join(folder, "Pulumi.dev.yaml");
		await writeSettings(real, "config: {}\n");
		await chmod(real, 0o600);
		await symlink(real, link);
		await writeSettings(link, "config: { a:b: c }\n");
		assert.equal(await readFile(real, "utf8"), "config: { a:b: c }\n");
		assert.equal((await stat(real)).mode & 0o777, 0o600);
		assert.deepEqual(await readdir(join(folder, "real")), ["Pulumi.dev.yaml"]);
		await writeSettings(real, "");
		assert.deepEqual(await readdir(join(folder, "real")), []);
	});

	it("is written by several at once, each in one step", async () => {
		const file = join(folder, "Pulumi.dev.yaml");
		const texts = Array.from({ length: 20 }, (_, index) => `config: { a:b: ${index} }\n`);
		await Promise.all(texts.map((text) => writeSettings(file, text)));
		assert.ok(texts.includes(await readFile(file, "utf8")));
		assert.deepEqual(await readdir(folder), ["Pulumi.dev.yaml"]);
	});

	it("is not looked for by a call that was ended before", async () => {
		const reason = new Error("ended");
		const of = { stack: "dev", set: "desk", project: folder, signal: AbortSignal.abort(reason) };
		await assert.rejects(powerResetChildren(of), reason);
	});

	it("is not looked for with arguments that are wrong", async () => {
		const of = { stack: "dev", set: "desk", project: folder };
		const refusals: Array<[Promise<unknown>, RegExp]> = [
			[powerResetChildren(of), /^Error: project: got ".*", in which there is no Pulumi\.yaml/],
			[powerResetChildren({ ...of, stack: "" }), /stack: got ""; allowed is the name of a stack/],
			[powerResetChildren({ ...of, set: "a b" }), /set: got "a b"; allowed are 1 to 63 letters/],
			[powerResetChildren({ ...of, children: [] }), /children: got \[\]; allowed are names of children, at least one/],
			[powerResetChildren({ ...of, children: "ann" as never }), /children: got "ann"; allowed/],
			[powerResetChildren({ ...of, onReset: "again" as never }), /onReset: got "again"; allowed .*"refork"/],
			[createChildren(of), /create: got neither children nor count/],
			[destroyChildren({ ...of, children: ["ann"], count: 1 }), /destroy: got children and count; allowed is one/],
			[createChildren({ ...of, count: 1.5 }), /count: got 1\.5; allowed is a whole number/],
			[createChildren({ ...of, count: -1 }), /count: got -1; allowed/],
		];
		for (const [refused, reason] of refusals) await assert.rejects(refused, reason);
	});
});
