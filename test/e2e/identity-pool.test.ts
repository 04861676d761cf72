import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CloneInstance } from "../../index";
import { withStore } from "../../provider/identity/access";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/identity-pool", function () {
	this.timeout(400_000);
	let bench: Bench;
	let folder: string;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "identity-pool-"));
		bench = await startBench({
			program: "examples/identity-pool",
			config: { store: join(folder, "identities.sqlite"), identities: "3" },
		});
	});
	after(async () => {
		await bench?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	const machines = async () => (await bench.project.outputs<{ machines: CloneInstance[] }>()).machines;
	const identitiesOf = async () =>
		Object.fromEntries((await machines()).map(({ name, identity }) => [name, identity!] as const));
	const states = () =>
		withStore({ sqlite: { path: join(folder, "identities.sqlite") } }, async (store) =>
			(await store.list("identities")).map(({ state }) => state).sort(),
		);

	it("gives each clone a name, an address, keys and a machine-id of its own", async () => {
		await bench.project.preview();
		await bench.project.up();
		assert.deepEqual(Object.values(await identitiesOf()).sort(), ["node-01", "node-02"]);
		for (const { name, identity, macs, addresses } of await machines()) {
			const number = Number(identity!.slice(-2));
			assert.equal(macs[0], `52:54:00:15:30:0${number}`);
			assert.ok(addresses.includes(`192.168.153.${9 + number}`), addresses.join());
			assert.equal(await inGuest(bench.host, name, "hostname"), identity);
			const told = JSON.parse(await inGuest(bench.host, name, "cat /etc/machine-identity.json"));
			assert.deepEqual([told.name, told.ips], [identity, [`192.168.153.${9 + number}`]]);
			const look =
				"stat -c %a /etc/ssh/ssh_host_ed25519_key; head -c 35 /etc/ssh/ssh_host_ed25519_key; cat /etc/machine-id";
			assert.match(await inGuest(bench.host, name, look), /^600\n-----BEGIN OPENSSH PRIVATE KEY-----[0-9a-f]{32}$/);
		}
		assert.deepEqual(await states(), ["free", "leased", "leased"]);
	});

	it("shows no change in a second preview, nor after a refresh", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.refresh(["--expect-no-changes"]);
	});

	it("says what a new machine takes, and leaves the others who they are", async () => {
		const before = await identitiesOf();
		await bench.project.setConfig("machines", "3");
		const { stdout, changes } = await bench.project.preview();
		assert.match(stdout, /takes one of 1 free identities of the pool identities/);
		assert.equal(changes.replace, undefined);
		await bench.project.up();
		assert.deepEqual(await identitiesOf(), { ...before, "vm-2": "node-03" });
	});

	it("takes back the identity of a machine that is destroyed", async () => {
		await bench.project.setConfig("machines", "1");
		await bench.project.up();
		assert.deepEqual(await states(), ["free", "free", "leased"]);
	});

	it("tells a machine by its firmware, and nobody else on the host", async () => {
		await bench.project.edit("index.ts", '"guest-agent"', '"fw-cfg"');
		await bench.project.setConfig("machines", "2");
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /its machine is told by its firmware \(fw_cfg\)/);
		await bench.project.up();
		const { name, identity } = (await machines()).find(({ name }) => name === "vm-1")!;
		const archive = "/sys/firmware/qemu_fw_cfg/by_name/opt/pulumi-libvirt-clones/files.tar/raw";
		await inGuest(bench.host, name, `tar -x -C / -f ${archive} && hostname -F /etc/hostname`);
		assert.equal(await inGuest(bench.host, name, "hostname"), identity);
		const look = "stat -c %a /etc/ssh/ssh_host_ed25519_key /etc/machine-identity.json; cat /etc/machine-identity.json";
		const [modes, told] = (await inGuest(bench.host, name, look)).split(/(?<=600\n600)\n/);
		assert.equal(modes, "600\n600");
		assert.equal(JSON.parse(told!).name, identity);
		const processes = (await bench.host.exec("sh", ["-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"])).stdout;
		const [, file] = /-fw_cfg name=opt\/pulumi-libvirt-clones\/files\.tar,file=(\S+vm-1-seed\S+)/.exec(processes) ?? [];
		assert.ok(file, processes);
		assert.doesNotMatch(processes, /OPENSSH|machineId/);
		assert.match((await bench.host.exec("stat", ["-c", "%a", file])).stdout, /^600$/m);
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("destroys, and leaves neither machines nor identities", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
		await withStore({ sqlite: { path: join(folder, "identities.sqlite") } }, async (store) =>
			assert.deepEqual(await store.pools(), []),
		);
	});
});
