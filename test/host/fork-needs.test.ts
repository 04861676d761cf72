import assert from "node:assert/strict";
import { domain } from "../../provider/domain/lifecycle";
import { forkPoint } from "../../provider/fork/lifecycle";
import { volume } from "../../provider/volume/lifecycle";
import { Lab } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";

const SPARE = 6;

describe("what forks need", function () {
	this.timeout(300_000);
	let lab: Lab;
	let forks: ForkLab;
	let point: Point;

	before(async () => {
		lab = await Lab.start();
		forks = new ForkLab(lab);
	});

	after(async () => {
		await lab.stop();
	});

	async function dataDisks(count: number, name: string) {
		const numbers = [...Array(count).keys()];
		return Promise.all(
			numbers.map(async (number) => ({ volume: await lab.volume(`${name}-${number}.qcow2`, { empty: true }) })),
		);
	}

	it("is asked of the parent's guest agent before anything is done in it, by the names of the commands", async () => {
		const former = await lab.create(
			await lab.inputs("former", { nics: [], waitFor: { agent: true, address: "none" } }),
		);
		const forbid =
			"mkdir -p /etc/qemu; printf '[general]\\nblacklist=guest-exec,guest-file-write\\n' > /etc/qemu/qemu-ga.conf";
		await lab.sh(former.uuid, `${forbid}; sync`);
		await lab.delete(former);
		const before = (await lab.host.domains.list()).length;
		await assert.rejects(
			forkPoint.create(forks.point({ base: former.disks[0]!.volume }), lab.context),
			/its guest agent \S+ forbids guest-exec, guest-file-write, which the parent and its children need: allow them/,
		);
		assert.equal((await lab.host.domains.list()).length, before);
		assert.deepEqual((await lab.machine.exec("ls", [lab.machine.poolDirectory])).stdout.match(/warm\S*/g), null);
	});

	it("of ports is counted before a child is made, and told with all else that is missing", async () => {
		const more = { memoryMiB: 128, spareRootPorts: SPARE };
		const inputs = forks.point();
		point = (await forkPoint.create({ ...inputs, domain: { ...inputs.domain, ...more } }, lab.context)).state;
		const child = await forks.child("child-1", point);
		const disks = [...child.disks, ...(await dataDisks(10, "many"))];
		const ports =
			/got 10 data disk\(s\) and 1 NIC\(s\), .* take 11 PCI Express root ports; the board of its fork point has 6 free: .*spareRootPorts: 11/;
		const tooMany = domain.schema.parse({ ...child, disks });
		await assert.rejects(domain.plan!(tooMany, lab.context), ports);
		await assert.rejects(domain.create(tooMany, lab.context), ports);
		await assert.rejects(domain.plan!({ ...tooMany, memoryMiB: 4096 }, lab.context), (error: Error) => {
			assert.match(error.message, /^2 things are missing for the fork:\n {2}memoryMiB: got 4096; .*room for 128 MiB/);
			assert.match(error.message, ports);
			return true;
		});
		assert.equal(await lab.host.domains.find("child-1"), undefined);
		await volume.delete(forks.disks[0]!.key, forks.disks.pop()!, lab.context);
	});

	it("of ports is enough for as many data disks and NICs as are said to be free", async () => {
		const child = await forks.child("child-2", point);
		const disks = [...child.disks, ...(await dataDisks(SPARE - 1, "few"))];
		const made = await lab.create(domain.schema.parse({ ...child, disks }));
		assert.equal(made.macs.length, 1);
		assert.equal(await lab.sh(made.uuid, "ls -d /sys/block/vd* | wc -l; hostname"), `${SPARE}\nchild-2`);
		await lab.delete(made);
	});
});
