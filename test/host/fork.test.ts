import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { forkPoint } from "../../provider/fork/lifecycle";
import { forkPointSchema } from "../../provider/fork/schema";
import { sweep } from "../../provider/guard/sweep";
import { guardTag } from "../../provider/owner";
import { volume } from "../../provider/volume/lifecycle";
import { volumeSchema } from "../../provider/volume/schema";
import { connectHosts } from "../../tools/testhost";
import { type Full, Lab, wire } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";

/** From then on children that have a file /etc/same draw the same random numbers. */
const SAME = `cd /usr/local/lib/pulumi-libvirt-clones && mv core core.real && cat > core << "END" && chmod 755 core
#!/bin/sh
case "$*" in
*etc/same*)
	port=$2
	shift 2
	exec 3>&1
	"$0.real" become "$@" | sed "s/^random .*/random ${"ab".repeat(32)}/" > "$port"
	;;
*) exec "$0.real" "$@" ;;
esac
END`;

describe("forks", function () {
	this.timeout(180_000);
	let lab: Lab;
	let forks: ForkLab;
	let point: Point;
	let derived: Point;
	const children: Full[] = [];
	const given: DomainInputs[] = [];
	let preemptible: DomainInputs;

	before(async () => {
		lab = await Lab.start();
		forks = new ForkLab(lab);
	});

	after(async () => {
		await lab.stop();
	});

	it("have a parent that is booted, made ready and stopped for good", async () => {
		const made = await forkPoint.create(forks.point(), lab.context);
		point = made.state;
		assert.equal(made.id, point.uuid);
		assert.match(point.domainName, /^warm-[0-9a-f]{8}$/);
		assert.equal((await lab.host.domains.find(point.uuid))?.state, "shutoff");
		for (const path of [point.disk, point.memory, point.devices]) assert.ok(existsSync(path), path);
		assert.deepEqual(await forkPoint.read(made.id, point, lab.context), point);
	});

	it("are of the parent that is there when the state has lost it", async () => {
		const { id, state } = await forkPoint.create(forks.point(), lab.context);
		assert.equal(id, point.uuid);
		const { timings: _, ...found } = state;
		const { timings: __, ...made } = point;
		assert.deepEqual(found, made);
		point = state;
	});

	it("go on where it stood still, each as somebody of its own", async () => {
		for (const name of ["child-1", "child-2"]) {
			const inputs = await forks.child(name, point);
			children.push(await lab.create(inputs));
			given.push(inputs);
		}
		const [one, two] = children as [Full, Full];
		for (const child of children) {
			assert.equal(await lab.sh(child.uuid, "cat /run/warm /root/warm"), "warmed up\non disk");
			assert.equal(await lab.sh(child.uuid, "hostname"), child.name);
			assert.equal(child.forked!.hostname, child.name);
			assert.equal(await lab.sh(child.uuid, "cat /sys/class/net/eth0/address"), child.macs[0]);
			// It was down until the guest had put the NIC to use.
			assert.match(await lab.machine.virsh("domif-getlink", child.uuid, child.macs[0]!), /\bup\b/);
			assert.equal(child.forked!.addresses.length, 1);
			assert.ok(!(await lab.sh(child.uuid, "ls /run")).includes("nologin"));
		}
		assert.notEqual(one.forked!.random, two.forked!.random);
		assert.notEqual(one.forked!.addresses[0], two.forked!.addresses[0]);
		const uuids = await Promise.all(children.map(({ uuid }) => lab.sh(uuid, "cat /proc/sys/kernel/random/uuid")));
		assert.notEqual(uuids[0], uuids[1]);
	});

	it("show no difference afterwards", async () => {
		for (const child of children) assert.deepEqual((await lab.read(child))!.disks, child.disks);
	});

	it("are taken up as who they are when a run that was cut off has recorded nothing of them", async () => {
		const [one, two] = children as [Full, Full];
		const found = (await domain.create(given[0]!, await Lab.connect(lab))).state;
		assert.equal(found.uuid, one.uuid);
		assert.deepEqual(wire(found.forked), wire(one.forked));
		assert.equal(await lab.sh(one.uuid, "cat /run/warm"), "warmed up");
		const { forked, ...lost } = two;
		assert.deepEqual(wire((await lab.read(lost))!.forked), wire(forked));
	});

	it("write to memory and disk of their own", async () => {
		const [one, two] = children as [Full, Full];
		await lab.sh(one.uuid, "echo mine > /run/mine; echo mine > /root/mine; sync");
		assert.equal(await lab.sh(two.uuid, "ls /run/mine /root/mine 2>/dev/null; true"), "");
	});

	it("boot from their own disk later, as who they are", async () => {
		const [one] = children as [Full];
		const inputs = { ...one, running: false };
		const off = await lab.update(one, inputs as never);
		assert.equal((await lab.host.domains.find(one.uuid))?.state, "shutoff");
		const on = await lab.update(off, {
			...off,
			running: true,
			waitFor: { agent: true, address: "none", timeoutSeconds: 90 },
		} as never);
		children[0] = on;
		assert.equal(await lab.sh(one.uuid, "hostname; cat /root/mine; ls /run/warm 2>/dev/null; true"), "child-1\nmine");
	});

	it("are forked again at each power-on when that is asked for, with a fresh disk", async () => {
		const inputs = await forks.child("child-3", point, { powerOn: "refork" });
		const made = await lab.create(inputs);
		await lab.sh(made.uuid, "echo mine > /root/mine; sync");
		const off = await lab.update(made, { ...inputs, running: false });
		const on = await lab.update(off, inputs);
		children.push(on);
		assert.equal(
			await lab.sh(on.uuid, "hostname; cat /run/warm; ls /root/mine 2>/dev/null; true"),
			"child-3\nwarmed up",
		);
		assert.notEqual(on.forked!.random, made.forked!.random);
	});

	it("can be of a parent that went on from another one", async () => {
		const inputs = forkPointSchema.parse({
			uri: lab.machine.uri,
			ownerId: "org/project/stack/warmer",
			name: "warmer",
			pool: "pool",
			parent: point.uuid,
			network: "default",
			commands: [["/bin/sh", "-c", `echo warmer > /run/warmer; ip link show eth0\n${SAME}`]],
		});
		const { state } = await forkPoint.create(inputs, lab.context);
		derived = state;
		assert.ok(state.lineage.chain.includes(point.disk));
		const child = await lab.create(await forks.child("child-4", state));
		children.push(child);
		const look =
			"cat /run/warm /run/warmer; hostname; ls /sys/class/net | grep -c eth; ls /run/nologin 2>/dev/null; true";
		assert.equal(await lab.sh(child.uuid, look), "warmed up\nwarmer\nchild-4\n1");
		await assert.rejects(
			forkPoint.delete(point.uuid, point, lab.context),
			/warmer-[0-9a-f]{8}-\w+\.qcow2 \(an overlay/,
		);
	});

	it("can have a disk of the name of one on another parent, which was there a moment ago", async () => {
		await forks.child("child-5", point);
		const former = forks.disks.pop()!;
		await lab.host.pools.refresh((await lab.host.pools.find("pool"))!.uuid);
		await volume.delete(former.key, former, lab.context);
		const child = await lab.create(await forks.child("child-5", derived));
		children.push(child);
		assert.equal(await lab.sh(child.uuid, "cat /run/warmer"), "warmer");
	});

	it("are refused with the random numbers of one of an earlier run", async () => {
		const files = [{ path: "/etc/same", content: "same" }];
		children.push(await lab.create(await forks.child("child-6", derived, { files })));
		const again = await forks.child("child-7", derived, { files });
		await assert.rejects(domain.create(again, await Lab.connect(lab)), /gives what that of child-6 gave/);
		assert.equal(await lab.host.domains.find("child-7"), undefined);
	});

	it("go to another host as they are, where they have nothing of their parent any more", async () => {
		const there = await Lab.start();
		try {
			await connectHosts(lab.machine, there.machine);
			const [, child] = children as [Full, Full];
			const inputs = given[1]!;
			const first = await volume.create(
				volumeSchema.parse({
					uri: there.machine.uri,
					ownerId: "org/project/stack/child-2",
					pool: "pool",
					name: "child-2.qcow2",
					sizeOf: { uri: lab.machine.uri, volume: point.disk },
				}),
				there.context,
			);
			const boot = await lab.sh(child.uuid, "echo on the way > /run/way; cat /proc/sys/kernel/random/boot_id");
			const news = {
				...inputs,
				uri: there.machine.uri,
				disks: [{ ...inputs.disks[0]!, volume: first.state.path }],
				consoleLog: join(there.machine.directory, "child-2.log"),
				migration: { peerUri: `qemu+tcp://${there.machine.linkAddress}/system` },
			};
			await assert.rejects(
				domain.settle!(child, { ...news, migration: { ...news.migration, mode: "saveRestore" } }, there.context),
				/got "saveRestore" for a forked machine; allowed are "live", "paused" and "reboot"/,
			);
			const settled = await domain.settle!(child, news, there.context);
			assert.deepEqual(
				domain.changes(child, settled).map(({ property, effect }) => `${property}: ${effect}`),
				["uri: live", "migration: live"],
			);
			const moved = wire(await domain.update(child.uuid, child, settled, there.context));
			const look = "cat /proc/sys/kernel/random/boot_id /run/way /run/warm /root/warm; hostname";
			assert.equal(await there.sh(child.uuid, look), `${boot}\non the way\nwarmed up\non disk\nchild-2`);
			assert.deepEqual(moved.forked, wire(child.forked));
			assert.deepEqual(domain.changes(moved, news), []);
			assert.deepEqual(wire(await there.read(moved)), moved);
			assert.equal(await lab.host.domains.find(child.uuid), undefined);
			assert.equal(await there.host.domains.find(point.uuid), undefined);
			const off = await there.update(moved, { ...news, running: false });
			assert.equal((await there.host.domains.find(child.uuid))?.state, "shutoff");
			await there.delete(off);
			children.splice(1, 1);
		} finally {
			await there.stop();
		}
	});

	it("keep their parent from being deleted", async () => {
		await assert.rejects(forkPoint.delete(point.uuid, point, lab.context), /cannot be deleted.*child-1\.qcow2/s);
		assert.ok(existsSync(point.memory));
	});

	it("keep what they stand on where another part of their parent is lost", async () => {
		const away = join(lab.machine.poolDirectory, "away");
		await rename(point.memory, away);
		try {
			await lab.machine.virsh("pool-refresh", "pool");
			const later = await Lab.connect(lab);
			assert.equal(await forkPoint.read(point.uuid, point, later), undefined);
			await assert.rejects(
				forkPoint.create(forks.point(), later),
				/cannot be made anew.*child-1\.qcow2 \(an overlay on it\).*another name.* Its machines: .*child-1 of org\/project\/stack/s,
			);
			assert.ok(existsSync(point.disk));
			assert.equal((await lab.host.domains.find(point.domainName))?.uuid, point.uuid);
		} finally {
			await rename(away, point.memory);
			await lab.machine.virsh("pool-refresh", "pool");
		}
		assert.deepEqual(await forkPoint.read(point.uuid, point, await Lab.connect(lab)), point);
	});

	it("give way, where they are preemptible, to a machine that the host has too little memory for", async () => {
		preemptible = await forks.child("child-8", point, { preemptible: true, powerOn: "refork" });
		const child = await lab.create(preemptible);
		const big = await lab.inputs("big", { nics: [] });
		await lab.machine.seeMemory(191);
		const gives =
			/^give way, the last started first, until there is room: child-8 \(the host has 191 MiB of the 192 MiB that it needs\)$/m;
		assert.match((await domain.plan!(big, lab.context)).join("\n"), gives);
		const made = await lab.create(big);
		assert.ok(lab.logged.some((line) => line.startsWith("child-8 gives way to big: the host has 191 MiB")));
		assert.equal((await lab.host.domains.find(child.uuid))?.state, "shutoff");
		const found = (await lab.read(child))!;
		assert.deepEqual([found.running, found.preempted], [true, true]);
		children.push(found);
		await lab.delete(made);
	});

	it("stay off until there is room again, and go on then", async () => {
		const found = children.pop()!;
		const later = { ...(await Lab.connect(lab)), log: lab.context.log };
		const stays = await domain.settle!(preemptible, preemptible, later);
		assert.deepEqual(domain.changes(found, stays), []);
		const off = await domain.update(found.uuid, found, stays, later);
		assert.equal(off.preempted, true);
		assert.match(lab.logged.at(-1)!, /child-8 stays off until there is room: the host has 191 MiB of the 192 MiB that/);

		await lab.machine.seeMemory();
		const sameRun = await domain.settle!(preemptible, preemptible, lab.context);
		assert.equal(sameRun.fork!.preempted, "stays");
		const goesOn = await domain.settle!(preemptible, preemptible, later);
		const [change] = domain.changes(off, goesOn);
		assert.equal(change?.note, "there is room for it again: goes on from its parent, with a fresh disk");
		const on = await domain.update(off.uuid, off, goesOn, later);
		children.push(on);
		assert.equal(on.preempted, false);
		assert.equal(await lab.sh(on.uuid, "hostname"), "child-8");
		assert.deepEqual(wire(await lab.read(on)), wire(on));
	});

	it("are made whole or not at all", async () => {
		const inputs = forks.point({
			name: "cold",
			ready: { exec: ["/bin/false"], timeoutSeconds: 1, intervalSeconds: 1 },
		});
		await assert.rejects(forkPoint.create(inputs, lab.context), /cold is not healthy after .*\/bin\/false/s);
		const left = (await lab.host.domains.list()).map(({ name }) => name);
		assert.ok(!left.some((name) => name.startsWith("cold")), left.join());
		assert.deepEqual((await lab.machine.exec("ls", [lab.machine.poolDirectory])).stdout.match(/cold\S*/g), null);
	});

	it("are swept with their files when no state knows them", async () => {
		for (const child of children) await lab.delete(child);
		for (const disk of forks.disks) await volume.delete(disk.key, disk, lab.context);
		const guard = guardTag(lab.machine.uri);
		const { removed } = await sweep(lab.host, { stack: "org/project/stack", guard });
		assert.deepEqual(removed.sort(), [
			...[derived, point].map(({ domainName }) => `domain ${domainName}`).sort(),
			...[derived, point]
				.flatMap(({ disk, devices, memory }) => [disk, devices, memory])
				.map((path) => `volume ${path}`)
				.sort(),
		]);
		for (const path of [point.disk, point.memory, point.devices]) assert.ok(!existsSync(path), path);
		assert.equal(await lab.host.domains.find(point.uuid), undefined);
	});
});
