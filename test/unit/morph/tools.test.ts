import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { morphCheck } from "../../../cli/morph";
import { Domain, type MorphArgs, MorphTemplate } from "../../../index";
import { optionsOf } from "../../../provider/morph/options";
import { contentOf, toolSchema } from "../../../provider/morph/tool";
import type { About } from "../../../provider/wire";
import { registeredBy } from "../components/mocks";
import { shape } from "./given";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("tools of a template", () => {
	let folder: string;
	before(() => {
		folder = mkdtempSync(join(tmpdir(), "morph-tools-"));
	});
	after(() => rmSync(folder, { recursive: true, force: true }));
	const file = (name: string, text: string) => {
		writeFileSync(join(folder, name), text);
		return join(folder, name);
	};

	const packed = (path: string) => ({
		name: "jq",
		provides: "jq",
		package: { file: path, install: ["apk", "add", "{file}"], remove: ["apk", "del", "jq"] },
		sha256: sha256("jq"),
	});
	const secret = { REPOSITORY_PASSWORD: "hunter2" };

	/** Where in a template's steps the secrets are, by the resource's own account. */
	async function secretsIn(make: () => unknown): Promise<unknown> {
		const registered = await registeredBy(make);
		return (registered.at(-1)!.inputs.about as About).secretInputs;
	}

	it("have credentials that are secrets, whatever they are given as", async () => {
		const tool = { ...packed("jq.apk"), credentials: secret };
		const path = file("template.yaml", JSON.stringify({ tools: [{ ...packed("jq.apk"), credentials: secret }] }));
		const given: Array<[string, MorphArgs | pulumi.Output<MorphArgs>]> = [
			["as they are", { tools: [tool] }],
			["in a file", { file: path }],
			["later", { tools: [pulumi.output(tool)] }],
			["later, all of them", { tools: pulumi.output([tool]) }],
		];
		for (const [how, morph] of given) {
			const found = JSON.stringify(await secretsIn(() => new Domain("web", { morph })));
			assert.match(found, /^\[\["morph","tools",0,?("credentials")?.*\]\]$/, how);
		}
		assert.deepEqual(await secretsIn(() => new MorphTemplate("drain", { steps: { tools: [tool] } })), [
			["steps", "tools", 0, "credentials"],
		]);
		assert.equal(await secretsIn(() => new Domain("web", { morph: { tools: [packed("jq.apk")] } })), undefined);
	});

	it("are what was meant, or are not taken", () => {
		const content = (path: string) => contentOf(toolSchema.parse(packed(path)));
		assert.deepEqual(content(file("jq.apk", "jq")), Buffer.from("jq"));
		assert.match(
			String(content(file("other.apk", "js"))),
			new RegExp(`other.apk with sha256 ${sha256("jq")}; allowed .* is ${sha256("js")}`),
		);
		assert.match(String(content(join(folder, "none.apk"))), /^there is no file .*none\.apk; give its path from \//);
	});

	it("are told by morph check", async () => {
		const lines = await morphCheck({
			uri: "",
			names: [file("template.yaml", JSON.stringify({ tools: [packed("jq.apk")] }))],
		});
		assert.deepEqual(lines.slice(1, 3), [
			"tools",
			"  jq: where the guest has no jq, added by apk from jq.apk; removed at the end",
		]);
	});
});

describe("options of a machine whose agent may not be used", () => {
	it("have no way to take memory, and the reason", () => {
		const types = { less: { vcpus: 2, memoryMiB: 128 }, more: { vcpus: 2, memoryMiB: 512 } };
		const of = (barred: boolean) =>
			optionsOf([{ name: "web", running: shape({ barred }), memoryMiB: 256 }], types, undefined);
		assert.deepEqual(
			of(false).map(({ mode, memoryBy }) => [mode, memoryBy]),
			[
				["live", ["virtioMem", "dimm", "balloon"]],
				["live", ["virtioMem"]],
			],
		);
		const [less, more] = of(true);
		assert.deepEqual([less!.mode, less!.memoryBy, more!.mode, more!.memoryBy], ["reboot", [], "live", ["virtioMem"]]);
		assert.match(
			less!.reasons[0]!.reason,
			/can spare is asked of the guest agent, which may not be used \(agentPolicy\.use/,
		);
	});
});
