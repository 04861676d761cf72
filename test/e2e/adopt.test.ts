import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Bench, leftOn, startBench } from "./hosts";

describe("adopt", function () {
	this.timeout(300_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/adopt" });
		const { host, poolPath } = bench;
		await mkdir(poolPath);
		const xml = async (command: string, text: string) => {
			const file = join(host.poolDirectory, "definition.xml");
			await writeFile(file, text);
			return host.virsh(command, file);
		};
		await host.virsh("pool-define-as", "old-pool", "dir", "--target", poolPath);
		await host.virsh("pool-start", "old-pool");
		await host.virsh("vol-create-as", "old-pool", "old.qcow2", "32M", "--format", "qcow2");
		await host.exec("qemu-io", ["-c", "write -P 7 1M 64k", join(poolPath, "old.qcow2")]);
		await xml(
			"net-define",
			`<network><name>old-network</name><bridge name="virbr-old"/>
			<ip address="192.168.180.1" prefix="24"><dhcp><range start="192.168.180.2" end="192.168.180.254"/></dhcp></ip></network>`,
		);
		await host.virsh("net-start", "old-network");
		await xml(
			"define",
			`<domain type="qemu"><name>old-machine</name><description>Made by hand.</description>
			<memory unit="MiB">64</memory><os><type machine="q35">hvm</type></os><features><acpi/></features>
			<devices>
				<disk type="file" device="disk"><driver name="qemu" type="qcow2"/><source file="${poolPath}/old.qcow2"/><target dev="vda" bus="virtio"/></disk>
				<interface type="network"><mac address="52:54:00:00:00:01"/><source network="old-network"/><model type="virtio"/></interface>
				<channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
				<rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
				<serial type="pty"/>
				<sound model="ich9"/>
			</devices></domain>`,
		);
		await host.virsh("start", "old-machine");
	});
	after(() => bench?.stop());

	it("is asked for: without it what others have made is refused, named and left alone", async () => {
		const before = await everything();
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /warning: the storage pool \\"old-pool\\" exists already/);
		assert.match(stdout, /warning: the network \\"old-network\\" exists already/);
		assert.match(stdout, /warning: domain old-machine exists already: it was not made by this package/);
		const shown = await fails();
		assert.match(shown, /error: the storage pool "old-pool" exists already on .*\(type dir, .*\).* or set adopt: true/);
		assert.match(
			shown,
			/error: the network "old-network" exists already on .* was not made by this package.*adopt: true/,
		);

		await bench.project.setConfig("adopt", "pool network");
		assert.match(
			await fails(),
			/the volume "old\.qcow2" exists already .*it is used by domain old-machine.*adopt: true/,
		);
		await bench.project.setConfig("adopt", "pool network volume");
		assert.match(await fails(), /domain old-machine exists already: it was not made by this package\..*adopt: true/);
		assert.deepEqual(await everything(), before);
	});

	it("says what it comes to, and leaves a running machine and its data alone", async () => {
		const { host } = bench;
		const before = await live();
		await bench.project.setConfig("adopt", "pool network volume machine");
		const { stdout, changes } = await bench.project.preview();
		assert.equal(changes.create, 1);
		assert.match(stdout, /takes over domain old-machine of nobody recorded \(adopt\)/);
		assert.match(stdout, /not kept, because it is not asked for: sound\./);
		assert.doesNotMatch(stdout, /restart:/);
		await bench.project.up();
		assert.deepEqual(await live(), before);
		const { uuid } = await bench.project.outputs<{ uuid: string }>();
		assert.equal(await host.virsh("domuuid", "old-machine"), uuid);
		assert.match(
			await host.virsh("metadata", "--config", "old-machine", "--uri", "urn:pulumi-libvirt-clones:1"),
			/adopt\/dev\/machine/,
		);
		assert.match(await host.virsh("net-dumpxml", "--inactive", "old-network"), /adopt\/dev\/network/);
	});

	it("is no change in a second preview, nor after a refresh", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("lets them be changed like those made here, live where that can be", async () => {
		const { host } = bench;
		const before = await live();
		await bench.project.setConfig("grown", "true");
		const { changes, stdout } = await bench.project.preview();
		assert.deepEqual([changes.update, changes.create, changes.replace], [4, undefined, undefined]);
		assert.match(stdout, /sizeMiB: live: the volume grows from 32 MiB to 48 MiB while in use/);
		assert.doesNotMatch(stdout, /empty qcow2 volume/);
		await bench.project.up();
		assert.deepEqual(await live(), before);
		assert.match(await host.virsh("domblkinfo", "old-machine", "vda"), /Capacity: +50331648/);
		assert.match(
			await host.virsh("net-dumpxml", "old-network"),
			/<host mac='52:54:00:00:00:01' ip='192\.168\.180\.9'\/>/,
		);
		assert.match(await host.virsh("pool-info", "old-pool"), /Autostart: +no/);
		assert.match(await host.virsh("desc", "--config", "old-machine"), /Ours by now\./);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("lets them be destroyed, with what they hold of theirs and nothing else", async () => {
		await writeFile(join(bench.poolPath, "somebody-elses"), "");
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), ["somebody-elses"]);
	});

	/** Runs `up`, which has to fail. @returns what it shows */
	async function fails(): Promise<string> {
		const { code, stdout } = await bench.project.run(["up", "--yes", "--skip-preview", "--continue-on-error"]);
		assert.notEqual(code, 0, stdout);
		return stdout;
	}

	/** What nobody has asked to be changed, as far as it does not change by itself. */
	async function everything(): Promise<string[]> {
		const { host } = bench;
		return [
			await host.virsh("dumpxml", "old-machine"),
			await host.virsh("dumpxml", "--inactive", "old-machine"),
			await host.virsh("net-dumpxml", "old-network"),
			(await host.virsh("pool-dumpxml", "old-pool")).replace(/<(allocation|available).*>/g, ""),
			...(await live()),
		];
	}

	/** The running machine, by the number of its start, and its data. */
	async function live(): Promise<string[]> {
		const { host, poolPath } = bench;
		const read = ["-r", "-U", "-c", "read -P 7 1M 64k", join(poolPath, "old.qcow2")];
		const { stdout } = await host.exec("qemu-io", read);
		return [await host.virsh("domid", "old-machine"), String(/verification failed/.test(stdout))];
	}
});
