import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { injectThroughAgent } from "../../provider/init/inject/agent";
import { compileParameters } from "../../provider/init/parameters";
import { makePayload } from "../../provider/init/payload";
import { type InitReport, parseReport } from "../../provider/init/report";
import { type Full, Lab } from "./domain-lab";
import { defaultNetwork, KEY, MAC, RUN, ready } from "./init-scripts-lab";

/** What the machine is numbered by once it has another NIC: 8. */
const OTHER_MAC = "52:54:00:1b:00:08";

/** Says when it is started. */
const SERVICE = '#!/bin/sh\necho "$1 ${CLONE_HOSTNAME_NAME}" >> /run/greeted\n';

const NAMES = ["hostname", "static-address", "hosts-file", "time-zone", "user", "file", "service"];

describe("ready scripts in a clone without systemd", function () {
	this.timeout(300_000);
	let lab: Lab;
	let network: string;
	let machine: Full;
	let report: InitReport;
	const sh = (script: string) => lab.sh(machine.uuid, script);

	before(async () => {
		lab = await Lab.start();
		const { gateway, ...found } = await defaultNetwork(lab.machine);
		network = found.network;
		machine = await lab.create(
			await lab.inputs("clone", {
				nics: [{ network: "default", mac: MAC }],
				waitFor: { agent: true, timeoutSeconds: 240 },
			}),
		);
		const { parameters, ...own } = ready({
			hostname: { name: "web-{instance:02}.example.org" },
			"static-address": { address: `${network}.{200 + instance}/24`, gateway, dns: gateway },
			"hosts-file": { hosts: [`${network}.200 web-00`, `${network}.207 web-07`] },
			"time-zone": { zone: "UTC" },
			user: { name: "ada", sshKeys: KEY, groups: "nogroup", shell: "/bin/sh" },
			file: { path: "/etc/init.d/greet", mode: "755", content: SERVICE },
			service: { name: "greet" },
		});
		const payload = await makePayload({ ...own, identifier: ["mac"], parameters: compileParameters(parameters) });
		assert.equal(await injectThroughAgent(lab.host, machine.uuid, payload), true);
		await bootAgain();
		report = await ended();
	});
	after(() => lab?.stop());

	async function bootAgain() {
		const bootId = () => sh("cat /proc/sys/kernel/random/boot_id").catch(() => former);
		const former = await sh("cat /proc/sys/kernel/random/boot_id");
		await sh("sync; (sleep 1; reboot -f) > /dev/null 2>&1 &");
		while ((await bootId()) === former) await sleep(300);
	}

	/** What has become of all scripts, once none of them has still to run. */
	async function ended(): Promise<InitReport> {
		for (;;) {
			const found = parseReport(`${await sh(`${RUN} report`)}\n`);
			if (found.scripts.every(({ state }) => state !== "pending" && state !== "running")) return found;
			if (found.scripts.some(({ state }) => state === "failed")) return found;
			await sleep(300);
		}
	}

	/** @param number of the machine, in two digits */
	async function assertNamedAndAddressed(number: string) {
		const name = `web-${number}.example.org`;
		assert.equal(await sh("hostname; cat /etc/hostname"), `${name}\n${name}`);
		assert.match(
			await sh("cat /etc/hosts"),
			new RegExp(`\\n127.0.1.1 ${name} web-${number}\\n(.*\\n)*.*\\n${network}.200 web-00\\n`),
		);
		assert.deepEqual((await sh("ip -4 -o addr show dev eth0")).match(/inet \S+/g), [`inet ${network}.2${number}/24`]);
		assert.match(await sh("ip route"), new RegExp(`^default via ${network}.1 dev eth0`));
		assert.match(await sh(`ping -c 1 -W 5 ${network}.1`), / 0% packet loss/);
	}

	const assertAllDone = ({ problem, scripts }: InitReport) => {
		assert.equal(problem, undefined);
		assert.deepEqual(
			scripts.map(({ name, state, output }) => [name, state, output]),
			NAMES.map((name) => [name, "done", ""]),
		);
	};

	it("all end well, and say nothing", () => assertAllDone(report));

	it("name it, now and later, and its siblings, and give it its address, and no other", () =>
		assertNamedAndAddressed("07"));

	it("make an account that its key lets in", async () => {
		assert.match(await sh("id ada"), /^uid=1000\(ada\) gid=1000\(ada\) groups=.*65534\(nogroup\)/);
		assert.equal(
			await sh("cd ~ada && stat -c '%U %a' . .ssh .ssh/authorized_keys && cat .ssh/authorized_keys"),
			`ada 750\nada 700\nada 600\n# clones-init begin\n${KEY}\n# clones-init end`,
		);
	});

	it("set the time zone, and start a service that was written before", async () => {
		assert.equal(await sh("date -d @0 +%Z%H"), "UTC00");
		assert.equal(await sh("cat /run/greeted"), "start web-07.example.org");
	});

	it("make it another one without a boot, when its hardware has become another's", async () => {
		const bootId = await sh("cat /proc/sys/kernel/random/boot_id");
		await lab.machine.virsh("detach-interface", "clone", "network", "--mac", MAC, "--live");
		while ((await sh("ls /sys/class/net")) !== "lo") await sleep(200);
		await lab.machine.virsh(
			...["attach-interface", "clone", "network", "default", "--mac", OTHER_MAC],
			...["--model", "virtio", "--live"],
		);
		// The image starts a DHCP client for it.
		await sh("until ip -o -4 addr show dev eth0 2> /dev/null | grep -q inet; do sleep 0.1; done");
		await sh(`${RUN} fork`);
		const { id, instance, ...found } = parseReport(`${await sh(`${RUN} report`)}\n`);
		assert.deepEqual([id, instance], [OTHER_MAC, 8]);
		assertAllDone({ ...found });
		await assertNamedAndAddressed("08");
		assert.equal(await sh("cat /run/greeted"), "start web-07.example.org\nstart web-08.example.org");
		assert.equal(await sh("cat /proc/sys/kernel/random/boot_id"), bootId);
	});
});
