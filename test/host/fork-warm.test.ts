import assert from "node:assert/strict";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { loadDevices } from "../../provider/fork/device-state";
import { forkPoint } from "../../provider/fork/lifecycle";
import { usageOf } from "../../provider/fork/usage";
import { sweep } from "../../provider/guard/sweep";
import { guardTag } from "../../provider/owner";
import { type Full, Lab, wire } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";

const MIB = 1024 * 1024;

describe("children that wait", function () {
	this.timeout(180_000);
	let lab: Lab;
	let forks: ForkLab;
	let point: Point;
	let inputs: DomainInputs;
	let child: Full;

	before(async () => {
		lab = await Lab.start();
		forks = new ForkLab(lab);
		point = (await forkPoint.create(forks.point(), lab.context)).state;
	});
	after(async () => {
		await lab?.stop();
	});

	const inputsOf = async (name: string, more: object = {}): Promise<DomainInputs> => ({
		...(await forks.child(name, point, { warm: true, powerOn: "refork", ...more })),
		running: false,
	});
	const on = (given: DomainInputs): DomainInputs => ({
		...given,
		running: true,
		fork: { ...given.fork!, warm: false },
	});
	const status = async ({ uuid }: Full) =>
		(await lab.host.domains.qmp<{ status: string }>(uuid, "query-status")).status;
	const noteOf = (olds: Full, news: DomainInputs) =>
		changes(olds, news).map(({ property, note }) => `${property}: ${note}`);

	it("are QEMU on the parent's memory, in which no guest has run", async () => {
		inputs = await inputsOf("one");
		assert.match((await domain.plan!(inputs, lab.context)).join("\n"), /waits in QEMU; goes on where warm-/);
		child = await lab.create(inputs);
		assert.equal(child.nextStart, "waiting");
		assert.equal(child.forked, undefined);
		assert.equal((await lab.host.domains.find(child.uuid))?.state, "paused");
		assert.equal(await status(child), "inmigrate");
	});

	it("are off to whoever looks at them, also after a restart of libvirtd", async () => {
		await lab.machine.restartLibvirtd();
		assert.deepEqual(wire(await lab.read(child)), wire(child));
	});

	it("keep their parent from being deleted", async () => {
		await assert.rejects(forkPoint.delete(point.uuid, point, lab.context), /cannot be deleted.*one\.qcow2/s);
	});

	it("go on without a start of QEMU, as somebody", async () => {
		assert.deepEqual(noteOf(child, on(inputs)), ["running: goes on from its parent in the QEMU that waits for it"]);
		child = await lab.update(child, on(inputs));
		assert.equal(child.forked!.timings.startMs, undefined);
		assert.equal(child.nextStart, "fork");
		assert.equal(await lab.sh(child.uuid, "hostname; cat /run/warm"), "one\nwarmed up");
		assert.deepEqual(wire(await lab.read(child)), wire(child));
	});

	it("tell what they share with their parent", async () => {
		const { usage } = child.forked!;
		assert.ok(usage.privateMemoryBytes! > 0 && usage.privateMemoryBytes! < 32 * MIB, JSON.stringify(usage));
		assert.equal(usage.privateMemoryBytes! + usage.sharedMemoryBytes!, 128 * MIB);
		await lab.sh(
			child.uuid,
			"dd if=/dev/zero of=/root/mine bs=1M count=8; sync; dd if=/dev/zero of=/run/mine bs=1M count=16",
		);
		const now = await usageOf(lab.host, child.uuid, child.disks[0]!.volume);
		assert.ok(now.privateMemoryBytes! - usage.privateMemoryBytes! >= 16 * MIB, JSON.stringify(now));
		assert.ok(now.diskBytes - usage.diskBytes >= 8 * MIB, JSON.stringify(now));
	});

	it("wait again when they are turned off, with a fresh disk", async () => {
		assert.match(noteOf(child, inputs).join(), /then it waits in QEMU, with a fresh disk/);
		child = await lab.update(child, inputs);
		assert.equal(child.nextStart, "waiting");
		assert.equal(await status(child), "inmigrate");
		child = await lab.update(child, on(inputs));
		assert.equal(await lab.sh(child.uuid, "hostname; ls /root/mine 2>/dev/null; true"), "one");
		child = await lab.update(child, inputs);
	});

	it("wait anew when their QEMU has died", async () => {
		await lab.host.domains.destroy(child.uuid);
		child = (await lab.read(child))!;
		assert.equal(child.nextStart, "fork");
		assert.deepEqual(noteOf(child, inputs), ["fork: waits in QEMU from now on"]);
		child = await lab.update(child, inputs);
		assert.equal(await status(child), "inmigrate");
	});

	it("wait under another name when they get one", async () => {
		child = await lab.update(child, { ...inputs, name: "two" });
		assert.equal((await lab.host.domains.find("two"))?.state, "paused");
		assert.equal(await status(child), "inmigrate");
		inputs = { ...inputs, name: "two" };
	});

	it("are forked again when their fork was cut off", async () => {
		await loadDevices(lab.host, child.uuid, point.devices);
		await lab.host.domains.resume(child.uuid);
		const found = (await lab.read(child))!;
		assert.equal(found.running, false);
		assert.equal(found.nextStart, "fork");
		assert.match(lab.logged.at(-1)!, /the fork of two was cut off/);
		child = await lab.update(found, on(inputs));
		assert.equal(await lab.sh(child.uuid, "hostname"), "one");
	});

	it("end when they are not to wait any more", async () => {
		child = await lab.update(child, inputs);
		const cold = { ...inputs, fork: { ...inputs.fork!, warm: false } };
		assert.deepEqual(noteOf(child, cold), ["fork: its waiting QEMU ends"]);
		child = await lab.update(child, cold);
		assert.equal((await lab.host.domains.find(child.uuid))?.state, "shutoff");
	});

	it("do not wait where they boot from their own disk", async () => {
		const persistent = await inputsOf("three", { powerOn: "boot" });
		const made = await lab.create(on(persistent));
		const off = await lab.update(made, persistent);
		assert.equal(off.nextStart, "boot");
		assert.equal((await lab.host.domains.find(off.uuid))?.state, "shutoff");
		assert.deepEqual(wire(await lab.read(off)), wire(off));
		await lab.delete(off);
	});

	it("are swept when no state knows them", async () => {
		await lab.update(child, inputs);
		const { removed } = await sweep(lab.host, { stack: "org/project/stack", guard: guardTag(lab.machine.uri) });
		assert.ok(removed.includes("domain two"), removed.join());
		assert.equal(await lab.host.domains.find(child.uuid), undefined);
	});
});
