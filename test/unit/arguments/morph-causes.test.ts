import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { MorphMigration } from "../../../index";
import { registeredBy } from "../components/mocks";
import { isHelpful } from "./messages";

const HOST = { uri: "qemu+ssh://a/system", base: "/images/gold", pool: "images" };
const OTHER = { ...HOST, uri: "qemu+tls://b/system" };
const GOOD = { hosts: { a: HOST }, members: { db: {} }, instanceType: "small" };
const step = (phase: string, more: object) => ({ morph: { [phase]: [more] } });
const run = (more: object) => ({ exec: ["true"], ...more });
const HASH = "0".repeat(64);
const SCRIPT = { name: "jq", provides: "/usr/bin/jq", script: { text: "echo" }, sha256: HASH };
const PACKAGE = { file: "jq.apk", install: ["apk", "add", "{file}"], remove: ["apk", "del", "jq"] };
const tool = (more: object) => ({ morph: { tools: [{ ...SCRIPT, ...more }] } });
const barred = { domain: { agentPolicy: { use: false } } };

/** Over what is good; what the message names, and what it repeats. */
const CAUSES: Array<[what: string, given: object, property: string, got: string]> = [
	["no hosts", { hosts: undefined }, "hosts", "is required"],
	["hosts without one", { hosts: {} }, "hosts", "got {}"],
	["a host without an image", { hosts: { a: { ...HOST, base: undefined } } }, "hosts.a.base", "is required"],
	[
		"a path without the pool to clone into",
		{ hosts: { a: { ...HOST, pool: undefined } } },
		"hosts",
		"got no pool for a",
	],
	[
		"an image that is a machine",
		{ hosts: { a: { ...HOST, base: { domain: "x" } } } },
		"hosts.a.base",
		'{"domain":"x"}',
	],
	["a URI without a driver", { hosts: { a: { ...HOST, uri: "a" } } }, "hosts.a.uri", '"a"'],
	["one host under two names", { hosts: { a: HOST, b: HOST }, host: "a" }, "hosts", "got qemu+ssh://a/system twice"],
	[
		"two hosts that are the default",
		{ hosts: { a: { ...HOST, uri: undefined }, b: { ...HOST, uri: undefined } }, host: "a" },
		"hosts",
		"several hosts without uri",
	],
	["a host that comes later", { hosts: { a: pulumi.output(HOST) } }, "hosts", "got an output for a"],
	[
		"a way to a host that is none",
		{ hosts: { a: { ...HOST, migration: { peerUri: "b" } } } },
		"hosts.a.migration.peerUri",
		'"b"',
	],
	[
		"an address with a port",
		{ hosts: { a: { ...HOST, migration: { address: "b:1/" } } } },
		"hosts.a.migration.address",
		'"b:1/"',
	],
	["several hosts, and none chosen", { hosts: { a: HOST, b: OTHER } }, "host", "is required with several hosts"],
	["a host that there is not", { host: "c" }, "host", '"c"'],
	["a name of a host that can be none", { host: "a b" }, "host", '"a b"'],
	["a host of a member that there is not", { members: { db: { host: "d" } } }, "members", '"d"'],
	["neither a number nor names", { members: undefined }, "count", "got neither count nor members"],
	["less than no machines", { count: -1 }, "count", "got -1"],
	["a number that comes later", { count: Promise.resolve(3) }, "count", "got a promise"],
	["one name twice", { members: ["db", "db"] }, "members", '"db" twice'],
	["a name that a number has", { count: 1, members: ["0"] }, "members", '"0" twice'],
	["a member that comes later", { members: { db: pulumi.output({}) } }, "members", "got an output for db"],
	[
		"a property of a member that there is not",
		{ members: { db: { hots: "a" } } },
		"members.db.hots",
		'did you mean "host"',
	],
	["a prefix that makes names too long", { namePrefix: "x".repeat(60) }, "namePrefix", '"xxx'],
	["a MAC address of many machines", { members: { db: { mac: "01:00:5e:00:00:01" } } }, "members.db.mac", '"01:00'],
	["a MAC address without a NIC", { members: { db: { mac: "52:54:00:00:00:01" } } }, "members", "52:54:00:00:00:01"],
	["machines of no size", { instanceType: undefined }, "instanceType", "is required for db"],
	["a type that there is not", { instanceType: "huge" }, "instanceType", '"huge"'],
	["a type without vCPUs", { instanceType: { vcpus: 0, memoryMiB: 64 } }, "instanceType.vcpus", "got 0"],
	["part of a block of memory", { instanceType: { vcpus: 1, memoryMiB: 66 } }, "instanceType.memoryMiB", "got 66"],
	[
		"a type of one member that there is not",
		{ members: { db: { instanceType: "tiny" } } },
		"members.db.instanceType",
		'"tiny"',
	],
	[
		"more vCPUs than there is room for",
		{ headroom: { maxVcpus: 1 }, instanceType: "large" },
		"headroom",
		"got maxVcpus 1",
	],
	["more memory than there is room for", { headroom: { maxMemoryMiB: 512 } }, "headroom", "got maxMemoryMiB 512"],
	["room without an end", { headroom: { maxVcpus: 1025 } }, "headroom.maxVcpus", "got 1025"],
	["room on a board that has none", { domain: { machine: "pc" } }, "headroom", 'machine "pc"'],
	["room on another architecture", { domain: { arch: "aarch64" } }, "headroom", 'arch "aarch64"'],
	["a size beside the type", { domain: { vcpus: 2 } }, "domain.vcpus", "no such property"],
	["disks of one's own", { domain: { disks: [] } }, "domain.disks", "no such property"],
	["a topology that does not come out", { domain: { cpu: { cores: 3 } } }, "cpu", "3 cores"],
	["a file and steps", { morph: { file: "a.yaml", preMigration: [] } }, "morph.file", 'got "a.yaml" and preMigration'],
	["a template that is none", { morph: { template: "drain" } }, "morph.template", '"drain"'],
	["a file that there is not", { morph: { file: "no.yaml" } }, "morph", "template no.yaml"],
	["a phase that there is not", { morph: { afterwards: [] } }, "morph.afterwards", "no such property"],
	["a step without a program", step("preMigration", {}), "morph", 'kind "guestExec" without exec'],
	["a program without a name", step("preMigration", { exec: [""] }), "morph.preMigration[0].exec", '[""]'],
	["a step of no kind", step("hotPlug", { kind: "reboot" }), "morph.hotPlug[0].kind", '"reboot"'],
	[
		"a change of vCPUs before all others",
		step("preMigration", { kind: "vcpus" }),
		"morph",
		'kind "vcpus" in preMigration',
	],
	[
		"a change that may fail",
		step("hotPlug", { kind: "memory", onFailure: "continue" }),
		"morph",
		'kind "memory" with onFailure',
	],
	["a change twice", { morph: { hotPlug: [{ kind: "memory" }, { kind: "memory" }] } }, "morph", 'kind "memory" twice'],
	[
		"a step without time",
		step("postMigration", run({ timeoutSeconds: 0 })),
		"morph.postMigration[0].timeoutSeconds",
		"got 0",
	],
	[
		"what no failure does",
		step("postMigration", run({ onFailure: "retry" })),
		"morph.postMigration[0].onFailure",
		'"retry"',
	],
	[
		"a step by an agent that is not there",
		{ ...step("preMigration", run({})), domain: { agent: false } },
		"morph",
		"steps that run in the guest",
	],
	[
		"a step on a host that nothing runs on",
		{ ...step("preMigration", run({ kind: "hostExec" })), hosts: { b: OTHER } },
		"morph",
		"steps that run on the host, and uri is qemu+tls://b/system",
	],
	[
		"steps of one member that are wrong",
		{ members: { db: { morph: { hotPlug: {} } } } },
		"members.db.morph.hotPlug",
		"got {}",
	],
	["a tool without a hash", tool({ sha256: undefined }), "morph.tools[0].sha256", "is required"],
	["a hash of another form", tool({ sha256: "abc" }), "morph.tools[0].sha256", 'got "abc"'],
	["a script that is not what was meant", tool({}), "morph", `got "jq" with sha256 ${HASH}`],
	[
		"a tool that nothing adds",
		tool({ script: undefined }),
		"morph",
		'tools[0]: got "jq" with neither of script and package',
	],
	["a tool that two things add", tool({ package: PACKAGE }), "morph", 'got "jq" with both of script and package'],
	[
		"two tools of one name",
		{ morph: { tools: [{ ...SCRIPT, script: undefined, package: PACKAGE }, SCRIPT] } },
		"morph",
		'tools[1]: got "jq" twice',
	],
	["a script in no place", tool({ provides: "jq" }), "morph", 'with script and provides "jq"'],
	["a script without a text", tool({ script: {} }), "morph", "with neither of script.text and script.file"],
	[
		"a script twice",
		tool({ script: { text: "echo", file: "jq.sh" } }),
		"morph",
		"with both of script.text and script.file",
	],
	[
		"credentials that can be no variable",
		tool({ script: undefined, package: PACKAGE, credentials: { "a b": "x" } }),
		"morph.tools[0].credentials.a b",
		'got the name "a b"',
	],
	[
		"a package of no name",
		tool({ script: undefined, package: { ...PACKAGE, file: "a b.apk" } }),
		"morph",
		'with package.file "a b.apk"',
	],
	[
		"a package that cannot be removed",
		tool({ script: undefined, package: { ...PACKAGE, remove: undefined } }),
		"morph.tools[0].package.remove",
		"is required",
	],
	[
		"leave for what is no hash",
		{ domain: { agentPolicy: { mayAdd: ["jq"] } } },
		"domain.agentPolicy.mayAdd[0]",
		'"jq"',
	],
	[
		"a step in a guest whose agent may not be used",
		{ ...step("postMigration", run({})), ...barred },
		"morph",
		"got postMigration[0], of kind guestExec, which is for the guest agent",
	],
	[
		"a tool for a guest whose agent may not be used",
		{ ...tool({ script: undefined, package: PACKAGE }), ...barred },
		"morph",
		'got tools[0], "jq", which is for the guest agent',
	],
	["a check that is none", { healthCheck: {} }, "healthCheck", "got none of them"],
	["two checks in one", { healthCheck: run({ connect: { port: 80 } }) }, "healthCheck", "got exec and connect"],
	[
		"a check by an agent that is not there",
		{ healthCheck: run({}), domain: { agent: false } },
		"healthCheck",
		"got exec, which",
	],
	[
		"a check on a host that nothing runs on",
		{ healthCheck: { hostExec: ["true"] }, hosts: { b: OTHER } },
		"healthCheck",
		"got hostExec, and a host is qemu+tls://b/system",
	],
	["a port that there is not", { healthCheck: { connect: { port: 65_536 } } }, "healthCheck.connect.port", "got 65536"],
	["a check without a pause", { healthCheck: run({ intervalSeconds: 0 }) }, "healthCheck.intervalSeconds", "got 0"],
	["none at a time", { maxParallel: 0 }, "maxParallel", "got 0"],
	["a restart that is never", { onRestartRequired: "never" }, "onRestartRequired", '"never"'],
	["a wait for an address without a NIC", { waitFor: { address: "auto" } }, "waitFor", 'got address "auto"'],
	["a disk without size", { dataDisks: [{ sizeGiB: 0 }] }, "dataDisks[0].sizeGiB", "got 0"],
];

async function complaintAbout(given: object): Promise<string> {
	const entries = Object.entries({ ...GOOD, ...given }).filter(([, value]) => value !== undefined);
	let message = "";
	const registered = await registeredBy(() => {
		try {
			new MorphMigration("web", Object.fromEntries(entries) as never);
		} catch (error) {
			message = (error as Error).message;
		}
	});
	const made = registered.filter(({ type }) => !type.endsWith(":MorphMigration"));
	if (message !== "") assert.deepEqual(made, [], "something was made");
	return message;
}

describe("causes of bad arguments of a MorphMigration", () => {
	it("are none in what is good", async () => assert.equal(await complaintAbout({}), ""));

	for (const [what, given, property, got] of CAUSES) {
		it(`refuses ${what}`, async () => {
			const message = await complaintAbout(given);
			assert.notEqual(message, "", "was accepted");
			assert.match(message, /^MorphMigration web: /);
			isHelpful(message, { property, got });
		});
	}

	it("are more than forty, each with a message of its own", async () => {
		const messages = await Promise.all(CAUSES.map(([, given]) => complaintAbout(given)));
		assert.equal(new Set(messages).size, CAUSES.length);
		assert.ok(CAUSES.length > 40, `${CAUSES.length}`);
	});
});
