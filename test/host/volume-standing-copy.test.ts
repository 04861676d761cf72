import * as assert from "node:assert/strict";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { guestExec } from "../../provider/domain/agent";
import { makeStandingCopy } from "../../provider/volume/make-standing-copy";
import { planLines } from "../../provider/volume/plan";
import { usablePool } from "../../provider/volume/pools";
import { wantedOf } from "../../provider/volume/wanted";
import { ensureImage } from "../../tools/images";
import { type DomainState, imageInfo, VolumeLab } from "./volume-lab";

describe("a copy of the disk of a machine that runs", function () {
	this.timeout(120_000);
	let lab: VolumeLab;
	let machine: DomainState;
	let disk: string;

	before(async () => {
		lab = await VolumeLab.start();
		await mkdir(lab.path("pool"));
		await copyFile((await ensureImage("micro")).disk, lab.path("pool", "gold.qcow2"));
		await lab.pool("pool");
		disk = (await lab.volume("disk.qcow2", { base: "gold.qcow2" })).path;
		machine = await lab.domain("web", { disks: [{ volume: disk }], waitFor: { agent: true } });
	});
	after(() => lab?.stop());

	const inputs = { baseDomain: "web", cloning: "reflink", whileRunning: true };
	const state = async () => (await lab.host.domains.state(machine.uuid)).state;
	const say = (text: string) => guestExec(lab.host, machine.uuid, "/bin/sh", ["-c", `echo '${text}' > /marker`]);

	it("has what the guest has written by then, and not what it writes later", async () => {
		const lines = await planLines(await lab.volumeInputs("copy.qcow2", inputs), lab.context);
		assert.match(lines.join("\n"), /copy of .*disk.qcow2 alone, .*stands still meanwhile/);
		await say("said before the copy");
		const copy = await lab.volume("copy.qcow2", inputs);
		await say("said after the copy");
		assert.equal(await state(), "running");
		assert.equal((await imageInfo(copy.path))["backing-filename"], lab.path("pool", "gold.qcow2"));
		const bytes = await readFile(copy.path, "latin1");
		assert.ok(bytes.includes("said before the copy"));
		assert.ok(!bytes.includes("said after the copy"));
		assert.match(lab.logged.join("\n"), /web stood still for \d+ ms/);
		assert.doesNotMatch(await lab.host.domains.xml(machine.uuid), /standing/);
		assert.deepEqual((await lab.read(copy))?.lineage?.chain, [lab.path("pool", "gold.qcow2")]);
		await lab.delete(copy);
	});

	it("leaves a machine stopped that somebody else has stopped, and resumes one that an earlier run has", async () => {
		await lab.host.domains.suspend(machine.uuid);
		await lab.delete(await lab.volume("one.qcow2", inputs));
		assert.equal(await state(), "paused");
		await lab.host.domains.resume(machine.uuid);

		// A run that ends in the middle: nothing of it gets to resuming.
		const wanted = await wantedOf(
			lab.host,
			await usablePool(lab.host, "pool"),
			await lab.volumeInputs("two.qcow2", inputs),
		);
		const { host } = lab;
		const domains = new Proxy(host.domains, {
			get: (own, name) => (name === "resume" ? () => Promise.reject(new Error("killed")) : Reflect.get(own, name)),
		});
		const cut = {
			...lab.context,
			host: new Proxy(host, { get: (own, name) => (name === "domains" ? domains : Reflect.get(own, name, own)) }),
		};
		await assert.rejects(makeStandingCopy(cut, wanted), /killed/);
		assert.equal(await state(), "paused");
		assert.deepEqual((await readdir(lab.path("pool"))).sort(), ["disk.qcow2", "gold.qcow2"]);
		await lab.newProcess();
		await lab.delete(await lab.volume("two.qcow2", inputs));
		assert.equal(await state(), "running");
	});
});
