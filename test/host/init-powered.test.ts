import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { domain } from "../../provider/domain/lifecycle";
import { poll } from "../../provider/domain/patience";
import { untilAgent } from "../../provider/domain/wait";
import { injectedOf, recordedOf } from "../../provider/init/injected";
import { injection } from "../../provider/init/injection/lifecycle";
import { type InjectionFacts, type InjectionInputs, injectionSchema } from "../../provider/init/injection/schema";
import { cloneSource } from "../../provider/init/source/lifecycle";
import { cloneSourceSchema } from "../../provider/init/source/schema";
import { connect } from "../../provider/libvirt";
import type { State } from "../../provider/lifecycle";
import { type Full, Lab } from "./domain-lab";
import { kill, payloadOf } from "./inject-lab";
import { askForPassword, readingUri } from "./sasl";

const SECONDS = 90;

describe("a machine that is off, and is started for scripts to be put into it", function () {
	this.timeout(400_000);
	let lab: Lab;
	let source: Full;
	let made: State<InjectionInputs, InjectionFacts>;
	const one = payloadOf("one");

	before(async () => {
		lab = await Lab.start();
		source = await lab.create(await lab.inputs("source", { running: false, nics: [] }));
	});
	after(() => lab?.stop());

	const inputs = (payload = one, powerOnSeconds = SECONDS) =>
		injectionSchema.parse({
			uri: lab.machine.uri,
			ownerId: "org/project/stack/web-source",
			domain: source.uuid,
			injected: recordedOf(injectedOf(payload)),
			powerOnSeconds,
		});
	const asSource = () => {
		const given = { uri: lab.machine.uri, ownerId: "org/project/stack/web-source", domain: source.uuid };
		return cloneSourceSchema.parse({ ...given, action: "powerOn", timeoutSeconds: 5 });
	};
	const state = async () => (await lab.host.domains.state(source.uuid)).state;
	const definition = () => lab.host.domains.xml(source.uuid, { inactive: true, secure: true });

	/** What an overlay of its disk has, as a clone finds it. */
	async function inClone(script: string): Promise<string> {
		const disk = lab.path("look.qcow2");
		await lab.machine.exec("qemu-img", [
			...["create", "-q", "-f", "qcow2", "-b", source.disks[0]!.volume, "-F", "qcow2", disk],
		]);
		await lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);
		const clone = await lab.create(
			await lab.inputs("clone", { disks: [{ volume: disk }], nics: [], waitFor: { agent: true, address: "none" } }),
		);
		const said = await lab.sh(clone.uuid, script);
		await lab.delete(clone);
		await lab.machine.exec("rm", [disk]);
		await lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);
		return said;
	}

	it("is off again as it was, and its clones have them", async () => {
		const before = await definition();
		assert.deepEqual(await cloneSource.plan!(asSource(), lab.context), [
			"source is started for its scripts, and is off again afterwards",
		]);
		await cloneSource.create(asSource(), lab.context);
		assert.match(
			(await injection.plan!(inputs(), lab.context))[0]!,
			/are put into source by its guest agent, for which it is started; it is off again afterwards$/,
		);
		made = (await injection.create(inputs(), lab.context)).state;
		assert.equal(await state(), "shutoff");
		assert.equal(await definition(), before);
		assert.deepEqual(domain.changes((await lab.read(source))!, source), []);
		assert.equal((await inClone("cat /usr/lib/clones-init/plan/version")).trim(), one.version);
	});

	it("is not started while others stand on its disk", async () => {
		const overlay = lab.path("overlay.qcow2");
		const { stdout } = await lab.machine.exec("qemu-img", [
			...["create", "-q", "-f", "qcow2", "-b", source.disks[0]!.volume, "-F", "qcow2", overlay],
		]);
		assert.equal(stdout, "");
		await lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);
		const context = await Lab.connect(lab);
		const other = inputs(payloadOf("two"));
		await assert.rejects(injection.update("", made, other, context), /overlay\.qcow2 \(an overlay on it\)/);
		assert.equal(await state(), "shutoff");
		await lab.machine.exec("rm", [overlay]);
		await lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);
	});

	it("is off once the next run has put them in, where one was killed in the middle", async () => {
		const two = inputs(payloadOf("two"));
		const sent = { ...two, injected: injectedOf(payloadOf("two")) };
		const child = spawn(process.execPath, [join(__dirname, "powered-process.js")], {
			env: { ...process.env, INJECTION: JSON.stringify(sent) },
			stdio: ["ignore", "inherit", "inherit"],
			detached: true,
		});
		const started = await poll(SECONDS, async () => ((await state()) === "shutoff" ? undefined : true), {
			slowestMs: 50,
		});
		assert.ok(started && child.exitCode === null);
		await kill(child);
		// Who starts it later is somebody else.
		assert.doesNotMatch(await definition(), /power-on/);
		assert.match(
			(await cloneSource.plan!(asSource(), lab.context)).join(),
			/source runs: a run that was cut off has started it/,
		);
		await cloneSource.create(asSource(), lab.context);
		assert.notEqual(await state(), "shutoff");
		made = (await injection.create(two, await Lab.connect(lab))).state;
		assert.equal(await state(), "shutoff");
	});

	it("is off again where no agent answers in time", async () => {
		const mute = await lab.create(await lab.inputs("mute", { running: false, nics: [], agent: false }));
		const before = await lab.host.domains.xml(mute.uuid, { inactive: true, secure: true });
		await assert.rejects(
			injection.create({ ...inputs(one, 3), domain: mute.uuid }, await Lab.connect(lab)),
			/the guest agent of mute, which was started for this, has not answered within 3 s .*it is off again/,
		);
		assert.equal((await lab.host.domains.state(mute.uuid)).state, "shutoff");
		assert.equal(await lab.host.domains.xml(mute.uuid, { inactive: true, secure: true }), before);
	});

	it("has them taken out in the same way", async () => {
		await injection.delete("", made, await Lab.connect(lab));
		assert.equal(await state(), "shutoff");
		assert.equal(await inClone("ls -d /usr/lib/clones-init 2>/dev/null; true"), "");
	});

	it("is refused where somebody else has started it, and goes on then", async () => {
		await lab.host.domains.start(source.uuid);
		assert.match(
			(await cloneSource.plan!(asSource(), lab.context)).join(),
			/warning: domain: domain source is running; allowed is one that is shut off/,
		);
		await assert.rejects(
			cloneSource.create(asSource(), lab.context),
			/domain source is running; allowed is one that is shut off/,
		);
		assert.ok(await untilAgent(lab.host, source.uuid, SECONDS));
		await injection.create(inputs(payloadOf("four")), await Lab.connect(lab));
		assert.equal(await state(), "running");
		await lab.host.domains.destroy(source.uuid);
	});

	it("is started with other credentials where one's own may only look at it", async () => {
		const reader = { ...lab.context, host: connect(readingUri(lab.machine)) };
		const five = { ...inputs(payloadOf("five")), uri: readingUri(lab.machine) };
		const before = await definition();
		await assert.rejects(injection.create(five, reader), /VIR_ERR_OPERATION_DENIED/);
		const authFile = await askForPassword(lab.machine, "sesame-and-poppy");
		lab.logged.length = 0;
		await injection.create({ ...five, elevatedCredentials: { uri: lab.machine.uri, authFile } }, reader);
		assert.match(lab.logged.join("\n"), /denied: .*; it is done with elevatedCredentials.*source is off again/s);
		assert.doesNotMatch(lab.logged.join("\n"), /sesame/);
		assert.equal((await reader.host.domains.state(source.uuid)).state, "shutoff");
		assert.equal(await reader.host.domains.xml(source.uuid, { inactive: true }), before);
		await reader.host.close();
	});
});
