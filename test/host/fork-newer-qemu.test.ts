import assert from "node:assert/strict";
import { opensFiles } from "../../provider/fork/device-state";
import { forkPoint } from "../../provider/fork/lifecycle";
import { volume } from "../../provider/volume/lifecycle";
import { ensureNewerQemu } from "../../tools/qemu";
import { type Full, Lab } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";

/** QEMU opens the files itself, and the children's memory file read-only; before 8.2 they are handed over. */
describe("forks with QEMU 8.2 or later", function () {
	this.timeout(240_000);
	let lab: Lab;
	let forks: ForkLab;
	let point: Point;
	let child: Full;

	before(async () => {
		const qemu = await ensureNewerQemu("8.2");
		lab = await Lab.start("micro", qemu === undefined ? {} : { qemu });
		forks = new ForkLab(lab);
	});
	after(() => lab?.stop());

	it("run on a host that has it", async () => {
		assert.equal(await opensFiles(lab.host), true, (await lab.host.info()).hypervisorVersion);
	});

	it("have a parent whose memory nobody can write to", async () => {
		point = (await forkPoint.create(forks.point(), lab.context)).state;
		child = await lab.create(await forks.child("child-1", point));
		const script = `
			pid=$(cat /run/libvirt/qemu/child-1.pid)
			grep -F "$1" "/proc/$pid/maps"
			for fd in "/proc/$pid/fd/"*; do
				if [ "$(readlink "$fd")" = "$1" ]; then grep flags "/proc/$pid/fdinfo/\${fd##*/}"; fi
			done`;
		const { stdout } = await lab.machine.exec("sh", ["-c", script, "sh", point.memory]);
		const lines = stdout.trim().split("\n");
		const mapped = lines.filter((line) => line.includes(point.memory));
		const opened = lines.filter((line) => line.startsWith("flags:"));
		assert.ok(mapped.length > 0 && opened.length > 0, stdout);
		for (const line of mapped) assert.match(line, / rw-p /, "private: what is written stays with the child");
		for (const line of opened) assert.match(line, /0$/, "O_RDONLY");
	});

	it("go on where it stood still, write to memory of their own, and boot later", async () => {
		assert.equal(await lab.sh(child.uuid, "cat /run/warm /root/warm; hostname"), "warmed up\non disk\nchild-1");
		const inputs = await forks.child("child-2", point, { warm: true });
		const waiting = await lab.create({ ...inputs, running: false });
		assert.equal(waiting.nextStart, "waiting");
		const other = await lab.update(waiting, inputs);
		assert.equal(other.forked!.timings.startMs, undefined);
		await lab.sh(child.uuid, "echo mine > /run/mine; echo mine > /root/mine; sync");
		assert.equal(await lab.sh(other.uuid, "ls /run/mine /root/mine 2>/dev/null; true"), "");
		await lab.delete(other);
		const off = await lab.update(child, { ...child, running: false } as never);
		const waitFor = { agent: true, address: "none", timeoutSeconds: 90 };
		child = await lab.update(off, { ...off, running: true, waitFor } as never);
		assert.equal(await lab.sh(child.uuid, "hostname; cat /root/mine"), "child-1\nmine");
	});

	it("can be of a parent that went on from another one", async () => {
		const commands = [["/bin/sh", "-c", "echo warmer > /run/warmer"]];
		const inputs = forks.point({
			name: "warmer",
			base: undefined,
			parent: point.uuid,
			domain: {},
			ready: undefined,
			commands,
		});
		const derived = (await forkPoint.create(inputs, lab.context)).state;
		const grandchild = await lab.create(await forks.child("child-3", derived));
		assert.equal(await lab.sh(grandchild.uuid, "cat /run/warm /run/warmer; hostname"), "warmed up\nwarmer\nchild-3");
		await lab.delete(grandchild);
		await volume.delete(forks.disks.at(-1)!.key, forks.disks.at(-1)!, lab.context);
		await forkPoint.delete(derived.uuid, derived, lab.context);
	});
});
