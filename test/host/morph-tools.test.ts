import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import { factsOf } from "../../provider/domain/plan";
import { type DomainInputs, domainSchema } from "../../provider/domain/schema";
import type { Host } from "../../provider/libvirt";
import { IncompleteError, InputError } from "../../provider/lifecycle";
import { parse } from "../../provider/xml/element";
import { recordedIn } from "../../provider/xml/metadata";
import { repository } from "../../tools/pulumi/project";
import { type Full, Lab, wire } from "./domain-lab";
import { diesAtCall } from "./dying-host";

const run = promisify(execFile);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const GREET = "#!/bin/sh\necho hello $1\n";
const PASSWORD = "correct-horse-battery";
/** What a package is to its package manager: both are this file. While it is installed it notes who runs with what arguments. */
const PACKAGE = `#!/bin/sh
set -eu
case $1 in
add)
	[ -n "$REPOSITORY_PASSWORD" ]
	printf %s "$REPOSITORY_PASSWORD" | sha256sum | cut -d " " -f 1 > /tmp/password-hash
	for process in /proc/[0-9]*; do tr '\\0' ' ' < $process/cmdline || :; done > /tmp/command-lines
	mkdir -p /opt/thing/bin
	: > /opt/thing/bin/thing ;;
del) rm -r /opt/thing ;;
esac
`;

