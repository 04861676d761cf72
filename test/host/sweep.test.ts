import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { link, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { forgetKnown } from "../../provider/guard/known";
import { sweep } from "../../provider/guard/sweep";
import { Domain, Guard, Network, StoragePool, Volume } from "../../provider/index";
import { connect } from "../../provider/libvirt";
import { guardTag, stackTag } from "../../provider/owner";
import { partialName } from "../../provider/volume/partials";
import { repository } from "../../tools/pulumi/project";
import { startTestHost, type TestHost } from "../../tools/testhost";

const STACK = "organization/swept/dev";
const run = promisify(execFile);

/** Objects that a run made and could not record; made through the same handlers as the engine's. */
describe("the sweep", function () {
	this.timeout(60_000);
	let host: TestHost;

	before(async () => {
		host = await startTestHost();
	});
	after(() => host?.stop());

	const common = (name: string, stack = STACK) => ({ uri: host.uri, ownerId: `${stack}/${name}` });
	const make = async (handler: typeof Volume, inputs: Record<string, unknown>) => {
		const checked = await handler.check({}, { ...inputs, __provider: "x" });
		assert.deepEqual(checked.failures, []);
		const made = await handler.create(checked.inputs);
		forgetKnown(made.id, host.uri);
		return made;
	};
	const volumeName = (name: string) => `${name}-${stackTag(`${STACK}/`)}.qcow2`;
	const names = async () => ({
		domains: (await host.virsh("list", "--all", "--name")).split("\n").filter(Boolean),
		networks: (await host.virsh("net-list", "--all", "--name"))
			.split("\n")
			.filter((name) => name && name !== "default"),
		pools: (await host.virsh("pool-list", "--all", "--name")).split("\n").filter(Boolean),
	});

	async function makeAll(): Promise<void> {
		const pool = await make(StoragePool, { ...common("pool"), name: "swept", path: join(host.poolDirectory, "swept") });
		const gold = await make(Volume, { ...common("gold"), pool: pool.id, name: volumeName("gold"), sizeMiB: 16 });
		const clone = async (name: string) =>
			make(Volume, { ...common(name), pool: pool.id, name: volumeName(name), base: gold.id });
		const used = await clone("used");
		const other = await clone("other");
		await clone("unused");
		await make(Network, { ...common("lab"), name: "swept-lab", mode: "isolated", ipv4: "192.168.170.1/24" });
		const domain = (name: string, disk: string, stack = STACK, more = {}) =>
			make(Domain, {
				...common(name, stack),
				name,
				memoryMiB: 64,
				type: "qemu",
				running: false,
				disks: [{ volume: disk, format: "qcow2" }],
				...more,
			});
		await domain("mine", used.id);
		await domain("theirs", other.id, "organization/other/dev");
		await domain("kept", gold.id, STACK, { retain: true, disks: [] });
	}

	it("tells what it would do, and does nothing, in a dry run", async () => {
		await makeAll();
		const before = await names();
		const { stdout } = await run("node", [
			join(repository, "dist/cli/main.js"),
			...["sweep", "--stack", STACK, "--uri", host.uri],
		]);
		assert.match(stdout, /would remove domain mine/);
		assert.match(stdout, /Nothing was changed/);
		assert.deepEqual(await names(), before);
	});

	it("leaves what another guard watches over", async () => {
		const { removed } = await sweep(connect(host.uri), {
			stack: STACK,
			guard: guardTag("qemu:///elsewhere"),
			dryRun: true,
		});
		assert.deepEqual(
			removed.filter((what) => /domain|network/.test(what)),
			[],
		);
	});

	it("removes the stack's machines, their disks and untouched overlays; not what is used, retained or somebody else's", async () => {
		await Guard.delete("guard", common("libvirt-clones-guard"));
		const { domains, networks, pools } = await names();
		assert.deepEqual(domains.sort(), ["kept", "theirs"]);
		assert.deepEqual(networks, []);
		// The gold image is the base of a disk that another stack's domain uses, so the pool stays, too.
		assert.deepEqual(pools, ["swept"]);
		const files = (await host.exec("ls", [join(host.poolDirectory, "swept")])).stdout.split("\n").filter(Boolean);
		assert.deepEqual(files.sort(), [volumeName("gold"), volumeName("other")].sort());
	});

	it("removes an empty pool", async () => {
		await host.virsh("undefine", "theirs");
		for (const name of ["other", "gold"]) await host.virsh("vol-delete", volumeName(name), "--pool", "swept");
		const { removed } = await sweep(connect(host.uri), { stack: STACK });
		assert.deepEqual(removed, ["pool swept"]);
	});

	it("passes over a pool that somebody stops meanwhile, and over none that fails", async () => {
		await host.virsh("pool-define-as", "passing", "dir", "--target", host.poolDirectory);
		await host.virsh("pool-start", "passing");
		const real = connect(host.uri);
		const refreshing = (meanwhile: (uuid: string) => Promise<unknown>) => ({
			...real,
			pools: {
				...real.pools,
				list: real.pools.list.bind(real.pools),
				refresh: async (uuid: string) => {
					await meanwhile(uuid);
					await real.pools.refresh(uuid);
				},
			},
		});
		const failing = refreshing(() => Promise.reject(new Error("no such disk")));
		await assert.rejects(sweep(failing, { stack: STACK, dryRun: true }), /no such disk/);
		const passing = (await host.virsh("pool-uuid", "passing")).trim();
		const stopping = refreshing(async (uuid) => uuid === passing && host.virsh("pool-destroy", "passing"));
		const { removed } = await sweep(stopping, { stack: STACK, guard: "none", dryRun: true });
		assert.ok(!removed.includes("pool passing"));
		assert.match(await host.virsh("pool-list", "--inactive", "--name"), /passing/);
		await host.virsh("pool-undefine", "passing");
	});

	it("takes a base together with its overlays, also of another pool, and leaves what is retained", async () => {
		const pools = ["first", "second"].map((name) =>
			make(StoragePool, { ...common(name), name, path: join(host.poolDirectory, name) }),
		);
		const [first, second] = await Promise.all(pools);
		const volume = (name: string, pool: string, more: object) =>
			make(Volume, { ...common(name), pool, name: volumeName(name), ...more });
		const base = await volume("base", first!.id, { sizeMiB: 16 });
		const top = await volume("top", second!.id, { base: base.id });
		const retained = await volume("retained", second!.id, { sizeMiB: 16 });
		const disk = await volume("disk", second!.id, { sizeMiB: 16 });
		await make(Domain, { ...common("gone"), name: "gone", memoryMiB: 64, type: "qemu", disks: [{ volume: disk.id }] });
		await host.virsh("pool-refresh", "second");

		const { removed, kept } = await sweep(connect(host.uri), { stack: STACK, retained: ["retained", "disk"] });
		assert.deepEqual(removed, ["domain gone", `volume ${top.id}`, `volume ${base.id}`, "pool first"]);
		assert.deepEqual(kept.sort(), [
			"domain kept: it is marked to be retained",
			"pool second: it holds 2 volume(s)",
			...[disk.id, retained.id].map((path) => `volume ${path}: it is marked to be retained`),
		]);
		const rest = await sweep(connect(host.uri), { stack: STACK });
		assert.deepEqual(rest.removed.slice(-1), ["pool second"]);
	});

	it("removes at once what a killed process was filling", async () => {
		const pool = await make(StoragePool, {
			...common("partial"),
			name: "partial",
			path: join(host.poolDirectory, "partial"),
		});
		// A folder is known to be this machine's by a volume in it.
		await make(Volume, { ...common("base"), pool: pool.id, name: volumeName("base"), sizeMiB: 16 });
		const file = (process: string) =>
			join(host.poolDirectory, "partial", partialName("x").replace(/-\d+-\d+-/, `-${process}-`));
		const mine = join(host.poolDirectory, "partial", partialName("mine"));
		for (const path of [file("4194305-1"), mine]) await writeFile(path, "");
		await sweep(connect(host.uri), { stack: STACK });
		assert.deepEqual(await readdir(join(host.poolDirectory, "partial")), [basename(mine)]);
	});

	it("is not needed where a process was killed right after it had given a file its name", async () => {
		const path = join(host.poolDirectory, "named");
		const pool = await make(StoragePool, { ...common("named"), name: "named", path });
		const file = volumeName("named");
		await host.virsh("vol-create-as", "named", file, "16M", "--format", "qcow2");
		const left = partialName(file).replace(/-\d+-\d+-/, "-4194305-1-");
		await link(join(path, file), join(path, left));
		await make(Volume, { ...common("named"), pool: pool.id, name: file, sizeMiB: 16 });
		assert.deepEqual(await readdir(path), [file]);
	});

	it("says what is wrong with a command line", async () => {
		const failed = await run("node", [join(repository, "dist/cli/main.js"), "sweep", "--stack", "x"]).catch(
			(error) => error,
		);
		assert.match(failed.stderr, /--stack: got "x"; allowed is organization\/project\/stack/);
		assert.equal(failed.code, 1);
	});
});
