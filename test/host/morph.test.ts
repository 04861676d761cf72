import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { InstanceTypes, type MorphOption, morphOptions } from "../../index";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import { factsOf } from "../../provider/domain/plan";
import type { DomainInputs } from "../../provider/domain/schema";
import { IncompleteError } from "../../provider/lifecycle";
import { lookAtShape } from "../../provider/morph/probe";
import { morphSchema } from "../../provider/morph/template";
import { parse } from "../../provider/xml/element";
import { recordedIn } from "../../provider/xml/metadata";
import { repository } from "../../tools/pulumi/project";
import { type Full, Lab, wire } from "./domain-lab";
import { diesAtCall } from "./dying-host";

const run = promisify(execFile);

describe("a machine that changes its size while it runs", function () {
	this.timeout(240_000);
	let lab: Lab;
	let inputs: DomainInputs;
	let state: Full;
	let bootId: string;
	type Given = Partial<Record<keyof DomainInputs, unknown>>;

	before(async () => {
		lab = await Lab.start();
		inputs = await lab.inputs("grows", {
			memoryMiB: undefined,
			type: "qemu",
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

	/** @returns the preview's lines of it */
	async function change(more: Given): Promise<string[]> {
		const news = over(inputs, more);
		const facts = await factsOf(inputs, lab.context);
		const lines = changes({ ...state, ...facts } as Full, news).map(({ property, effect }) => `${property}: ${effect}`);
		const plan = await domain.plan!(news, { ...lab.context, makes: false });
		state = wire(await lab.update(state, news));
		inputs = news;
		return [...lines, ...plan.filter((line) => /^morph|^ {2}/.test(line))];
	}

	/** As `check` makes it of what a program gives. */
	function over(before: DomainInputs, { morph, ...more }: Given): DomainInputs {
		return { ...before, ...more, ...(morph !== undefined && { morph: morphSchema.parse(morph) }) } as DomainInputs;
	}

	const size = (vcpus: number, memoryMiB: number) => ({ instanceType: { vcpus, memoryMiB } });
	const inGuest = async () => ({
		vcpus: Number(await lab.sh(state.uuid, "nproc")),
		memoryMiB: Number(await lab.sh(state.uuid, "awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo")),
	});

	async function untouched() {
		assert.deepEqual(wire(await lab.read(state)), state);
		assert.deepEqual(changes(state, inputs), []);
		assert.equal(
			await lab.sh(state.uuid, "cat /proc/sys/kernel/random/boot_id"),
			bootId,
			"the guest was not restarted",
		);
		assert.equal(await record(), undefined);
	}

	async function cli(command: "options" | "status", ...names: string[]): Promise<string> {
		const program = join(repository, "dist/cli/main.js");
		return (await run("node", [program, "morph", command, ...names, "--uri", lab.machine.uri])).stdout;
	}

	async function record(): Promise<string | undefined> {
		return recordedIn(parse(await lab.host.domains.xml(state.uuid, { inactive: true })))?.morph;
	}

	it("is found as it is", untouched);

	it("is told what it can change to, in the command line as well", async () => {
		const options = await cli("options", "grows");
		assert.match(options, /^nano +1 +512 +live$/m);
		assert.match(
			options,
			/^large +2 +8192 +reboot +grows: 8192 MiB are beyond the 1024 that it was started with room for$/m,
		);
		assert.match(
			options,
			/^memory of grows: virtioMem, balloon; not dimm: all of its room is for virtio-mem \(headroom.memoryBy: "dimm"\)$/m,
		);
		assert.match(await cli("status", "grows"), /^grows +1 vCPUs, 160 MiB +none under way$/m);
		const types = new InstanceTypes({ own: { vcpus: 3, memoryMiB: 1024 } });
		const asked = morphOptions({ machines: [state.uuid], types, uri: lab.machine.uri });
		const all = await new Promise<MorphOption[]>((resolve) => void asked.apply(resolve));
		const own = all.find(({ type }) => type === "own");
		assert.deepEqual([own?.mode, own?.memoryBy], ["live", ["virtioMem"]]);
		await assert.rejects(cli("options", "nobody"), /there is no machine nobody on qemu/);
	});

	it("takes memory and vCPUs, which the guest uses at once", async () => {
		const before = await inGuest();
		assert.deepEqual(await change(size(2, 288)), [
			"instanceType: live",
			"morph: live, in 2 step(s)",
			"  1. hotPlug: 160 to 288 MiB: virtio-mem",
			"  2. hotPlug: 1 to 2 vCPUs: hot plug, put to use by the guest agent",
		]);
		const after = await inGuest();
		assert.equal(after.vcpus, 2);
		assert.equal(after.memoryMiB - before.memoryMiB, 128);
		await untouched();
	});

	it("gives back both, as far as emulation can", async () => {
		const before = await inGuest();
		assert.match((await change(size(1, 224))).join(), /left aside by the guest agent/);
		const after = await inGuest();
		assert.equal(after.vcpus, 1);
		assert.equal(before.memoryMiB - after.memoryMiB, 64);
		assert.equal((await lookAtShape(lab.context, state.uuid)).vcpus.present, 2);
		await untouched();
	});

	it("takes up again what it left aside, and goes below what it was started with", async () => {
		const before = await inGuest();
		const plan = await change(size(2, 128));
		assert.match(plan.join(), /224 to 128 MiB: virtio-mem and the balloon.*1 to 2 vCPUs: put to use again/);
		const after = await inGuest();
		assert.equal(after.vcpus, 2);
		assert.equal(before.memoryMiB - after.memoryMiB, 96);
		await untouched();
		await change(size(2, 288));
		await untouched();
	});

	it("gives back by the balloon where the template says so, which is no drift, and has it again by virtio-mem", async () => {
		const before = await inGuest();
		const plan = await change({ ...size(2, 252), morph: { hotUnplug: [{ kind: "memory", by: "balloon" }] } });
		assert.match(plan.join(), /hotUnplug: 288 to 252 MiB: the balloon/);
		assert.equal(before.memoryMiB - (await inGuest()).memoryMiB, 36);
		assert.equal((await lookAtShape(lab.context, state.uuid)).memory.room?.device?.currentMiB, 128);
		await untouched();
		assert.match((await change({ ...size(2, 288), morph: {} })).join(), /252 to 288 MiB: the balloon/);
		assert.deepEqual(await inGuest(), before);
		await untouched();
	});

	const exec = (script: string, more: object = {}) => ({ kind: "guestExec", exec: ["/bin/sh", "-c", script], ...more });
	const trace = (word: string) => `echo ${word} >> /tmp/trace`;
	const hostTrace = () => join(lab.machine.directory, "trace");
	const onHost = (text: string) => ["/bin/sh", "-c", `echo "${text} $MACHINE_UUID" >> ${hostTrace()}`];
	const traced = async () => (await lab.sh(state.uuid, "cat /tmp/trace; rm -f /tmp/trace")).split("\n");

	it("runs the template's programs in their places", async () => {
		await change({
			...size(1, 224),
			morph: {
				preMigration: [exec(trace("pre")), { kind: "hostExec", exec: onHost("pre"), undo: onHost("unpre") }],
				hotUnplug: [{ kind: "memory" }, exec(trace("unplug $(nproc)")), { kind: "vcpus" }],
				postMigration: [
					exec(trace("post")),
					exec(trace("post"), { parallel: true }),
					exec("exit 3", { onFailure: "continue" }),
				],
			},
		});
		assert.deepEqual(await traced(), ["pre", "unplug 2", "post", "post"]);
		assert.equal(await readFile(hostTrace(), "utf8"), `pre ${state.uuid}\n`);
		assert.match(
			lab.logged.join("\n"),
			/could not run \/bin\/sh in the guest: it ended with exit code 3; .*goes on without/,
		);
		await untouched();
	});

	it("is as it was when a step fails, and says so", async () => {
		const before = await inGuest();
		const morph = {
			preMigration: [exec(trace("pre"), { undo: ["/bin/sh", "-c", trace("unpre")] })],
			postMigration: [exec("echo nobody is home >&2; exit 7")],
		};
		const formerly = inputs;
		await assert.rejects(
			change({ ...size(2, 288), morph }),
			/it ended with exit code 7; it said: nobody is home\nWhat was done before has been taken back. grows runs on as it was/,
		);
		assert.deepEqual(await inGuest(), before);
		assert.deepEqual(await traced(), ["pre", "unpre"]);
		inputs = formerly;
		await untouched();
	});

	const custom = (script: string, check: string, more: object = {}) => ({
		...exec(script),
		kind: "custom",
		check: ["/bin/sh", "-c", check],
		timeoutSeconds: 20,
		...more,
	});

	it("runs steps of one's own that say themselves whether they have had their effect", async () => {
		const later = "[ -e /tmp/later ] || { (sleep 1; touch /tmp/later) > /dev/null 2>&1 & }";
		const on = { on: "host", checkOn: "guest", exec: onHost("custom") };
		const morph = {
			preMigration: [custom(`${trace("act")}; ${later}`, "[ -e /tmp/later ]"), custom(trace("never"), "true")],
			postMigration: [
				custom("", "[ $(nproc) = 2 ]", on),
				custom("", "[ $(nproc) = 1 ]", { ...on, onFailure: "continue" }),
			],
		};
		await change({ ...size(2, 224), morph: { ...morph, postMigration: morph.postMigration.slice(0, 1) } });
		assert.deepEqual(await traced(), ["act"]);
		await change({
			...size(1, 224),
			morph: { preMigration: morph.preMigration, postMigration: [morph.postMigration[1]] },
		});
		assert.deepEqual(await traced(), [""]);
		assert.equal(await readFile(hostTrace(), "utf8"), `pre ${state.uuid}\n`);
		const formerly = inputs;
		const fails = custom(trace("act"), "echo not yet; false", {
			timeoutSeconds: 2,
			undo: ["/bin/sh", "-c", trace("unact")],
		});
		const there = custom(trace("never"), "true", { undo: ["/bin/sh", "-c", trace("never")] });
		await assert.rejects(
			change({ ...size(2, 288), morph: { preMigration: [there], postMigration: [fails] } }),
			/could not run \/bin\/sh in the guest: its check \/bin\/sh has not succeeded within 2 s .* exit code 1; it said: not yet\n/,
		);
		assert.deepEqual(await traced(), ["act", "unact"]);
		inputs = formerly;
		await untouched();
	});

	const named = (xml: string, alias: string) => xml.replace("/>", `/><alias name="${alias}"/>`);
	const MORE = `<domain><devices>
		${named('<rng model="virtio"><backend model="random">/dev/urandom</backend><rate bytes="1024"/></rng>', "ua-more-rng")}
		${named('<channel type="null"><target type="virtio" name="com.example.more"/></channel>', "ua-more-port")}
	</devices></domain>`;
	const device = { hotUnplug: [{ kind: "device" }], hotPlug: [{ kind: "device" }] };
	const LOOK = "echo $(ls /sys/bus/pci/devices | wc -l) $(cat /sys/class/virtio-ports/*/name | wc -l)";
	/** What the guest shows, once that is as expected. */
	const shown = (expected: string) =>
		lab.sh(state.uuid, `for i in $(seq 300); do [ "$(${LOOK})" = "${expected}" ] && break; sleep 0.1; done; ${LOOK}`);

	it("takes devices of extraXml and gives them back where the template has a place for them", async () => {
		const before = await lab.sh(state.uuid, LOOK);
		const more = before.replace(/\d+/g, (count) => String(Number(count) + 1));
		assert.deepEqual(await change({ extraXml: MORE, morph: device }), [
			"morph: live",
			"extraXml: live",
			"morph: live, in 1 step(s)",
			"  1. hotPlug: put in device ua-more-rng, device ua-more-port",
		]);
		assert.equal(await shown(more), more);
		await untouched();
		const formerly = inputs;
		const failing = { ...device, postMigration: [exec("exit 1")] };
		await assert.rejects(
			change({ extraXml: undefined, morph: failing }),
			/has been taken back. grows runs on as it was/,
		);
		inputs = formerly;
		assert.equal(await shown(more), more);
		await untouched();
		let deaths = 0;
		for (let diesAt = 2; ; diesAt += 3) {
			const { extraXml, ...rest } = over(inputs, { morph: device });
			const news: DomainInputs = extraXml === undefined ? { ...rest, extraXml: MORE } : rest;
			const died = await diesAtCall(diesAt, lab, state, news);
			// The next run goes on, or back.
			if (!died || diesAt % 2 === 1) inputs = news;
			state = wire(await lab.update(state, inputs));
			const expected = inputs.extraXml === undefined ? before : more;
			assert.equal(await shown(expected), expected, `killed at ${diesAt}`);
			await untouched();
			if (!died) break;
			deaths++;
		}
		assert.ok(deaths >= 3, `${deaths} deaths`);
		await change({ extraXml: undefined });
		assert.equal(await shown(before), before);
		await untouched();
	});

	it("takes no memory that the guest's programs use", async () => {
		await change({ ...size(1, 288), morph: {} });
		await lab.sh(
			state.uuid,
			"mkdir -p /mnt/full; mount -t tmpfs -o size=250m none /mnt/full; dd if=/dev/zero of=/mnt/full/x bs=1M count=110 2>/dev/null",
		);
		const formerly = inputs;
		await assert.rejects(
			change(size(1, 128)),
			/its guest uses too much: 160 MiB are to be given back, and \d+ are available/,
		);
		inputs = formerly;
		await lab.sh(state.uuid, "umount /mnt/full");
		await untouched();
	});

	it("is recorded as half way when a step fails that aborts, and can be taken back", async () => {
		const former = inputs;
		const morph = {
			preMigration: [exec(trace("pre"), { undo: ["/bin/sh", "-c", trace("unpre")] })],
			postMigration: [exec("exit 1", { onFailure: "abort" })],
		};
		const news = over(inputs, { ...size(1, 160), morph });
		const error = await lab.update(state, news).then(
			() => undefined,
			(failure) => failure,
		);
		assert.ok(error instanceof IncompleteError, String(error));
		assert.match((await record())!, /"goal":"1 vCPUs, 160 MiB"/);
		const status = await cli("status");
		assert.match(status, /^grows +\d vCPUs, 288 MiB +to 1 vCPUs, 160 MiB, from 1 vCPUs, 288 MiB$/m);
		assert.match(status, /^ +done: preMigration [0-9a-f]{16}$/m);
		assert.equal((await lab.read(state))?.incomplete, true);
		const back = over(former, { morph: { preMigration: morph.preMigration } });
		state = wire({ ...(await lab.update({ ...state, incomplete: true }, back)), incomplete: undefined });
		inputs = back;
		assert.deepEqual(await traced(), ["pre", "unpre", "pre"]);
		await untouched();
	});

	it("comes to its end wherever the driver is killed", async () => {
		const sizes = [
			{ ...size(2, 288), morph: {} },
			{ ...size(1, 224), morph: {} },
		];
		let deaths = 0;
		for (let diesAt = 1; ; diesAt++) {
			const news = over(inputs, sizes[diesAt % 2]!);
			const died = await diesAtCall(diesAt, lab, state, news);
			if (died) deaths++;
			state = wire(await lab.update(state, news));
			inputs = news;
			assert.equal((await inGuest()).vcpus, (news.instanceType as { vcpus: number }).vcpus);
			await untouched();
			if (!died) break;
		}
		assert.ok(deaths >= 12, `${deaths} deaths`);
	});

	it("has all its memory from the start when it is started again", async () => {
		await change(size(2, 288));
		await change({ running: false, shutdownTimeoutSeconds: 0 });
		await change({ running: true });
		const { memory } = await lookAtShape(lab.context, state.uuid);
		assert.deepEqual([memory.room?.bootMiB, memory.room?.device?.requestedMiB], [288, 0]);
		bootId = await lab.sh(state.uuid, "cat /proc/sys/kernel/random/boot_id");
		await untouched();
	});

	it("gets its room by a restart when it was made without, and the preview says what it lacks", async () => {
		const bare = lab.plain("bare", { type: "qemu", memoryMiB: 64 });
		const made = wire(await lab.create(bare));
		const news = over(lab.plain("bare", { type: "qemu", instanceType: { vcpus: 1, memoryMiB: 64 } }), {});
		assert.deepEqual(
			changes(made, news).map(({ property, effect }) => `${property}: ${effect}`),
			["instanceType: restart"],
		);
		const grown = { ...news, instanceType: { vcpus: 2, memoryMiB: 96 } };
		const plan = (await domain.plan!(grown, { ...lab.context, makes: false })).join("\n");
		assert.match(plan, /morph: reboot: 2 vCPUs are beyond the 1 .*; it was started without room for memory\n/);
		for (const what of ["room for vCPUs", "room for memory", "a NUMA cell", "a virtio-mem device"]) {
			assert.match(plan, new RegExp(`it lacks ${what}`));
		}
		const roomy = wire(await lab.update(made, news));
		assert.deepEqual(wire(await lab.read(roomy)), roomy);
		assert.equal((await lookAtShape(lab.context, roomy.uuid)).memory.room?.maxMemoryMiB, 65_536);

		const later = lab.plain("bare", {
			type: "qemu",
			instanceType: { vcpus: 2, memoryMiB: 96 },
			headroom: { maxMemoryMiB: 1024 },
			onRestartRequired: "defer",
		});
		const waiting = wire(await lab.update(roomy, later));
		assert.deepEqual(waiting.pendingRestart?.properties, ["headroom"]);
		assert.equal((await lookAtShape(lab.context, roomy.uuid)).memory.presentMiB, 64);
		assert.deepEqual(wire(await lab.read(waiting)), waiting);
		await lab.delete(waiting);
	});
});
