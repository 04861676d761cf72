import * as assert from "node:assert/strict";
import { chmod, readdir, rm } from "node:fs/promises";
import { domain } from "../../provider/domain/lifecycle";
import { finishRefreshes } from "../../provider/volume/refresh";
import { noteDomain } from "../../provider/volume/uses";
import { imageInfo, run, VolumeLab } from "./volume-lab";

const MIB = 2 ** 20;

describe("a base", () => {
	let lab: VolumeLab;
	before(async () => {
		lab = await VolumeLab.start({ network: true });
		await lab.pool("pool");
		await lab.pool("other");
	});
	after(() => lab?.stop());
	afterEach(() => lab.newProcess());

	it("is neither deleted nor resized while something depends on it, in whatever pool", async () => {
		const base = await lab.volume("base.qcow2", { sizeMiB: 64 });
		const clone = await lab.volume("clone.qcow2", { pool: "other", base: base.key });
		const message = /base\.qcow2 cannot be deleted: this uses it: volume .*other\/clone\.qcow2 \(an overlay on it\)/;
		await assert.rejects(lab.delete(base), message);
		await assert.rejects(lab.update(base, { sizeMiB: 128 }), /base\.qcow2 cannot be resized: this uses it/);
		await lab.newProcess();
		await assert.rejects(lab.delete(base), message, "a new process sees it as well");
		assert.equal((await imageInfo(base.path))["virtual-size"], 64 * MIB);
		await lab.delete(clone);
		await lab.delete(base);
		assert.deepEqual([...(await readdir(lab.path("pool"))), ...(await readdir(lab.path("other")))], []);
	});

	it("is protected from a user who may not look at the storage, and can be cloned by one", async () => {
		const base = await lab.volume("closed-base.qcow2", { sizeMiB: 64 });
		const clone = await lab.volume("closed-clone.qcow2", { base: base.key });
		await finishRefreshes();
		for (const mode of [0o711, 0o755]) {
			await lab.newProcess();
			await chmod(lab.path("pool"), mode);
			// Workers keep the rights that they were started with: a user reaches libvirt, and not its files.
			await Promise.all(Array.from({ length: 40 }, () => lab.host.domains.list()));
			process.seteuid!(65534);
			try {
				await assert.rejects(lab.delete(base), /cannot be deleted: this uses it: volume .*closed-clone\.qcow2/);
				const other = await lab.volume("by-user.qcow2", { base: base.key });
				assert.equal(other.made, "overlay");
				await lab.delete(other);
			} finally {
				process.seteuid!(0);
			}
		}
		await lab.delete(clone);
		await lab.delete(base);
	});

	it("is protected from what was written beside libvirt and never refreshed", async () => {
		const base = await lab.volume("quiet-base.qcow2", { sizeMiB: 64 });
		await finishRefreshes();
		const overlay = lab.path("pool", "quiet.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", "quiet-base.qcow2", "-F", "qcow2", overlay]);
		await lab.newProcess();
		assert.doesNotMatch(await lab.machine.virsh("vol-list", "pool"), /quiet\.qcow2 /);
		await assert.rejects(lab.delete(base), /quiet\.qcow2/);
		await rm(overlay);
		await lab.delete(base);
	});

	it("is protected from what was written beside libvirt into a pool of which nothing can be seen here", async () => {
		const base = await lab.volume("seen-base.qcow2", { sizeMiB: 64 });
		await finishRefreshes();
		// It was empty when libvirt looked last.
		const overlay = lab.path("other", "unseen.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base.path, "-F", "qcow2", overlay]);
		await lab.newProcess();
		await assert.rejects(lab.delete(base), /cannot be deleted: this uses it: volume .*other\/unseen\.qcow2/);
		await rm(overlay);
		await lab.newProcess();
		await lab.delete(base);
	});

	it("that was made anew on another base does not use the former one", async () => {
		const former = await lab.volume("former.qcow2", { sizeMiB: 64 });
		const next = await lab.volume("next.qcow2", { sizeMiB: 64 });
		const clone = await lab.volume("again.qcow2", { base: former.key });
		await finishRefreshes();
		await assert.rejects(lab.delete(former), /again\.qcow2/);
		// At once: libvirt has not looked at the file since.
		await lab.delete(clone);
		const again = await lab.volume("again.qcow2", { base: next.key });
		await lab.delete(former);
		await lab.delete(again);
		await lab.delete(next);
	});

	it("is not cloned while a running domain writes to it", async () => {
		const base = await lab.volume("busy.qcow2", { sizeMiB: 64 });
		// The host has been looked at before the domain came.
		await lab.delete(await lab.volume("early.qcow2", { base: base.key }));
		const guest = await lab.domain("busy", { disks: [{ volume: base.key }] });
		noteDomain(lab.host, { ...guest, running: true }, [{ path: base.path, writable: true }]);
		const attempt = () => lab.volume("late.qcow2", { base: base.key });
		await assert.rejects(
			attempt(),
			/busy\.qcow2 cannot be cloned while it is being written: this uses it: domain busy \(running\)/,
		);
		await assert.rejects(
			lab.volume("late.qcow2", { baseDomain: "busy" }),
			/"busy" is running: its disk is being written/,
		);
		await lab.host.domains.destroy(guest.uuid);
		const late = await lab.volume("late.qcow2", { baseDomain: "busy" });
		assert.equal(late.lineage?.base, base.path);
		await assert.rejects(
			lab.delete(base),
			/busy\.qcow2 cannot be deleted: these 2 use it: volume .*late\.qcow2.*, domain busy \(shut off\)/,
		);
		await lab.deleteDomain(guest);
		await lab.delete(late);
		await lab.delete(base);
	});

	it("is not written to by a machine of its own, whether the clones are in use or not", async () => {
		const base = await lab.volume("own.qcow2", { sizeMiB: 16 });
		const inputs = { disks: [{ volume: base.key }], boot: undefined };
		const template = await lab.domain("template", { ...inputs, running: false });
		const clone = await lab.volume("own-clone.qcow2", { base: base.key });
		const refused =
			/own\.qcow2 cannot be written by domain \w+: this uses it: volume .*own-clone\.qcow2 .*running: false/s;
		const started = { ...template, running: true };
		await assert.rejects(domain.update(template.uuid, template, started, lab.context), refused);
		assert.match((await domain.plan!(started, lab.context)).join("\n"), refused);
		assert.equal((await lab.host.domains.find("template"))?.state, "shutoff");
		await assert.rejects(lab.domain("second", inputs), refused);
		assert.equal(await lab.host.domains.find("second"), undefined);

		const other = await lab.domain("other", { ...inputs, disks: [] });
		const withDisk = (readOnly: boolean) => ({ ...other, disks: [{ ...template.disks[0]!, readOnly }] });
		await assert.rejects(domain.update(other.uuid, other, withDisk(false), lab.context), refused);
		await domain.update(other.uuid, other, withDisk(true), lab.context);
		await lab.deleteDomain(other);

		// What users do without this package: QEMU sees only clones that run.
		const user = await lab.domain("user", { ...inputs, disks: [{ volume: clone.key }] });
		await assert.rejects(lab.machine.virsh("start", "template"), /Failed to get "write" lock/);
		await lab.machine.virsh("destroy", "user");
		await lab.machine.virsh("start", "template");
		await assert.rejects(lab.machine.virsh("start", "user"), /Failed to get shared "write" lock/);
		await lab.machine.virsh("destroy", "template");

		await lab.deleteDomain(user);
		await lab.delete(clone);
		await domain.update(template.uuid, template, started, lab.context);
		await lab.deleteDomain(template);
		await lab.delete(base);
	});

	it("that does not exist, or is of no use, is refused with what is allowed", async () => {
		await assert.rejects(
			lab.volume("x.qcow2", { base: "/none.qcow2" }),
			/no volume \/none\.qcow2 in any active storage pool/,
		);
		await assert.rejects(lab.volume("x.qcow2", { base: "none.qcow2" }), /no volume "none\.qcow2" in the pool "pool"/);
		await assert.rejects(lab.volume("x.qcow2", { baseDomain: "none" }), /no domain "none"/);
		await assert.rejects(
			lab.volume("x.qcow2", { pool: "none", sizeMiB: 1 }),
			/no storage pool "none" on .*; there are: other, pool\./,
		);
		const vmdk = lab.path("pool", "disk.vmdk");
		await run("qemu-img", ["create", "-q", "-f", "vmdk", vmdk, "1M"]);
		await assert.rejects(lab.volume("x.qcow2", { base: vmdk }), /has the format "vmdk"; allowed are qcow2 and raw/);
		await rm(vmdk);
		const base = await lab.volume("large.qcow2", { sizeMiB: 64 });
		await assert.rejects(
			lab.volume("x.qcow2", { base: "large.qcow2", sizeMiB: 63 }),
			/got 63; the base .* has 64 MiB.*allowed are 64 and more/,
		);
		await lab.delete(base);
	});
});