describe("tools that a change needs in the guest", function () {
	this.timeout(300_000);
	let lab: Lab;
	let inputs: DomainInputs;
	let state: Full;
	let bootId: string;

	before(async () => {
		lab = await Lab.start();
		const spare = await lab.volume("spare.qcow2", { empty: true });
		inputs = await lab.inputs("tooled", {
			memoryMiB: undefined,
			type: "qemu",
			disks: [{ volume: await lab.volume("root.qcow2") }, { volume: spare }],
			instanceType: { vcpus: 1, memoryMiB: 160 },
			headroom: { maxVcpus: 3, maxMemoryMiB: 1024 },
			nics: [],
			waitFor: { agent: true },
		});
		state = wire(await lab.create(inputs));
		bootId = await lab.sh(state.uuid, "cat /proc/sys/kernel/random/boot_id");
	});
	after(async () => {
		await lab?.stop();
	});

	const greet = (more: object = {}) => ({
		name: "greet",
		provides: "/usr/bin/greet",
		script: { text: GREET },
		sha256: sha256(GREET),
		...more,
	});
	const mayGreet = { mayAdd: [sha256(GREET)] };
	const uses = { exec: ["/bin/sh", "-c", "/usr/bin/greet world >> /tmp/trace"] };
	const traced = () => lab.sh(state.uuid, "cat /tmp/trace; rm -f /tmp/trace");
	const there = (path: string) => lab.sh(state.uuid, `[ -e ${path} ] && echo there || echo gone`);
	const vcpus = async () => Number(await lab.sh(state.uuid, "nproc"));

	/** As `check` makes it of what a program gives, with another number of vCPUs: 1 becomes 2, and 2 becomes 1. */
	function other(more: object): DomainInputs {
		const size = inputs.instanceType as { vcpus: number; memoryMiB: number };
		const instanceType = { ...size, vcpus: 3 - size.vcpus };
		return { ...inputs, ...parsed({ instanceType, ...more }) };
	}

	function parsed(more: object): Partial<DomainInputs> {
		const all = domainSchema.parse({ uri: inputs.uri, ownerId: inputs.ownerId, name: inputs.name, ...more });
		return Object.fromEntries(Object.keys(more).map((key) => [key, all[key as keyof DomainInputs]]));
	}

	async function update(news: DomainInputs): Promise<void> {
		const { incomplete: _, ...now } = (await lab.update(state, news)) as Full & { incomplete?: boolean };
		state = wire(now as Full);
		inputs = news;
	}

	const record = async () => recordedIn(parse(await lab.host.domains.xml(state.uuid, { inactive: true })))?.morph;

	/** Nothing is left but what it was made of. */
	async function clean(wanted: DomainInputs = inputs): Promise<void> {
		assert.equal(await record(), undefined);
		assert.equal(await there("/usr/bin/greet"), "gone");
		assert.equal(await there("/var/lib/clones-tools"), "gone");
		assert.equal(await vcpus(), (wanted.instanceType as { vcpus: number }).vcpus);
		assert.deepEqual(wire(await lab.read(state)), state);
		assert.deepEqual(changes(state, inputs), []);
		assert.equal(await lab.sh(state.uuid, "cat /proc/sys/kernel/random/boot_id"), bootId);
	}

	async function cli(command: "options" | "status"): Promise<string> {
		const program = join(repository, "dist/cli/main.js");
		return (await run("node", [program, "morph", command, "tooled", "--uri", lab.machine.uri])).stdout;
	}

	it("are added for the steps, and gone at the end", async () => {
		const morph = { tools: [greet()], hotPlug: [uses] };
		const news = other({ morph, agentPolicy: mayGreet });
		const plan = await domain.plan!(news, { ...lab.context, makes: false });
		assert.ok(plan.includes("  tool greet: is added; removed at the end"), plan.join("\n"));
		await update(news);
		assert.equal(await traced(), "hello world");
		assert.deepEqual(state.morphTools, {
			present: [],
			added: ["greet"],
			removed: ["greet"],
			unavailable: [],
			unauthorised: [],
		});
		assert.ok(lab.logged.includes("tools of tooled: added: greet; removed: greet"), lab.logged.join("\n"));
		await clean();
	});

	it("are not added without leave, and nothing is changed then", async () => {
		for (const agentPolicy of [undefined, { mayAdd: [sha256("another")] }]) {
			const news = other({ morph: { tools: [greet()], preMigration: [uses] }, agentPolicy });
			const why =
				/tool greet: the guest shows no \/usr\/bin\/greet, and it may not be added: agentPolicy\.mayAdd does not have/;
			await assert.rejects(lab.update(state, news), why);
			await clean();
			await assert.rejects(
				domain.plan!(news, { ...lab.context, makes: false }),
				(error) => error instanceof InputError && why.test(error.message),
			);
		}
		assert.equal(await there("/tmp/trace"), "gone");
	});

	it("are not added where they are there, nor where they are not required and may not, or cannot, be", async () => {
		const tools = [
			greet({ name: "busybox", provides: "/bin/busybox" }),
			greet({ name: "shell", provides: "sh" }),
			greet({ required: false, sha256: sha256("another"), script: { text: "another" } }),
			greet({ name: "away", provides: "/usr/bin/away", script: { file: "/nonexistent" }, required: false }),
			greet({ name: "nowhere", provides: "/no/folder/greet", required: false }),
		];
		await update(other({ morph: { tools }, agentPolicy: mayGreet }));
		assert.deepEqual(state.morphTools, {
			present: ["busybox", "shell"],
			added: [],
			removed: [],
			unavailable: ["away", "nowhere"],
			unauthorised: ["greet"],
		});
		assert.match(
			lab.logged.join("\n"),
			/could not add the tool nowhere .*there is no folder \/no\/folder; goes on without/,
		);
		await clean();
	});

	it("are gone after a step that fails, where that is taken back and where it is not", async () => {
		const former = inputs;
		const failing = (onFailure: string) => ({
			morph: { tools: [greet()], preMigration: [uses], postMigration: [{ exec: ["/bin/false"], onFailure }] },
			agentPolicy: mayGreet,
		});
		await assert.rejects(lab.update(state, other(failing("compensate"))), /has been taken back/);
		assert.equal(await traced(), "hello world");
		await clean(former);

		const half = other(failing("abort"));
		await assert.rejects(lab.update(state, half), (error) => error instanceof IncompleteError);
		assert.equal(await there("/usr/bin/greet"), "gone");
		assert.equal(await there("/var/lib/clones-tools"), "gone");
		assert.match(await cli("status"), new RegExp(`^ +done: tool greet ${sha256(GREET).slice(0, 16)}$`, "m"));
		assert.equal(await traced(), "hello world");
		// The next run needs it again.
		const good = other({
			morph: { tools: [greet()], preMigration: [uses], postMigration: [uses] },
			agentPolicy: mayGreet,
		});
		await update(good);
		assert.equal(await traced(), "hello world");
		assert.deepEqual(state.morphTools?.removed, ["greet"]);
		await clean();
	});

	it("are gone after a driver that is killed anywhere, and the next run", async () => {
		let [deaths, left] = [0, 0];
		for (let diesAt = 1; ; diesAt += 9) {
			const former = inputs;
			const news = other({ morph: { tools: [greet()], preMigration: [uses] }, agentPolicy: mayGreet });
			const died = await diesAtCall(diesAt, lab, state, news, ["agent", "setMetadata"]);
			if (died) {
				deaths++;
				if ((await there("/var/lib/clones-tools")) === "there") left++;
			}
			// It goes on; or another one is wanted, whose template knows of no tools.
			const back = { ...former, ...parsed({ morph: {}, agentPolicy: undefined }) };
			await update(died && deaths % 2 === 0 ? back : news);
			await clean();
			if (!died) break;
		}
		assert.ok(deaths >= 4, `${deaths} deaths`);
		assert.ok(left >= 1, `${left} of ${deaths} deaths left something for the next run`);
	});

	it("come as packages with commands of their own, whose credentials nobody sees", async () => {
		const file = lab.path("thing.pkg");
		await writeFile(file, PACKAGE);
		const thing = {
			name: "thing",
			provides: "/opt/thing/bin/thing",
			package: { file, install: ["/bin/sh", "{file}", "add"], remove: ["/bin/sh", "{file}", "del"] },
			sha256: sha256(PACKAGE),
			credentials: { REPOSITORY_PASSWORD: PASSWORD },
		};
		let metadata = "";
		const seen = new Proxy(lab.host.domains, {
			get: (target, name: keyof Host["domains"]) => {
				if (name !== "setMetadata") return target[name];
				return (...given: Parameters<Host["domains"]["setMetadata"]>) => {
					metadata += JSON.stringify(given);
					return target.setMetadata(...given);
				};
			},
		});
		const host = Object.assign(Object.create(lab.host) as Host, { domains: seen });
		const policy = { mayAdd: [sha256(PACKAGE)] };
		const needs = { exec: ["/bin/sh", "-c", "[ -e /opt/thing/bin/thing ]"] };
		const news = other({ morph: { tools: [thing], hotPlug: [needs], hotUnplug: [needs] }, agentPolicy: policy });
		state = wire(await domain.update(state.uuid, state, news, { ...lab.context, host }));
		inputs = news;
		assert.deepEqual([state.morphTools?.added, state.morphTools?.removed], [["thing"], ["thing"]]);
		assert.equal(await there("/opt/thing"), "gone");
		assert.equal(await lab.sh(state.uuid, "cat /tmp/password-hash"), sha256(PASSWORD));
		const lines = await lab.sh(state.uuid, "cat /tmp/command-lines");
		assert.match(lines, /thing\.pkg add/);
		assert.ok(!lines.includes(PASSWORD), lines);
		assert.match(metadata, /tool thing/);
		assert.ok(!metadata.includes(PASSWORD), metadata);
		assert.ok(!lab.logged.join("\n").includes(PASSWORD));
		await clean();

		await writeFile(file, `${PACKAGE}# something else\n`);
		const forged = other({ morph: { tools: [thing] }, agentPolicy: policy });
		await assert.rejects(
			lab.update(state, forged),
			/tool thing: .* cannot be added: .*thing\.pkg with sha256 .* which is/,
		);
		await clean();
	});

	it("stay where they are to be kept", async () => {
		const morph = { tools: [greet({ keep: true })], preMigration: [uses] };
		await update(other({ morph, agentPolicy: mayGreet }));
		assert.deepEqual([state.morphTools?.added, state.morphTools?.removed], [["greet"], []]);
		assert.equal(await there("/usr/bin/greet"), "there");
		assert.equal(await there("/var/lib/clones-tools"), "gone");
		await update(other({ morph }));
		assert.deepEqual(state.morphTools?.present, ["greet"]);
		await lab.sh(state.uuid, "rm /usr/bin/greet /tmp/trace");
		await update(other({ morph: {}, agentPolicy: undefined }));
		await clean();
	});

	it("and the agent are left alone where it may not be used, which leaves fewer options", async () => {
		if ((await vcpus()) === 1) await update(other({}));
		const asked: string[] = [];
		const watched = new Proxy(lab.host.domains, {
			get: (target, name: keyof Host["domains"]) => {
				if (name !== "agent") return target[name];
				return (...given: Parameters<Host["domains"]["agent"]>) => {
					asked.push(given[1]);
					return target.agent(...given);
				};
			},
		});
		const context = { ...lab.context, host: Object.assign(Object.create(lab.host) as Host, { domains: watched }) };
		const change = async (news: DomainInputs) => {
			state = wire(await domain.update(state.uuid, state, news, context));
			inputs = news;
		};
		const effects = async (news: DomainInputs) => {
			const facts = await factsOf(inputs, context);
			return changes({ ...state, ...facts } as Full, news).map(({ effect, note }) => `${effect}: ${note}`);
		};
		assert.match(await cli("options"), /^nano +1 +512 +live$/m);
		await change({ ...inputs, ...parsed({ agentPolicy: { use: false } }) });
		const options = await cli("options");
		const barred = "the guest agent, which may not be used \\(agentPolicy.use is false\\)";
		assert.match(options, new RegExp(`^nano +1 +512 +reboot +tooled: without KVM .* by ${barred}$`, "m"));
		assert.match(options, new RegExp(`^tooled lacks leave to use its ${barred.slice(4)}`, "m"));
		const sized = (vcpus: number, memoryMiB: number) => ({ ...inputs, instanceType: { vcpus, memoryMiB } });
		assert.match((await effects(sized(1, 160))).join(), new RegExp(`^restart: .*left aside, by ${barred}`));
		assert.match((await effects(sized(2, 128))).join(), new RegExp(`^restart: .*can spare is asked of ${barred}`));
		const fewer = { ...inputs, disks: inputs.disks.slice(0, 1) };
		assert.match((await effects(fewer)).join(), new RegExp(`^restart: taken out: whether it is in use says ${barred}`));
		const more = sized(3, 224);
		assert.match((await effects(more)).join(), /^live: .*hot plug; the guest puts them to use/);
		const plan = await domain.plan!(more, { ...context, makes: false });
		assert.match(plan.join("\n"), new RegExp(`warning: morph: ${barred}, does nothing: the guest has to do its part`));
		await change(more);
		assert.deepEqual(asked, []);
		assert.match(
			lab.logged.join("\n"),
			new RegExp(`put the memory that was added to use itself: ${barred.slice(0, 15)}`),
		);
		assert.deepEqual(changes(state, inputs), []);
	});
});
