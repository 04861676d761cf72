import assert from "node:assert/strict";
import { planDomain } from "../../provider/domain/plan";
import { forkPoint } from "../../provider/fork/lifecycle";
import { type Full, Lab } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";

describe("forks that differ from their parent", function () {
	this.timeout(240_000);
	let lab: Lab;
	let forks: ForkLab;
	let point: Point;
	let child: Full;

	before(async () => {
		lab = await Lab.start();
		forks = new ForkLab(lab);
		const { domain, ...inputs } = forks.point();
		const room = { ...domain, maxMemoryMiB: 256, maxVcpus: 2 };
		point = (await forkPoint.create({ ...inputs, domain: room }, lab.context)).state;
	});
	after(() => lab?.stop());

	const memoryKib = async () => Number(await lab.sh(child.uuid, "awk '/^MemTotal/ { print $2 }' /proc/meminfo"));

	it("get their size when they are connected, where the parent was started with room for it", async () => {
		child = await lab.create({ ...(await forks.child("child-1", point)), memoryMiB: 224, vcpus: 2 });
		assert.equal(await lab.sh(child.uuid, "cat /run/warm; nproc"), "warmed up\n2");
		const whole = await memoryKib();
		const small = await lab.create(await forks.child("child-2", point));
		const large = child;
		child = small;
		assert.ok(whole - (await memoryKib()) > 90 * 1024, `${whole} KiB against ${await memoryKib()} KiB`);
		child = large;
		await lab.delete(small);
		assert.match(await lab.host.domains.xml(child.uuid, { inactive: true }), /<memory unit='KiB'>262144</);
	});

	it("show no difference afterwards, and change within that while they run", async () => {
		const read = (await lab.read(child))!;
		assert.deepEqual([read.memoryMiB, read.vcpus], [224, 2]);
		const before = await memoryKib();
		child = await lab.update(child, { ...child, memoryMiB: 160 } as never);
		assert.ok(before - (await memoryKib()) > 50 * 1024);
		assert.equal(await lab.sh(child.uuid, "cat /run/warm"), "warmed up");
	});

	it("are refused before anything is made where there is no room", async () => {
		const inputs = await forks.child("child-3", point);
		for (const [more, message] of [
			[{ memoryMiB: 257 }, /^InputError: got 257; its fork point has room for 256 MiB \(its domain\.maxMemoryMiB\)/],
			[{ vcpus: 3 }, /^InputError: got 3; its fork point has room for 2 \(its domain\.maxVcpus\)/],
		] as const) {
			await assert.rejects(planDomain({ ...inputs, ...more }, lab.context), message);
			await assert.rejects(lab.create({ ...inputs, ...more }), message);
		}
		assert.equal(await lab.host.domains.find("child-3"), undefined);
	});

	it("are reset as who they are: by another fork, or by a boot", async () => {
		const { hostname, machineId } = child.forked!;
		await lab.sh(child.uuid, "echo mine > /root/mine; sync");
		const reset = async (trigger: string, onReset: "boot" | "refork") => {
			const fork = { ...child.fork!, resetTrigger: trigger, onReset };
			const waitFor = { agent: true, address: "none", timeoutSeconds: 90 };
			child = await lab.update(child, { ...child, fork, waitFor } as never);
			return lab.sh(child.uuid, "hostname; cat /etc/machine-id; cat /run/warm /root/mine 2>/dev/null; true");
		};
		assert.equal(await reset("once", "refork"), `${hostname}\n${machineId}\nwarmed up`);
		await lab.sh(child.uuid, "echo mine > /root/mine; sync");
		assert.equal(await reset("twice", "boot"), `${hostname}\n${machineId}\nmine`);
	});
});
