import assert from "node:assert/strict";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { morphSchema } from "../../provider/morph/template";
import { growTo } from "../../provider/volume/resize";
import { describeVolume } from "../../provider/volume/xml";
import { type Full, Lab, wire } from "./domain-lab";

const MIB = 2 ** 20;
const size = (vcpus: number, memoryMiB: number) => ({ instanceType: { vcpus, memoryMiB } });
const exec = (script: string, more: object = {}) => ({ exec: ["/bin/sh", "-c", script], ...more });
/** What the guest has now, by a word. */
const shows = (word: string) =>
	exec(`echo ${word} $(nproc) $(ls /sys/block | grep -c '^vd') $(ls /sys/class/net | grep -vc '^lo$') >> /root/trace`);

describe("a Debian guest that changes shape while it runs", function () {
	this.timeout(400_000);
	let lab: Lab;
	let inputs: DomainInputs;
	let state: Full;
	let bootId: string;

	before(async () => {
		lab = await Lab.start("debian");
		inputs = await lab.inputs("debian", {
			memoryMiB: undefined,
			type: "qemu",
			...size(1, 384),
			headroom: { maxVcpus: 2, maxMemoryMiB: 1024 },
			nics: [],
			waitFor: { agent: true, timeoutSeconds: 240 },
		});
		state = wire(await lab.create(inputs));
		bootId = await sh("cat /proc/sys/kernel/random/boot_id");
	});
	after(() => lab?.stop());

	const sh = (script: string) => lab.sh(state.uuid, script);
	const traced = async () => (await sh("cat /root/trace 2> /dev/null; rm -f /root/trace")).split("\n").filter(Boolean);
	const memory = async () => Number(await sh("awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo"));
	const has = async () =>
		(await sh("nproc; ls /sys/block | grep -c '^vd'; ls /sys/class/net | grep -vc '^lo$' || :"))
			.split("\n")
			.map(Number);
	const over = ({ morph, ...more }: Record<string, unknown>): DomainInputs =>
		({ ...inputs, ...more, ...(morph !== undefined && { morph: morphSchema.parse(morph) }) }) as DomainInputs;

	/** @returns what the preview lists as steps */
	async function change(more: Record<string, unknown>): Promise<string[]> {
		const news = over(more);
		const plan = await domain.plan!(news, { ...lab.context, makes: false });
		state = wire(await lab.update(state, news));
		inputs = news;
		assert.deepEqual(wire(await lab.read(state)), state);
		return plan.filter((line) => /^morph|^ {2}/.test(line));
	}

	it("takes a disk, a NIC, memory and a vCPU, each in the place that the template names", async () => {
		const before = await memory();
		assert.deepEqual(await has(), [1, 1, 0]);
		const data = await lab.volume("data.qcow2", { empty: true });
		const plan = await change({
			...size(2, 512),
			disks: [...inputs.disks, { ...inputs.disks[0]!, volume: data }],
			nics: [{ network: "default", model: "virtio" }],
			morph: {
				preMigration: [shows("before")],
				hotPlug: [{ kind: "disk" }, shows("disk"), { kind: "nic" }, shows("nic"), { kind: "vcpus" }, shows("vcpus")],
			},
		});
		const mac = state.macs[0];
		assert.deepEqual(plan, [
			"morph: live, in 8 step(s)",
			"  1. preMigration: run /bin/sh in the guest",
			"  2. hotPlug: 384 to 512 MiB: virtio-mem",
			"  3. hotPlug: put in disk vdb",
			"  4. hotPlug: run /bin/sh in the guest",
			`  5. hotPlug: put in NIC ${mac}`,
			"  6. hotPlug: run /bin/sh in the guest",
			"  7. hotPlug: 1 to 2 vCPUs: hot plug, put to use by the guest agent",
			"  8. hotPlug: run /bin/sh in the guest",
		]);
		assert.deepEqual(await traced(), ["before 1 1 0", "disk 1 2 0", "nic 1 2 1", "vcpus 2 2 1"]);
		assert.equal((await memory()) - before, 128);
		assert.equal(await sh("cat /sys/class/net/eth0/address"), mac);
	});

	it("has its file systems grow with their disks, partition and all, and loses nothing", async () => {
		await sh(
			"printf 'start=2048, size=16384\\nstart=18432\\n' | sfdisk -q /dev/vdb && mkfs.ext4 -q /dev/vdb1 && mkdir -p /srv/data && " +
				"mount /dev/vdb1 /srv/data",
		);
		await sh("dd if=/dev/urandom of=/srv/data/kept bs=1M count=2 2> /dev/null; sync");
		const sum = await sh("sha256sum < /srv/data/kept");
		const mebibytes = async (path: string) => Number(await sh(`df -B1M --output=size ${path} | tail -n 1`));
		const before = [await mebibytes("/"), await mebibytes("/srv/data")];
		const [root, data] = inputs.disks.map(({ volume }) => volume);
		for (const [path, wanted] of [
			[root, 2560],
			[data, 48],
		] as const) {
			const volume = describeVolume(await lab.host.volumes.xml(path!));
			await growTo(lab.host, volume, wanted * MIB);
		}
		const growing = (diskMiB: number) => ({
			postMigration: [
				{ kind: "growFilesystem", mountPoint: "/srv/data", diskMiB, timeoutSeconds: 120 },
				exec("mv /usr/bin/growpart.away /usr/bin/growpart"),
				{ kind: "growFilesystem", mountPoint: "/", timeoutSeconds: 120 },
				exec("echo grown >> /root/trace"),
			],
		});
		await sh("mv /usr/bin/growpart /usr/bin/growpart.away");
		await assert.rejects(
			change({ morph: growing(48) }),
			/the guest says: grow: vdb1 cannot grow: another partition lies behind it on vdb\nWhat was done before/,
		);
		// The guest's udev may have the partition open for a moment.
		await sh(
			"sfdisk -q --delete --no-reread --force /dev/vdb 2; " +
				"for i in $(seq 30); do partx -d --nr 2 /dev/vdb && exit; udevadm settle; sleep 1; done; exit 1",
		);
		await change({ morph: growing(48) });
		assert.deepEqual(await traced(), ["grown"]);
		const grown = [(await mebibytes("/")) - before[0]!, (await mebibytes("/srv/data")) - before[1]!];
		assert.ok(grown[0]! > 450 && grown[1]! > 32, `${grown} MiB`);
		assert.equal(await sh("sha256sum < /srv/data/kept"), sum);
		assert.match(lab.logged.join("\n"), /\/srv\/data has grown from 8 to 47 MiB/);

		const formerly = inputs;
		await assert.rejects(
			change({ morph: growing(64) }),
			/the guest says: grow: the disk vdb has 50331648 bytes, and is to have 64 MiB\nWhat was done before has been taken back/,
		);
		inputs = formerly;
		assert.deepEqual(await traced(), []);
	});

	it("keeps a disk that it uses, whatever for, and is as it was", async () => {
		const formerly = inputs;
		const without = { disks: inputs.disks.slice(0, 1), morph: { hotUnplug: [{ kind: "memory" }, { kind: "disk" }] } };
		const uses: Array<[begin: string, end: string, expected: RegExp]> = [
			["true", "umount /srv/data", /mounted on \/srv\/data, and would lose/],
			["mkswap /dev/vdb1 && swapon /dev/vdb1", "swapoff /dev/vdb1", /has it in use as swap \(vdb1\), and/],
			[
				"modprobe dm-mod; dmsetup create kept --table '0 2048 linear /dev/vdb1 0'",
				"dmsetup remove kept",
				/has it held by dm-0 \(kept\), and/,
			],
			["(sleep 1000 < /dev/vdb) > /dev/null 2>&1 &", "pkill sleep", /open in process \d+, and/],
		];
		for (const [index, [begin, end, expected]] of uses.entries()) {
			await sh(begin);
			const before = await memory();
			await assert.rejects(change({ ...without, ...(index === 0 && size(1, 384)) }), expected);
			inputs = formerly;
			assert.deepEqual(await has(), [2, 2, 1]);
			assert.equal(await memory(), before, "what was given back before is there again");
			await sh(end);
		}
		assert.deepEqual(wire(await lab.read(state)), state);
	});

	it("gives all of it back, as far as emulation can", async () => {
		const before = await memory();
		const plan = await change({
			...size(1, 384),
			disks: inputs.disks.slice(0, 1),
			nics: [],
			morph: {
				hotUnplug: [{ kind: "disk" }, shows("disk"), { kind: "nic" }, shows("nic"), { kind: "vcpus" }, shows("vcpus")],
			},
		});
		assert.match(plan.join("\n"), /take out disk vdb$/m);
		assert.match(plan.join("\n"), /left aside by the guest agent, as no vCPU can be unplugged without KVM/);
		assert.deepEqual(await traced(), ["disk 2 1 1", "nic 2 1 0", "vcpus 1 1 0"]);
		assert.equal(before - (await memory()), 128);
		assert.equal(await sh("cat /proc/sys/kernel/random/boot_id"), bootId);
	});
});
