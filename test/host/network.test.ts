import * as assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { guestExec } from "../../provider/domain/agent";
import type { State } from "../../provider/lifecycle";
import { network } from "../../provider/network/lifecycle";
import type { NetworkFacts, NetworkInputs } from "../../provider/network/schema";
import { checked, VolumeLab, wire } from "./volume-lab";

type NetworkState = State<NetworkInputs, NetworkFacts>;

describe("networks", () => {
	let lab: VolumeLab;
	before(async () => {
		lab = await VolumeLab.start();
		await lab.pool("pool");
		// A subnet that libvirt finds in use.
		await lab.machine.exec("ip", ["link", "add", "taken", "type", "bridge"]);
		await lab.machine.exec("ip", ["address", "add", "10.67.0.1/24", "dev", "taken"]);
		await lab.machine.exec("ip", ["link", "set", "taken", "up"]);
	});
	after(() => lab?.stop());
	afterEach(() => {
		lab.logged = [];
	});

	const inputs = (name: string, more: Record<string, unknown> = {}): Promise<NetworkInputs> =>
		checked(network, { uri: lab.machine.uri, ownerId: `org/project/stack/${name}`, name, ...more });
	const create = async (name: string, more?: Record<string, unknown>): Promise<NetworkState> =>
		wire((await network.create(await inputs(name, more), lab.context)).state);
	const update = async (state: NetworkState, more: Record<string, unknown>): Promise<NetworkState> =>
		wire(await network.update(state.uuid, state, await inputs(state.name, more), lab.context));
	const read = async (state: NetworkState): Promise<NetworkState | undefined> => {
		const found = await network.read(state.uuid, state, lab.context);
		return found && wire(found);
	};
	const remove = (state: NetworkState) => network.delete(state.uuid, state, lab.context);
	const dump = (name: string, ...options: string[]) => lab.machine.virsh("net-dumpxml", name, ...options);
	const effects = (olds: NetworkState, news: NetworkInputs) =>
		network.changes(olds, news).map(({ property, effect }) => `${property} ${effect}`);

	it("of each mode are made, read as recorded, and removed", async () => {
		await lab.machine.exec("ip", ["link", "add", "br-own", "type", "bridge"]);
		const cases: Array<[string, Record<string, unknown>, RegExp]> = [
			["nat", { ipv4: "10.61.1.1/24", ipv6: "fd00:61::1/64", dnsDomain: "lab.test", mtu: 1400 }, /forward mode='nat'/],
			[
				"routed",
				{ mode: "route", ipv4: "10.61.2.1/24", forwardDevice: "lo", autostart: false },
				/forward dev='lo' mode='route'/,
			],
			["isolated", { mode: "isolated", ipv4: "10.61.3.129/25", bridge: "br-iso" }, /bridge name='br-iso'/],
			["alone", { mode: "isolated" }, /<bridge /],
			["bridged", { mode: "bridge", bridge: "br-own" }, /forward mode='bridge'\/>\s*<bridge name='br-own'/],
			[
				"silent",
				{ ipv4: "10.61.4.1/24", dhcp: { enabled: false } },
				/<ip address='10\.61\.4\.1' prefix='24'>\s*<\/ip>/,
			],
		];
		for (const [name, more, expected] of cases) {
			const state = await create(name, more);
			const xml = await dump(name);
			assert.match(xml, expected, name);
			assert.match(xml, new RegExp(`<clones:owner[^>]*>org/project/stack/${name}</clones:owner>`));
			assert.ok(state.bridgeName && xml.includes(state.bridgeName), `${name}: ${state.bridgeName}`);
			assert.deepEqual(await read(state), state, name);
			assert.match(
				await lab.machine.virsh("net-info", name),
				new RegExp(`Autostart: +${state.autostart ? "yes" : "no"}`),
			);
			await lab.machine.restartLibvirtd();
			await lab.newProcess();
			assert.deepEqual(await read(state), state, `${name} after a restart of libvirtd`);
			await remove(state);
			await remove(state);
			assert.equal(await read(state), undefined);
		}
	});

	it("give the whole subnet without the gateway unless told otherwise", async () => {
		const state = await create("ranges", { ipv4: "10.62.0.100/24" });
		assert.match(
			await dump("ranges"),
			/<range start='10\.62\.0\.1' end='10\.62\.0\.99'\/>\s*<range start='10\.62\.0\.101' end='10\.62\.0\.254'\/>/,
		);
		await remove(state);
	});

	it("merge extraXml, and drop it when it goes", async () => {
		const extraXml =
			"<network><dns><host ip='10.63.0.9'><hostname>extra.test</hostname></host></dns><ip><tftp root='/srv'/></ip></network>";
		const ipv4 = "10.63.0.1/24";
		const state = await create("extra", { ipv4, extraXml });
		assert.match(await dump("extra"), /<hostname>extra\.test<\/hostname>/);
		assert.match(await dump("extra"), /<ip address='10\.63\.0\.1' prefix='24'>\s*<tftp root='\/srv'\/>/);
		assert.deepEqual(await read(state), state);
		const without = await update(state, { ipv4 });
		assert.doesNotMatch(await dump("extra"), /extra\.test|tftp/);
		await remove(without);
	});

	it("change DHCP hosts and ranges while they run", async () => {
		const host = (n: number, more = {}) => ({ mac: `52:54:00:00:00:0${n}`, ip: `10.64.0.1${n}`, ...more });
		const ipv4 = "10.64.0.1/24";
		const state = await create("dhcp", { ipv4, dhcp: { hosts: [host(1), host(2, { name: "two" })] } });
		const started = (await lab.machine.exec("cat", ["/sys/class/net/" + state.bridgeName + "/ifindex"])).stdout;
		const news = {
			ipv4,
			dhcp: {
				start: "10.64.0.100",
				end: "10.64.0.200",
				leaseMinutes: 5,
				hosts: [host(2, { name: "second" }), host(3), host(4, { ip: "10.64.0.11" })],
			},
		};
		assert.deepEqual(effects(state, await inputs("dhcp", news)), ["dhcp live", "dhcp.hosts live"]);
		const updated = await update(state, news);
		for (const xml of [await dump("dhcp"), await dump("dhcp", "--inactive")]) {
			assert.match(xml, /<range start='10\.64\.0\.100' end='10\.64\.0\.200'>\s*<lease expiry='5' unit='minutes'\/>/);
			assert.equal(xml.match(/<range /g)?.length, 1);
			assert.equal(xml.match(/<host mac/g)?.length, 3);
			assert.match(xml, /name='second' ip='10\.64\.0\.12'/);
			assert.match(xml, /mac='52:54:00:00:00:04' ip='10\.64\.0\.11'/);
		}
		assert.equal(updated.uuid, state.uuid);
		assert.deepEqual(await read(updated), updated);
		assert.equal(
			(await lab.machine.exec("cat", ["/sys/class/net/" + state.bridgeName + "/ifindex"])).stdout,
			started,
			"not restarted",
		);
		const off = await update(updated, { ipv4, dhcp: { enabled: false } });
		assert.doesNotMatch(await dump("dhcp"), /<dhcp>/);
		const on = await update(off, { ipv4 });
		assert.match(await dump("dhcp"), /<range start='10\.64\.0\.2' end='10\.64\.0\.254'\/>/);
		await remove(on);
	});

	it("take many DHCP hosts at once when no machine is on them", async () => {
		const ipv4 = "10.65.0.1/16";
		const many = Array.from({ length: 1000 }, (_, i) => ({
			mac: `52:54:01:00:${Math.floor(i / 256)
				.toString(16)
				.padStart(2, "0")}:${(i % 256).toString(16).padStart(2, "0")}`,
			ip: `10.65.${1 + Math.floor(i / 200)}.${1 + (i % 200)}`,
		}));
		const state = await create("many", { ipv4, dhcp: { hosts: [] } });
		const updated = await update(state, { ipv4, dhcp: { hosts: many } });
		assert.equal((await dump("many")).match(/<host mac/g)?.length, 1000);
		assert.deepEqual(await read(updated), updated);
		await remove(updated);
	});

	describe("with a running machine", () => {
		let state: NetworkState;
		let uuid: string;
		const ipv4 = "10.66.0.1/24";
		const mac = "52:54:00:66:00:02";
		const fixed = { hosts: [{ mac, ip: "10.66.0.20", name: "guest" }] };
		before(async () => {
			const image = await lab.bootFiles();
			const gold = await lab.volume("gold.qcow2", { source: { file: image.disk } });
			const disk = await lab.volume("guest.qcow2", { base: gold.key });
			state = await create("live", { ipv4, dhcp: fixed });
			const guest = await lab.domain("guest", {
				disks: [{ volume: disk.key }],
				nics: [{ network: "live", mac }],
				waitFor: { agent: true, address: "lease", timeoutSeconds: 60 },
			});
			uuid = guest.uuid;
			assert.deepEqual(guest.addresses, ["10.66.0.20"]);
		});

		const ipv4Addresses = async () => {
			const nics = await lab.host.domains.interfaceAddresses(uuid, "agent");
			const { addresses } = nics.find((nic) => nic.mac === mac)!;
			return addresses.filter(({ family }) => family === "ipv4");
		};

		const pings = () => lab.machine.exec("busybox", ["ping", "-c", "1", "-W", "5", "10.66.0.20"]);
		const reaches = async () => {
			for (let i = 0; i < 20; i++) {
				if (
					await pings().then(
						() => true,
						() => false,
					)
				)
					return;
				await sleep(250);
			}
			await pings();
		};

		it("give the machine the address kept for it", async () => {
			await reaches();
			assert.match((await guestExec(lab.host, uuid, "/bin/hostname", [])).trim(), /./);
		});

		it("keep it connected over a restart, which the preview announces", async () => {
			const news = { ipv4, dhcp: fixed, dnsDomain: "live.test", mtu: 1450 };
			const [change] = network.changes(state, await inputs("live", news));
			assert.match(
				`${change?.effect}: ${change?.note}`,
				/^restart: the network is stopped and started.*running machines are plugged in again/,
			);
			const planned = await network.plan!(await inputs("live", news), { ...lab.context, makes: false });
			assert.deepEqual(planned, ["running machines on it: guest"]);
			const before = await ipv4Addresses();
			state = await update(state, news);
			assert.match(await dump("live"), /<domain name='live\.test'\/>/);
			await reaches();
			assert.deepEqual(await ipv4Addresses(), before);
			assert.doesNotMatch(await lab.machine.virsh("net-list", "--all", "--name"), /detour/);
			assert.match(await lab.machine.virsh("domiflist", "guest"), /network +live +virtio +52:54:00:66:00:02/);
			assert.deepEqual(await read(state), state);
		});

		it("move it to another bridge", async () => {
			state = await update(state, { ipv4, dhcp: fixed, bridge: "br-new" });
			assert.equal(state.bridgeName, "br-new");
			await reaches();
			const { stdout } = await lab.machine.exec("bridge", ["link"]);
			assert.match(stdout, /vnet\d+.* master br-new /);
		});

		it("run on with the old settings when the new ones cannot be started", async () => {
			await assert.rejects(
				update(state, { ipv4: "10.67.0.1/24", bridge: "br-new" }),
				/could not be started with the new settings and runs with the old ones again: .*in use/,
			);
			assert.deepEqual(await read(state), state);
			await reaches();
		});

		it("show that somebody stopped them, and the next update connects the machine again", async () => {
			await lab.machine.virsh("net-destroy", "live");
			await assert.rejects(pings());
			const found = (await read(state))!;
			assert.deepEqual(found, { ...state, incomplete: true });
			assert.deepEqual(await update(found, { ipv4, dhcp: fixed, bridge: "br-new" }), state);
			await reaches();
			assert.doesNotMatch(await lab.machine.virsh("net-list", "--all", "--name"), /detour/);
		});

		it("show that somebody removed them, and the next create connects the machine again", async () => {
			await lab.machine.virsh("net-destroy", "live");
			await lab.machine.virsh("net-undefine", "live");
			assert.equal(await read(state), undefined);
			await assert.rejects(
				update(state, { ipv4, dhcp: fixed, bridge: "br-new" }),
				/"live" .* is gone .*pulumi refresh/,
			);
			state = await create("live", { ipv4, dhcp: fixed, bridge: "br-new" });
			await reaches();
			assert.deepEqual(await read(state), state);
		});

		it("are not deleted", async () => {
			await assert.rejects(
				remove(state),
				/"live" cannot be deleted: running machines are on it: guest\. Shut them down/,
			);
			await reaches();
			await lab.host.domains.destroy(uuid);
			await remove(state);
		});
	});

	it("show on a refresh what was changed behind our back, and the next update mends it", async () => {
		const ipv4 = "10.68.0.1/24";
		const host = { mac: "52:54:00:68:00:01", ip: "10.68.0.11" };
		const given = { ipv4, dhcp: { hosts: [host] } };
		const state = await create("drift", given);
		await lab.machine.virsh(
			"net-update",
			"drift",
			"add",
			"ip-dhcp-host",
			"<host mac='52:54:00:68:00:02' ip='10.68.0.12'/>",
			"--live",
		);
		assert.deepEqual((await read(state))?.dhcp?.hosts.length, 2, "a host added to the running network only");
		await lab.machine.virsh(
			"net-update",
			"drift",
			"delete",
			"ip-dhcp-host",
			"<host mac='52:54:00:68:00:01'/>",
			"--live",
			"--config",
		);
		assert.deepEqual((await read(state))?.dhcp?.hosts, []);
		await lab.machine.virsh("net-autostart", "drift", "--disable");
		await lab.machine.virsh("net-destroy", "drift");
		const found = (await read(state))!;
		assert.deepEqual([found.autostart, found.incomplete], [false, true]);
		assert.deepEqual(effects(found, await inputs("drift", given)), ["dhcp.hosts live", "autostart live"]);
		const mended = await update(found, given);
		assert.deepEqual(await read(mended), mended);
		assert.equal((await dump("drift")).match(/<host mac/g)?.length, 1);

		const xml = (await dump("drift", "--inactive"))
			.replace("mode='nat'", "mode='route'")
			.replace(/10\.68\.0/g, "10.69.0");
		await writeFile(lab.path("drift.xml"), xml);
		await lab.machine.virsh("net-define", lab.path("drift.xml"));
		const other = (await read(mended))!;
		assert.deepEqual([other.mode, other.ipv4], ["route", "10.69.0.1/24"]);
		assert.ok(effects(other, await inputs("drift", given)).includes("ipv4 restart"));
		const back = await update(other, given);
		assert.deepEqual(await read(back), back);
		assert.match(await dump("drift"), /10\.68\.0\.1/);
		await remove(back);
	});

	it("refuse somebody else's of the same name, unless it is to be adopted", async () => {
		const foreign = `<network><name>foreign</name><metadata><other:tag xmlns:other="urn:other">kept</other:tag></metadata>
			<forward mode="nat"/><dns><txt name="a" value="kept"/></dns><ip address="10.70.0.1" prefix="24"/></network>`;
		await writeFile(lab.path("foreign.xml"), foreign);
		await lab.machine.virsh("net-define", lab.path("foreign.xml"));
		await lab.machine.virsh("net-start", "foreign");
		const given = { ipv4: "10.70.0.1/24", dhcp: { hosts: [{ mac: "52:54:00:70:00:01", ip: "10.70.0.11" }] } };
		await assert.rejects(
			create("foreign", given),
			/"foreign" exists already on .* and was not made by this package.*adopt: true/,
		);
		assert.doesNotMatch(await dump("foreign", "--inactive"), /clones:/);
		const state = await create("foreign", { ...given, adopt: true });
		for (const text of [/>kept<\/other:tag>/, /<txt name='a' value='kept'\/>/, /clones:owner/, /52:54:00:70:00:01/]) {
			assert.match(await dump("foreign", "--inactive"), text);
		}
		assert.deepEqual(await read(state), state);

		const mine = { ...(await inputs("foreign", given)), ownerId: "org/project/stack/another" };
		await assert.rejects(network.create(mine, lab.context), /belongs to "org\/project\/stack\/foreign"/);
		await assert.rejects(
			network.delete(state.uuid, { ...state, ownerId: "org/project/other/thing" }, lab.context),
			/"foreign" .* belongs to "org\/project\/stack\/foreign" by now, not to "org\/project\/other\/thing", and is left alone/,
		);
		const renamed = { ...mine, previousOwnerIds: [state.ownerId] };
		assert.equal((await network.create(renamed, lab.context)).id, state.uuid);
		assert.match(await dump("foreign", "--inactive"), /stack\/another</);
		await network.delete(state.uuid, { ...state, ...renamed }, lab.context);
	});

	it("leave nothing when they cannot be started", async () => {
		await assert.rejects(create("clash", { ipv4: "10.67.0.1/24" }), /in use/);
		assert.doesNotMatch(await lab.machine.virsh("net-list", "--all", "--name"), /clash/);
	});
});
