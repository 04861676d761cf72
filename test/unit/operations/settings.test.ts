import assert from "node:assert/strict";
import { forksIn, withForks } from "../../../operations/settings";

const FILE = "Pulumi.dev.yaml";
const SETTINGS = `# of the office
encryptionsalt: v1:abc=
config:
  # who has one
  office:users: ann,bob
  office:token:
    secure: v1:xyz
`;

describe("the settings of a stack", () => {
	it("have what is declared of sets, and all else as it was", () => {
		const forks = {
			desk: { count: 2, children: { "0": { power: "off" as const, resetTrigger: "2026-11-23T04:00:00Z" } } },
		};
		const text = withForks(FILE, SETTINGS, forks);
		assert.ok(text.startsWith(SETTINGS), text);
		assert.equal(
			text.slice(SETTINGS.length),
			`  pulumi-libvirt-clones:forks:
    desk:
      count: 2
      children:
        "0":
          power: "off"
          resetTrigger: "2026-11-23T04:00:00Z"
`,
		);
		assert.deepEqual(forksIn(FILE, text), forks);
		assert.equal(withForks(FILE, text, { desk: {} }), SETTINGS);
	});

	it("may be missing, or have no configuration", () => {
		for (const text of ["", "encryptionsalt: v1:abc=\n", "config:\n"]) {
			assert.deepEqual(forksIn(FILE, text), {});
			assert.deepEqual(forksIn(FILE, withForks(FILE, text, { web: { count: 1 } })), { web: { count: 1 } });
		}
		assert.equal(withForks(FILE, withForks(FILE, "", { web: { count: 1 } }), {}), "");
	});

	it("may have it as one text, as `pulumi config set` makes it", () => {
		const text = `config:\n  pulumi-libvirt-clones:forks: '{"web":{"count":4}}'\n`;
		assert.deepEqual(forksIn(FILE, text), { web: { count: 4 } });
	});

	it("are refused where they are not what they should be", () => {
		const of = (value: string) => () => forksIn(FILE, `config:\n  pulumi-libvirt-clones:forks: ${value}\n`);
		assert.throws(() => forksIn(FILE, "config: ["), /Pulumi\.dev\.yaml is not well-formed YAML/);
		assert.throws(() => forksIn(FILE, "- a"), /Pulumi\.dev\.yaml: got no group of properties/);
		assert.throws(of("{ secure: v1:abc }"), /got an encrypted value; allowed is one in plain text/);
		assert.throws(of("[web]"), /forks: got \["web"\]; allowed is a group of names/);
		assert.throws(of("{ web: { count: many } }"), /web\.count: got "many"; allowed is a whole number/);
		assert.throws(of("nothing"), /forks: got "nothing"; allowed is a group of names/);
	});
});
