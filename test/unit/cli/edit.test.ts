import assert from "node:assert/strict";
import {
	chmodSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Draft, open, save } from "../../../cli/edit/document";
import { form, type List } from "../../../cli/edit/form";
import { type Editor, serve } from "../../../cli/edit/server";

const TEXT = `# Taken out of the balancer, and put back.
preMigration:
  # waits for what is under way
  - exec: [/sbin/drain, "5"]
    undo: [/sbin/serve]
  - exec: [/sbin/second] # of two
postMigration:
  - exec: [/sbin/serve]
`;

describe("a template that is edited", () => {
	let folder: string;
	let file: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "clones-edit-"));
		file = join(folder, "drain.yaml");
		writeFileSync(file, TEXT);
	});
	afterEach(() => rmSync(folder, { recursive: true }));

	describe("in its file", () => {
		it("keeps comments and form of what was not changed", () => {
			const { draft, version } = open(file);
			const [drain, second] = draft.preMigration!;
			const changed = { ...draft, preMigration: [second!, { ...drain!, timeoutSeconds: 9 }, { exec: ["/bin/new"] }] };
			save(file, changed, version);
			const text = readFileSync(file, "utf8");
			assert.match(text, /^# Taken out of the balancer/);
			assert.match(text, / {2}- exec: \[ ?\/sbin\/second ?\] # of two\n {2}- exec:\n/);
			assert.match(text, /postMigration:\n {2}- exec: \[ ?\/sbin\/serve ?\]\n$/);
			assert.deepEqual(open(file).draft, changed);
		});

		it("stays as it is, to the byte, when nothing was changed", () => {
			const { draft, version } = open(file);
			save(file, draft, version);
			const again = readFileSync(file, "utf8").replaceAll("[ ", "[").replaceAll(" ]", "]");
			assert.equal(again, TEXT);
		});

		it("loses a phase whose last step is removed, and gets one that is new", () => {
			const { draft, version } = open(file);
			const changed: Draft = { preMigration: draft.preMigration!, hotPlug: [{ kind: "vcpus" }] };
			save(file, changed, version);
			assert.deepEqual(open(file).draft, changed);
			save(file, {}, open(file).version);
			assert.deepEqual(open(file).draft, {});
		});

		it("has the phases of a group like the others", () => {
			const { draft, version } = open(file);
			const during = { ...draft, "migration.duringMigration": [{ exec: ["/bin/rescan"] }] };
			save(file, during, version);
			assert.match(readFileSync(file, "utf8"), /^migration:\n {2}duringMigration:\n {4}- exec:\n/m);
			assert.deepEqual(open(file).draft, during);
			save(file, draft, open(file).version);
			assert.doesNotMatch(readFileSync(file, "utf8"), /migration:/);
			writeFileSync(file, "migration: { afterwards: [] }");
			assert.throws(() => open(file), /there is no migration.afterwards; allowed are .*migration.duringMigration/);
		});

		it("is JSON where its name says so, keeps its mode, and is followed to where a link leads", () => {
			const [real, link] = [join(folder, "real.json"), join(folder, "link.json")];
			writeFileSync(real, "{}");
			chmodSync(real, 0o600);
			symlinkSync(real, link);
			save(link, { hotPlug: [{ kind: "memory" }] }, open(link).version);
			assert.deepEqual(JSON.parse(readFileSync(real, "utf8")), { hotPlug: [{ kind: "memory" }] });
			assert.equal(statSync(real).mode & 0o777, 0o600);
			assert.deepEqual(readdirSync(folder).sort(), ["drain.yaml", "link.json", "real.json"]);
		});

		it("is made where there is none, and not over one that somebody else has made or changed", () => {
			const fresh = join(folder, "fresh.yaml");
			const { draft, version } = open(fresh);
			assert.deepEqual(draft, {});
			save(fresh, { hotPlug: [{ kind: "memory" }] }, version);
			assert.throws(() => save(fresh, {}, version), /was changed by somebody else .* nothing was written/);
			assert.deepEqual(open(fresh).draft, { hotPlug: [{ kind: "memory" }] });
		});

		for (const [text, expected] of [
			["preMigration: [", /drain.yaml: .*at line 1/],
			["- a", /drain.yaml: allowed is a group with tools, preMigration/],
			["drain: []", /there is no drain; allowed are tools, preMigration/],
			["hotPlug: {}", /hotPlug is to be a list of steps/],
			["tools: [jq]", /tools is to be a list of tools, each of them a group/],
			["hotPlug: [vcpus]", /hotPlug is to be a list of steps/],
		] as const) {
			it(`is not opened when it is ${JSON.stringify(text)}`, () => {
				writeFileSync(file, text);
				assert.throws(() => open(file), expected);
			});
		}
	});

	it("has a field for everything that a step may have", () => {
		const { of: what, fields } = form().find(({ path }) => path === "preMigration")!;
		assert.equal(what, "step");
		const of = (name: string) => fields.find((field) => field.name === name);
		assert.equal(of("kind")?.type, "choice");
		assert.equal(of("kind")?.default, "guestExec");
		assert.equal(of("exec")?.type, "lines");
		assert.deepEqual(of("timeoutSeconds"), {
			name: "timeoutSeconds",
			type: "number",
			default: 60,
			min: 1,
			max: 86_400,
		});
		assert.deepEqual(of("parallel"), { name: "parallel", type: "switch", default: false });
	});

	it("has a field for everything that a tool may have", () => {
		const [{ path, of, fields }] = form() as [List];
		assert.deepEqual([path, of], ["tools", "tool"]);
		const types = fields.map(({ name, type }) => `${name} ${type}`);
		assert.deepEqual(types, [
			...["name text", "provides text", "script.text long", "script.file text"],
			...["package.file text", "package.install lines", "package.remove lines"],
			...["sha256 text", "credentials pairs", "required switch", "keep switch", "timeoutSeconds number"],
		]);
	});

	describe("served", () => {
		let editor: Editor;
		let cookie: string;
		const machines = { list: async () => ["web-0"], options: async () => [] };
		beforeEach(async () => {
			editor = await serve(file, machines, 0);
			const { headers } = await asked(editor.url);
			cookie = headers["set-cookie"]!.split(";")[0]!;
		});
		afterEach(() => editor.close());

		const at = (path: string) => new URL(path, editor.url).href;
		const json = { "content-type": "application/json" };

		it("opens with its key alone, by its own name alone", async () => {
			assert.equal((await asked(at("/"))).status, 403);
			assert.equal((await asked(at("/?key=0"))).status, 403);
			assert.equal((await asked(at("/template"), { headers: { cookie: `${cookie}0` } })).status, 403);
			assert.equal((await asked(at("/"), { headers: { cookie, host: "evil.example" } })).status, 403);
			const page = await asked(at("/"), { headers: { cookie } });
			assert.equal(page.status, 200);
			assert.match(page.headers["content-security-policy"]!, /default-src 'self'/);
			assert.match(page.text, /Morph template/);
		});

		it("says what is wrong, where", async () => {
			const draft = { preMigration: [{ kind: "vcpus" }], hotPlug: [{ timeoutSeconds: 0, exec: ["a"], extra: 1 }] };
			const { text } = await asked(at("/check"), { method: "POST", headers: { cookie, ...json }, body: { draft } });
			const { problems, lines } = JSON.parse(text);
			assert.deepEqual(problems.map(({ property }: { property: string }) => property).sort(), [
				"hotPlug[0].extra",
				"hotPlug[0].timeoutSeconds",
			]);
			assert.deepEqual(lines, []);
		});

		it("writes what is right, once, and nothing else", async () => {
			const put = (body: object, headers: object = json) =>
				asked(at("/template"), { method: "PUT", headers: { cookie, ...headers }, body });
			const { version } = open(file);
			const draft = { hotPlug: [{ kind: "memory" }] };
			assert.equal((await put({ draft, version }, { "content-type": "text/plain" })).status, 415);
			assert.equal((await put({ draft: { hotPlug: [{ kind: "disks" }] }, version })).status, 422);
			assert.equal((await put({ draft, version: "none" })).status, 409);
			assert.equal(readFileSync(file, "utf8"), TEXT);
			const { status, text } = await put({ draft, version });
			assert.equal(status, 200);
			assert.equal(JSON.parse(text).version, open(file).version);
			assert.equal((await put({ draft, version })).status, 409);
			assert.equal((await put({ draft: "x".repeat(1_100_000), version })).status, 413);
			assert.equal((await asked(at("/other"), { headers: { cookie } })).status, 404);
		});
	});
});

interface Answer {
	status: number;
	headers: Record<string, string>;
	text: string;
}

/** As `fetch`, which does not let the host be another one. */
function asked(
	url: string,
	{ method = "GET", headers = {}, body }: { method?: string; headers?: object; body?: object } = {},
): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const sent = request(url, { method, headers: { ...headers } }, (response) => {
			const parts: Buffer[] = [];
			response.on("data", (part) => parts.push(part));
			response.on("end", () => {
				const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
				resolve({
					status: response.statusCode!,
					headers: Object.fromEntries(flat),
					text: Buffer.concat(parts).toString(),
				});
			});
		});
		sent.on("error", reject);
		sent.end(body && JSON.stringify(body));
	});
}
