import assert from "node:assert/strict";
import { InstanceTypes, type MorphOption, morphOptions } from "../../index";
import { domain } from "../../provider/domain/lifecycle";
import { moveChange } from "../../provider/domain/moved";
import type { DomainInputs } from "../../provider/domain/schema";
import { attribute, child, parse, text } from "../../provider/xml/element";
import { namedDevices } from "../../provider/xml/named-devices";
import { type Lab, wire } from "./domain-lab";
import { WaysLab } from "./move-ways-lab";

/** An rng, and a port for USB devices of others, neither of which the other host can give. */
const DEVICES = {
	extraXml: `<domain><devices>
		<controller type="usb" model="qemu-xhci"/>
		<rng model="virtio"><backend model="builtin"/><alias name="ua-noise"/></rng>
		<redirdev bus="usb" type="tcp">
			<source mode="bind" host="127.0.0.1" service="4000"/><protocol type="raw"/><alias name="ua-redirected"/>
		</redirdev>
	</devices></domain>`,
};
const ADAPT = { whenLacking: "adapt" };
/** What each of its rngs gives. */
const NOISE =
	"cd /sys/class/misc/hw_random; for r in $(cat rng_available); do echo $r > rng_current; " +
	"echo $r $(head -c 16 /dev/hwrng | wc -c); done";

describe("a machine whose new host lacks some of its devices", function () {
	this.timeout(300_000);
	let lab: WaysLab;
	before(async () => {
		lab = await WaysLab.start(DEVICES);
		await lab.b.machine.hideQemuFlags("rng-builtin", "usb-redir");
	});
	after(() => lab?.stop());

	const there = (migration: object) => lab.on(lab.there, migration, DEVICES);
	const settled = (news: DomainInputs) => domain.settle!(lab.inputs, news, lab.there.context);

	/** Its named devices, as it runs or as it is defined, and what the backend of the rng among them is. */
	async function named(inactive = false): Promise<string[]> {
		const root = parse(await lab.at.host.domains.xml(lab.state.uuid, { inactive }));
		const names = namedDevices(root).map(({ alias, element }) => {
			const backend = child(element, "backend");
			return backend ? `${alias} ${attribute(backend, "", "model")} ${text(backend)}`.trim() : alias;
		});
		return names.sort();
	}
	const ALL = ["ua-noise builtin", "ua-redirected"];

	it("stays where it is, by default, and the preview and the options name each device", async () => {
		const lacks = /does not have its rng ua-noise with backend builtin \(there: random, egd\); .*whenLacking "adapt"/;
		const news = await there({});
		await assert.rejects(settled(news), lacks);
		await assert.rejects(settled(news), /does not have its redirdev ua-redirected/);
		await assert.rejects(lab.tried(lab.there, news), lacks);
		const asked = morphOptions({
			machines: ["goes"],
			types: new InstanceTypes({ own: await lab.size() }),
			uri: lab.at.host.uri,
			to: lab.there.host.uri,
		});
		const options = await new Promise<MorphOption[]>((resolve) => void asked.apply(resolve));
		const own = options.find(({ type }) => type === "own")!;
		assert.equal(own.mode, "reboot");
		assert.match(own.reasons.map(({ reason }) => reason).join(), lacks);
		assert.deepEqual(await named(), ALL);
		await lab.assertGoesOn();
	});

	it("has its devices again where it could not leave", async () => {
		const news = await there({ ...ADAPT, peerUri: "qemu+tcp://127.0.0.1:1/system" });
		await assert.rejects(lab.tried(lab.there, news), /goes was not moved/);
		assert.match(lab.there.logged.join("\n"), /redirdev ua-redirected with bus usb is unplugged/);
		assert.deepEqual(await named(), ALL);
		await lab.tried(lab.at, lab.inputs);
		await lab.assertGoesOn();
	});

	it("has its devices again where its driver was killed when one was unplugged", async () => {
		const inputs = await there(ADAPT);
		for (let diesAt = 1, gone = false; !gone; diesAt++) {
			assert.equal(await lab.dying({ state: lab.state, inputs, diesAt }), true);
			gone = !(await named()).includes("ua-redirected");
			await lab.tried(lab.at, lab.inputs);
			assert.deepEqual(await named(), ALL);
		}
		await lab.assertGoesOn();
	});

	it("goes there while it runs, adapted, where that is allowed", async () => {
		const before = await lab.sh(NOISE);
		const news = await there(ADAPT);
		const { moves } = await settled(news);
		assert.match(
			moveChange(moves!, news).note,
			/while it runs: .*ua-noise.*: it gets another backend there.*ua-redirected.*: it is unplugged/,
		);
		await lab.moved(news);
		await lab.assertGoesOn();
		for (const inactive of [false, true]) assert.deepEqual(await named(inactive), ["ua-noise random /dev/urandom"]);
		assert.match(before, /^(virtio_rng\.\d 16\n?){2}$/);
		assert.equal(await lab.sh(NOISE), before);
	});

	it("comes back while it runs, and has all of them from its next start on", async () => {
		await lab.moved(await there(ADAPT));
		await lab.assertGoesOn();
		assert.deepEqual(await named(), ["ua-noise random /dev/urandom"]);
		assert.deepEqual(await named(true), ALL);
	});

	it("goes there adapted as well where it is off", async () => {
		const off = async (at: Lab) => {
			const disks = [{ volume: await at.volume("off.qcow2", { empty: true }) }];
			const { migration } = await there(ADAPT);
			return at.plain("off", { type: "qemu", running: false, memoryMiB: 128, disks, migration, ...DEVICES });
		};
		const [at, to] = [lab.at, lab.there];
		const state = wire(await at.create(await off(at)));
		const moved = wire(await to.update(state, await off(to)));
		assert.equal((await to.host.domains.find(moved.uuid))?.state, "shutoff");
		assert.equal(await at.host.domains.find(moved.uuid), undefined);
		const root = parse(await to.host.domains.xml(moved.uuid, { inactive: true }));
		assert.deepEqual(
			namedDevices(root).map(({ element }) => attribute(element, "backend", "model")),
			["random"],
		);
		const asked = { ...(await off(to)), disks: moved.disks, extraXml: DEVICES.extraXml.replace("4000", "4001") };
		await assert.rejects(to.update(moved, asked), /doesn't support the rng-builtin backend/);
		await to.delete(moved);
	});
});
