import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { domain } from "../../provider/domain/lifecycle";
import { look } from "../../provider/domain/look";
import type { DomainInputs } from "../../provider/domain/schema";
import { IncompleteError } from "../../provider/lifecycle";
import { attribute, child, parse } from "../../provider/xml/element";
import { type Full, Lab, wire } from "./domain-lab";

describe("domain: what goes wrong, and whose a machine is", () => {
	let lab: Lab;

	before(async function () {
		this.timeout(600_000);
		lab = await Lab.start();
	});
	after(async () => {
		await lab?.stop();
	});

	const names = async () => (await lab.host.domains.list()).map(({ name }) => name).sort();

	it("leaves nothing behind when the machine cannot start", async () => {
		const inputs = lab.plain("broken", { memoryMiB: 64, boot: { kernel: lab.path("no-such-kernel") } });
		await assert.rejects(lab.create(inputs), /no-such-kernel/);
		assert.deepEqual(await names(), []);
	});

	it("has the UUID that it is given, and no other machine's", async () => {
		const uuid = "5ea1ab1e-0000-4000-8000-00000000002a";
		const made = await lab.create(lab.plain("known", { running: false, uuid }));
		assert.equal(made.uuid, uuid);
		await assert.rejects(lab.create(lab.plain("other", { running: false, uuid })), /which domain known has/);
		const [change] = domain.changes(made, { ...made, uuid: "5ea1ab1e-0000-4000-8000-00000000002b" });
		assert.deepEqual([change!.property, change!.effect], ["uuid", "replace"]);
		await domain.delete(uuid, made, lab.context);
		assert.deepEqual(await names(), []);
	});

	it("names a volume and a network that are missing", async () => {
		await assert.rejects(
			lab.create(lab.plain("nodisk", { disks: [{ volume: "/no/such/volume" }] })),
			/volume \/no\/such\/volume is in no active storage pool/,
		);
		await assert.rejects(
			lab.create(lab.plain("nonet", { nics: [{ network: "nowhere" }] })),
			/there is no network nowhere on the host/,
		);
		assert.deepEqual(await names(), []);
	});

	it("refuses a name that is somebody else's, and takes it over when asked to", async () => {
		const theirs = await lab.create(lab.plain("taken", { memoryMiB: 64 }));
		const mine = { ...lab.plain("taken", { memoryMiB: 72 }), ownerId: "org/project/other/taken" };
		await assert.rejects(
			lab.create(mine),
			/domain taken exists already: it belongs to org\/project\/stack\/taken.*adopt: true/,
		);
		assert.match((await domain.plan!(mine, lab.context)).join("\n"), /warning: domain taken exists already/);
		await assert.rejects(
			domain.delete(theirs.uuid, { ...theirs, ownerId: mine.ownerId }, lab.context),
			/was not deleted/,
		);
		const adopted = wire(await lab.create({ ...mine, adopt: true }));
		assert.equal(adopted.uuid, theirs.uuid);
		assert.deepEqual(wire(await lab.read(adopted)), adopted);
		const live = parse(await lab.host.domains.xml(adopted.uuid));
		assert.equal(Number(child(live, "memory")?.textContent), 72 * 1024);
		await assert.rejects(lab.delete(theirs), /it belongs to org\/project\/other\/taken/);
		await assert.rejects(lab.update(theirs, lab.plain("taken")), /was not changed: it belongs to org\/project\/other/);
		await lab.delete(adopted);
		assert.deepEqual(await names(), []);
	});

	it("knows its machine under previous owner ids", async () => {
		const made = await lab.create(lab.plain("moved", { memoryMiB: 64, running: false }));
		const inputs = {
			...lab.plain("moved", { memoryMiB: 64, running: false }),
			ownerId: "org/project/stack/new",
			previousOwnerIds: ["org/project/stack/moved"],
		};
		const again = await lab.create(inputs);
		assert.equal(again.uuid, made.uuid);
		assert.match(await lab.host.domains.xml(made.uuid), /stack\/new</);
		await lab.delete(again);
	});

	it("goes on where a killed create stopped, also under another name", async () => {
		const inputs = await lab.inputs("killed", { waitFor: { agent: true, address: "none", timeoutSeconds: 90 } });
		await createAndKill(inputs, async () => (await lab.host.domains.find("killed"))?.state === "running");
		const { uuid } = (await lab.host.domains.find("killed"))!;
		const state = wire(await lab.create(inputs));
		assert.equal(state.uuid, uuid);
		assert.ok(state.timings.agentMs! > 0);
		assert.deepEqual(wire(await lab.read(state)), state);
		await lab.delete(state);

		await createAndKill(inputs, async () => (await lab.host.domains.find("killed")) !== undefined);
		const left = (await lab.host.domains.find("killed"))!.uuid;
		const other = await Lab.connect(lab);
		const renamed = await domain.create(
			{ ...inputs, name: "renamed", waitFor: undefined, shutdownTimeoutSeconds: 0 },
			other,
		);
		assert.equal(renamed.id, left);
		assert.deepEqual(await names(), ["renamed"]);
		await lab.delete(renamed.state);
	});

	it("says what it saw when a guest does not show up, and finishes later", async () => {
		const inputs = lab.plain("silent", {
			memoryMiB: 64,
			nics: [{ network: "default" }],
			waitFor: { agent: true, timeoutSeconds: 2 },
			consoleLog: join(lab.machine.directory, "silent.log"),
			boot: { kernel: lab.path("kernel"), cmdline: "console=ttyS0 panic=0" },
		});
		const error = await lab.create(inputs).then(
			() => assert.fail("it was made"),
			(thrown: IncompleteError<DomainInputs, object>) => thrown,
		);
		assert.ok(error instanceof IncompleteError);
		assert.match(error.message, /silent did not show its guest agent within 2 s/);
		assert.match(error.message, /state: running, accelerator (kvm|qemu)/);
		assert.match(error.message, /guest agent: not connected/);
		assert.match(error.message, /lease: none for 52:/);
		assert.match(error.message, /console:/);
		const incomplete = wire({ ...error.state, incomplete: true }) as Full;
		assert.equal((await lab.read(incomplete))?.incomplete, true);
		const byAddress = { ...inputs, waitFor: { agent: false, address: "auto" as const, timeoutSeconds: 1 } };
		await assert.rejects(lab.update(incomplete, byAddress), /did not show an address within 1 s/);
		const state = await lab.update(incomplete, { ...inputs, waitFor: undefined });
		assert.equal(state.incomplete, undefined);
		assert.equal((await lab.host.domains.find("silent"))?.state, "running");
		await lab.delete(state);
	});

	it("says that QEMU itself ended while a guest was waited for, and starts it again later", async () => {
		const inputs = await lab.inputs("ended", { waitFor: { agent: true, timeoutSeconds: 90 } });
		const made = lab.create(inputs).catch((thrown: unknown) => thrown);
		while ((await lab.host.domains.find("ended"))?.state !== "running") await sleep(20);
		process.kill(Number(readFileSync(join(lab.machine.directory, "run/libvirt/qemu/ended.pid"), "utf8")), "SIGKILL");
		const error = (await made) as IncompleteError<DomainInputs, object>;
		assert.ok(error instanceof IncompleteError);
		assert.match(error.message, /ended went off before it showed its guest agent/);
		assert.match(
			error.message,
			/state: shutoff \(QEMU itself ended; why is at the end of its log.*\/ended\.log on the host/,
		);
		const state = await lab.update(wire({ ...error.state, incomplete: true }) as Full, inputs);
		assert.equal(state.incomplete, undefined);
		await lab.delete(state);
	});

	it("does not take what is left of a machine's former run for its address", async () => {
		const waitFor = { agent: false, address: "auto" as const, timeoutSeconds: 60 };
		const guest = await lab.inputs("leased", { waitFor, shutdownTimeoutSeconds: 0 });
		const first = await lab.create(guest);
		await lab.delete(first);

		// The same NIC, but nothing that would ask for an address.
		const { nics } = guest;
		const silent = lab.plain("leased", { memoryMiB: 64, nics, waitFor: { ...waitFor, timeoutSeconds: 1 } });
		const error = await lab.create(silent).catch((thrown) => thrown);
		assert.match(error.message, /did not show an address within 1 s/);
		assert.ok(
			error.message.includes(`lease: ${first.macs[0]} ${first.addresses[0]} (of an earlier run)`),
			error.message,
		);
		const incomplete = wire({ ...error.state, incomplete: true }) as Full;
		await assert.rejects(lab.update(incomplete, silent), /did not show an address/, "it is not a new start");
		const shown = wire(await lab.update(incomplete, guest));
		assert.deepEqual([shown.addresses, shown.formerLeases], [first.addresses, undefined]);

		// One that has been running tells nothing new.
		const taken = await lab.create({ ...guest, ownerId: "org/project/other/leased", adopt: true });
		assert.deepEqual([taken.uuid, taken.addresses], [shown.uuid, first.addresses]);
		await lab.delete(taken);
	});

	it("runs as before when a change does not start", async () => {
		const inputs = lab.plain("fragile", { memoryMiB: 64, shutdownTimeoutSeconds: 0 });
		const state = wire(await lab.create(inputs));
		const extraXml =
			'<domain xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0"><qemu:commandline><qemu:arg value="-nonsense"/></qemu:commandline></domain>';
		await assert.rejects(
			lab.update(state, { ...inputs, extraXml }),
			/nonsense.*runs with its former definition again/s,
		);
		assert.equal((await lab.host.domains.find("fragile"))?.state, "running");
		assert.deepEqual(wire(await lab.read(state)), state);
		await lab.delete(state);
	});

	it("runs on without a break when libvirt refuses a change that needs a restart", async () => {
		const inputs = lab.plain("unbroken", { memoryMiB: 64 });
		const state = wire(await lab.create(inputs));
		const id = await lab.machine.virsh("domid", "unbroken");
		const extraXml = "<domain><devices><watchdog model='i6300esb' action='bark'/></devices></domain>";
		await assert.rejects(lab.update(state, { ...inputs, extraXml }), /unbroken runs on as it was: nothing was changed/);
		await assert.rejects(lab.update(state, { ...inputs, name: "other", extraXml }), /unbroken runs on as it was/);
		assert.equal(await lab.machine.virsh("domid", "unbroken"), id);
		assert.deepEqual(wire(await lab.read(state)), state);
		await lab.delete(state);
	});

	it("keeps the variables of a UEFI machine over changes and a new name, and removes them with it", async () => {
		const folder = join(lab.machine.directory, "lib/qemu/nvram");
		const inputs = lab.plain("uefi", { memoryMiB: 128, firmware: "uefi", shutdownTimeoutSeconds: 0 });
		let state = wire(await lab.create(inputs));
		assert.deepEqual(readdirSync(folder), [`${state.uuid}_VARS.fd`]);
		const file = join(folder, `${state.uuid}_VARS.fd`);
		assert.deepEqual(wire(await lab.read(state)), state);
		await lab.host.domains.destroy(state.uuid);
		await lab.machine.exec("sh", ["-c", `printf MARK | dd of=${file} bs=1 seek=540000 conv=notrunc`]);
		state = wire(await lab.update(state, { ...inputs, name: "uefi-renamed", rng: false }));
		const marked = await lab.machine.exec("dd", [`if=${file}`, "bs=1", "skip=540000", "count=4"]);
		assert.equal(marked.stdout, "MARK");
		assert.equal((await lab.host.domains.find("uefi-renamed"))?.uuid, state.uuid);
		await lab.delete(state);
		assert.deepEqual(readdirSync(folder), []);
	});

	it("is never without a definition while it gets another name", async () => {
		const inputs = lab.plain("former", { memoryMiB: 64, running: false });
		let state = wire(await lab.create(inputs));
		const program = `
			const { connect } = require(${JSON.stringify(join(__dirname, "../../provider/libvirt"))});
			const { domain } = require(${JSON.stringify(join(__dirname, "../../provider/domain/lifecycle"))});
			const [state, inputs] = ${JSON.stringify([state, { ...inputs, name: "latter", rng: false }])};
			const host = connect(inputs.uri);
			host.domains.define = () => process.kill(process.pid, "SIGKILL");
			domain.update(state.uuid, state, inputs, { host, log() {} });
		`;
		const child = spawn(process.execPath, ["-e", program], { stdio: "ignore" });
		assert.equal(await new Promise((resolve) => child.on("exit", (_code, signal) => resolve(signal))), "SIGKILL");
		assert.equal((await lab.host.domains.find(state.uuid))?.name, "latter");

		state = wire(await lab.update(state, { ...inputs, name: "latter", rng: false }));
		assert.deepEqual(wire(await lab.read(state)), state);
		assert.deepEqual(await names(), ["latter"]);

		const other = await lab.create(lab.plain("other", { memoryMiB: 64, ownerId: "org/project/stack/other" }));
		const { liveId } = (await look(lab.host, other.uuid))!.live!;
		await assert.rejects(
			lab.update(other, { ...other, name: "latter" }),
			/domain latter exists already: it belongs to/,
		);
		assert.equal((await look(lab.host, other.uuid))?.live?.liveId, liveId, "it was not turned off for that");

		// libvirt does not rename what it has saved.
		await lab.machine.virsh("managedsave", "other");
		const renamed = await lab.update({ ...other, running: false }, { ...other, running: false, name: "saved" });
		assert.deepEqual(await names(), ["latter", "saved"]);
		for (const made of [state, renamed]) await lab.delete(made);
	});

	it("makes a machine with Secure Boot", async () => {
		const state = wire(await lab.create(lab.plain("secure", { memoryMiB: 128, firmware: "uefi-secure" })));
		const loader = child(parse(await lab.host.domains.xml(state.uuid)), "os/loader");
		assert.equal(attribute(loader, "", "secure"), "yes");
		assert.deepEqual(wire(await lab.read(state)), state);
		await lab.delete(state);
	});

	it("does not touch the volumes of a machine that it deletes, running or not", async () => {
		const volume = await lab.volume("stays.qcow2", { empty: true });
		const state = await lab.create(lab.plain("gone", { memoryMiB: 64, disks: [{ volume }] }));
		await lab.delete(state);
		assert.equal(await lab.host.domains.find(state.uuid), undefined);
		assert.ok(existsSync(volume));
	});

	it("does not write a snapshot's disk out of a definition", async () => {
		const volume = await lab.volume("snapped.qcow2", { empty: true });
		const inputs = lab.plain("snapped", { memoryMiB: 64, disks: [{ volume }], shutdownTimeoutSeconds: 0 });
		const state = wire(await lab.create(inputs));
		await lab.machine.virsh("snapshot-create-as", state.uuid, "s1", "--disk-only", "--no-metadata");
		assert.deepEqual(wire(await lab.read(state)), state, "an overlay on our volume is still our volume");
		const changed = wire(await lab.update(state, { ...inputs, description: "changed" }));
		const now = parse(await lab.host.domains.xml(state.uuid, { inactive: true }));
		assert.match(attribute(now, "devices/disk/source", "file") ?? "", /snapped\.s1$/);
		await lab.host.domains.destroy(state.uuid);
		await assert.rejects(lab.update(changed, { ...inputs, rng: false }), /snapped\.s1, which is not recorded/);
		await lab.delete(changed);
	});

	/** Runs a create in a process of its own, and kills that as soon as `when` holds. */
	async function createAndKill(inputs: DomainInputs, when: () => Promise<boolean>): Promise<void> {
		const program = `
			const { connect } = require(${JSON.stringify(join(__dirname, "../../provider/libvirt"))});
			const { domain } = require(${JSON.stringify(join(__dirname, "../../provider/domain/lifecycle"))});
			const inputs = ${JSON.stringify(inputs)};
			domain.create(inputs, { host: connect(inputs.uri), log() {} });
		`;
		const child = spawn(process.execPath, ["-e", program], { stdio: "ignore" });
		const ended = new Promise((resolve) => child.on("exit", resolve));
		while (!(await when())) await new Promise((resolve) => setTimeout(resolve, 5));
		child.kill("SIGKILL");
		await ended;
	}
});
