import assert from "node:assert/strict";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MorphMachine } from "../../index";
import { ensureImage } from "../../tools/images";
import { Project, repository } from "../../tools/pulumi/project";
import { connectHosts, startTestHost, type TestHost } from "../../tools/testhost";
import { inGuest, leftOn } from "./hosts";
import { imageWith } from "./image-with";
import { startLoad } from "./load";

const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";
/** How large a guest of 192 or 320 MiB finds itself. */
const SIZE = "[ $(awk '/^MemTotal/ {print $2}' /proc/meminfo) -gt 220000 ] && echo large || echo small";

describe("sets of machines that change while they run", function () {
	this.timeout(400_000);
	let a: TestHost;
	let b: TestHost;

	before(async () => {
		[a, b] = [await startTestHost(), await startTestHost()];
		await connectHosts(a, b);
	});
	after(async () => {
		await a?.stop();
		await b?.stop();
	});

	const poolPath = (host: TestHost) => join(host.poolDirectory, "images");
	const place = (host: TestHost) =>
		JSON.stringify({
			uri: host.uri,
			poolPath: poolPath(host),
			peerUri: `qemu+tcp://${host.linkAddress}/system`,
		});
	const start = (program: string, config: Record<string, string>) =>
		Project.start({ program, config: { a: place(a), b: place(b), ...config } });
	const machinesOf = async (project: Project) => (await project.outputs<{ machines: MorphMachine[] }>()).machines;
	const left = async (project: Project) =>
		(await Promise.all([a, b].map((host) => leftOn({ host, project, poolPath: poolPath(host), stop: async () => {} }))))
			.flat()
			.filter((name) => name !== "web");

	describe("examples/morph-and-move", () => {
		let project: Project;

		before(async () => {
			project = await start("examples/morph-and-move", { image: (await ensureImage("micro")).disk });
		});
		after(() => project?.remove());

		it("stays where it was when it cannot go, and nothing is left where it was to go once it is to stay", async () => {
			await project.up();
			const nowhere = JSON.stringify({ ...JSON.parse(place(b)), peerUri: "qemu+tcp://127.0.0.1:1/system" });
			await project.configure({ host: "b", b: nowhere });
			const failed = await project.run(["up", "--yes", "--skip-preview"]);
			assert.notEqual(failed.code, 0);
			assert.match(failed.stdout, /db-main was not moved: .*It runs on on qemu.* as before/s);
			await project.configure({ host: "a", b: place(b) });
			await project.up();
			await project.preview(["--expect-no-changes"]);
			assert.match(await a.virsh("domblklist", "db-main"), /db-main-[0-9a-f]{8}\.qcow2/);
			assert.deepEqual(
				(await readdir(poolPath(b))).filter((file) => !file.startsWith("gold-")),
				[],
			);
		});

		it("takes another size and another host at once, without a reboot, with its disks", async () => {
			const [before] = await machinesOf(project);
			assert.deepEqual([before!.host, before!.uri, before!.instanceType], ["a", a.uri, { vcpus: 1, memoryMiB: 192 }]);
			const bootId = await inGuest(a, "db-main", BOOT_ID);
			await inGuest(a, "db-main", "echo kept | dd of=/dev/vdb conv=fsync 2> /dev/null");

			await project.configure({ host: "b", instanceType: "db-large" });
			const { stdout } = await project.preview();
			assert.match(stdout, /uri: live: moves from qemu/);
			assert.match(stdout, /instanceType: live: 1 vCPU\(s\) and 192 MiB to 2 vCPU\(s\) and 320 MiB/);
			await project.up();
			const [after] = await machinesOf(project);
			assert.deepEqual([after!.host, after!.uri, after!.uuid], ["b", b.uri, before!.uuid]);
			const look = `${BOOT_ID}; nproc; head -n 1 /dev/vdb; cat /sys/block/vdc/serial`;
			assert.equal(await inGuest(b, "db-main", look), `${bootId}\n2\nkept\nscratch`);
			assert.equal(await a.virsh("list", "--all", "--name"), "");
			await project.preview(["--expect-no-changes"]);
			await project.refresh(["--expect-no-changes"]);
		});

		it("gives back what its type had, and the disk of that goes", async () => {
			const scratch = async () => (await readdir(poolPath(b))).filter((file) => file.includes("-type-")).length;
			assert.equal(await scratch(), 1);
			await project.setConfig("instanceType", "db");
			const { stdout } = await project.preview();
			assert.match(stdout, /Volume: \(delete\)\s+\[id=\S+db-main-type-0-/);
			assert.match(stdout, /disks\[2\]: live: taken out by hot unplug/);
			await project.up();
			assert.equal(
				await inGuest(b, "db-main", "nproc; head -n 1 /dev/vdb; ls /sys/block | grep -c vdc; true"),
				"1\nkept\n0",
			);
			assert.equal(await scratch(), 0);
			await project.preview(["--expect-no-changes"]);
		});

		it("leaves a host that its program does not name any more only when it is named", async () => {
			await project.edit("index.ts", 'hosts: { a: place("a"), b: place("b") }', 'hosts: { a: place("a") }');
			await project.setConfig("host", "a");
			const { code, stdout } = await project.run(["preview"]);
			assert.notEqual(code, 0);
			assert.match(stdout, /is none of the hosts of its set .*Leave the former host in hosts/s);
			await project.edit("index.ts", 'hosts: { a: place("a") }', 'hosts: { a: place("a"), b: place("b") }');
		});

		it("destroys, and leaves nothing", async () => {
			await project.destroy();
			assert.deepEqual(await left(project), []);
		});
	});

	describe("examples/rolling-morph", () => {
		let project: Project;
		let image: { path: string; folder: string };
		let addresses: string[];
		const names = ["web-0", "web-1"];

		before(async () => {
			await connectNetworks(a, b);
			const boot = join(a.directory, "boot-web");
			await writeFile(boot, "#!/bin/sh\n/usr/local/sbin/web < /dev/null > /dev/null 2>&1 &\n");
			const files = ["web", "web-connection", "drain", "serve"].map((name) => [
				`/usr/local/sbin/${name}`,
				join(repository, "examples/rolling-morph/image", name),
			]);
			image = await imageWith(
				(await ensureImage("micro")).disk,
				["/usr/local", "/usr/local/sbin", "/etc/boot.d"],
				Object.fromEntries([...files, ["/etc/boot.d/web", boot]]),
			);
			project = await start("examples/rolling-morph", { image: image.path });
			await project.up();
			addresses = (await machinesOf(project)).map((machine) => machine.addresses[0]!);
		});
		after(async () => {
			await project?.remove();
			if (image) await rm(image.folder, { recursive: true, force: true });
		});

		const inEach = (host: TestHost, command: string) => Promise.all(names.map((name) => inGuest(host, name, command)));

		/** @returns what clients have seen while it was done */
		async function underLoad(work: () => Promise<unknown>) {
			const stop = startLoad(a, addresses);
			await work().finally(() => new Promise((resolve) => setTimeout(resolve, 1000)));
			return stop();
		}

		it("is made all at once, and serves", async () => {
			assert.deepEqual(addresses, ["192.168.168.10", "192.168.168.11"]);
			const { requests, failures } = await underLoad(async () => {});
			assert.ok(requests > 0);
			assert.deepEqual(failures, []);
		});

		it("stops at the first one that cannot change: it runs on as it was, and the next is not touched", async () => {
			const step = "  - exec: [/usr/local/sbin/serve]";
			await project.edit("drain.yaml", step, `  - exec: [/bin/false]\n${step}`);
			await project.setConfig("instanceType", "web-large");
			const failed = await project.run(["up", "--yes", "--skip-preview"]);
			assert.notEqual(failed.code, 0);
			assert.match(failed.stdout, /could not run \/bin\/false in the guest: .*web-0 runs on as it was/s);
			assert.deepEqual(await inEach(a, `${SIZE}; cat /run/rotation 2> /dev/null || echo untouched`), [
				"small\ndrained\nserves",
				"small\nuntouched",
			]);
			await project.edit("drain.yaml", `  - exec: [/bin/false]\n${step}`, step);
		});

		it("changes size one after the other, and no request fails", async () => {
			const booted = await inEach(a, BOOT_ID);
			const { stdout } = await project.preview();
			assert.match(
				stdout,
				/instanceType: live: batch 2 of 2, after web-0 is healthy: 1 vCPU\(s\) and 192 MiB to 1 vCPU/,
			);
			assert.match(stdout, /1\. preMigration: run \/usr\/local\/sbin\/drain in the guest/);
			const { requests, failures, servers, none } = await underLoad(() => project.up());
			assert.deepEqual(failures, []);
			assert.equal(none, 0, "one of them serves at any time");
			assert.ok(requests > 100, `${requests}`);
			for (const { requests: own, connections, leftRotation } of Object.values(servers)) {
				assert.ok(leftRotation >= 1, "each was drained");
				assert.ok(connections < own / 5, `connections are kept: ${connections} for ${own} requests`);
			}
			assert.deepEqual(
				await inEach(a, `${BOOT_ID}; ${SIZE}`),
				booted.map((id) => `${id}\nlarge`),
			);
			await project.preview(["--expect-no-changes"]);
		});

		it("goes to another host one after the other, and no request fails", async () => {
			const booted = await inEach(a, BOOT_ID);
			await project.setConfig("host", "b");
			const { requests, failures, none, slowestMs } = await underLoad(() => project.up());
			assert.deepEqual(failures, []);
			assert.ok(requests > 100, `${requests}`);
			assert.equal(none, 0, "one of them serves at any time");
			assert.ok(slowestMs < 30_000);
			assert.deepEqual(await inEach(b, BOOT_ID), booted);
			assert.equal(await a.virsh("list", "--all", "--name"), "");
			await project.preview(["--expect-no-changes"]);
		});

		it("destroys, and leaves nothing", async () => {
			await project.destroy();
			assert.deepEqual(await left(project), []);
		});
	});
});

/** A network of the machines on each host, both of them on one wire, with the same addresses for the same machines. */
async function connectNetworks(a: TestHost, b: TestHost): Promise<void> {
	const hosts = ["10", "11"].map((id) => `<host mac="52:54:00:16:80:${id}" ip="192.168.168.${id}"/>`).join("");
	for (const [host, address] of [
		[a, "192.168.168.1"],
		[b, "192.168.168.2"],
	] as const) {
		const file = join(host.directory, "web.xml");
		await writeFile(
			file,
			`<network><name>web</name><bridge name="webbr0" stp="off" delay="0"/>
			<ip address="${address}" prefix="24"><dhcp><range start="192.168.168.10" end="192.168.168.20"/>${hosts}</dhcp></ip></network>`,
		);
		await host.virsh("net-define", file);
		await host.virsh("net-start", "web");
	}
	await a.exec("ip", ["link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", String(b.holderPid)]);
	for (const host of [a, b]) {
		await host.exec("ip", ["link", "set", "wire", "master", "webbr0"]);
		await host.exec("ip", ["link", "set", "wire", "up"]);
	}
}
