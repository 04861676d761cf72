import assert from "node:assert/strict";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setUpGuest } from "../../provider/domain/agent";
import { type SettingValue, scriptOf } from "../../provider/init/library";
import { compileParameters } from "../../provider/init/parameters";
import type { Parameters } from "../../provider/init/parameters-schema";
import { makePayload } from "../../provider/init/payload";
import type { Payload } from "../../provider/init/payload-type";
import { type InitReport, parseReport } from "../../provider/init/report";
import { type Full, Lab } from "./domain-lab";

/** Its last two bytes are the machine's number: 7. */
const MAC = "52:54:00:1b:00:07";
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNob3duIGluIGEgdGVzdCwgb2Ygbm8gdXNl ada@laptop";

/** What a service is on each of them, and says when it is started. */
const SERVICES = {
	micro: {
		path: "/etc/init.d/greet",
		mode: "755",
		content: '#!/bin/sh\necho "$1 ${CLONE_HOSTNAME_NAME}" >> /run/greeted\n',
	},
	debian: {
		path: "/etc/systemd/system/greet.service",
		mode: "644",
		content:
			"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo start ${CLONE_HOSTNAME_NAME} >> /run/greeted'\n[Install]\nWantedBy=multi-user.target\n",
	},
};

describe("ready scripts in a clone", function () {
	this.timeout(300_000);

	for (const kind of ["micro", "debian"] as const) {
		describe(`of ${kind}`, () => {
			let lab: Lab;
			let network: string;
			let machine: Full;
			let report: InitReport;
			const sh = (script: string) => lab.sh(machine.uuid, script);

			before(async () => {
				lab = await Lab.start(kind);
				const [, gateway = ""] =
					/<ip address='([0-9.]+)'/.exec(await lab.machine.virsh("net-dumpxml", "default")) ?? [];
				network = gateway.replace(/\.\d+$/, "");
				machine = await lab.create(
					await lab.inputs("clone", {
						memoryMiB: kind === "micro" ? 128 : 512,
						nics: [{ network: "default", mac: MAC }],
						waitFor: { agent: true, timeoutSeconds: 240 },
					}),
				);
				await place(await payload());
				await bootAgain();
				report = await ended();
			});
			after(() => lab?.stop());

			/** All of them, with what a system needs for each. */
			async function payload() {
				const uses: Array<[string, Record<string, SettingValue>]> = [
					["hostname", { name: "web-{instance:02}.example.org" }],
					[
						"static-address",
						{ address: `${network}.{200 + instance}/24`, gateway: `${network}.1`, dns: `${network}.1` },
					],
					["hosts-file", { hosts: [`${network}.200 web-00`, `${network}.207 web-07`] }],
					["time-zone", { zone: kind === "micro" ? "UTC" : "Europe/Berlin" }],
					["user", { name: "ada", sshKeys: KEY, groups: "nogroup", sudo: kind === "debian", shell: "/bin/sh" }],
					["file", SERVICES[kind]],
					["service", { name: "greet", enabled: kind === "debian" }],
				];
				const ready = uses.map(([name, settings]) => ({ name, ...scriptOf(name, settings) }));
				const parameters: Parameters = Object.assign({}, ...ready.map((script) => script.parameters));
				return makePayload({
					scripts: ready.map(({ name, content, kind, stage, everyBoot }) => ({
						name,
						content,
						kind,
						stage,
						...(everyBoot && { when: { everyBoot } }),
					})),
					identifier: ["mac"],
					parameters: compileParameters(parameters),
				});
			}

			/** On the disk, as if the image had come with it. */
			async function place({ files, links, lines }: Payload) {
				await setUpGuest(lab.host, machine.uuid, {
					files: files.map(({ path, mode, content }) => ({
						path,
						mode: `0${mode.toString(8)}`,
						content: content.toString("base64"),
						encoding: "base64" as const,
					})),
				});
				const commands = [
					...links.map(({ path, target }) => `mkdir -p ${dirname(path)} && ln -s ${target} ${path}`),
					...lines.map(({ path, line }) => `[ ! -f ${path} ] || echo '${line}' >> ${path}`),
				];
				await sh(commands.join(" && "));
			}

			async function bootAgain() {
				const bootId = () => sh("cat /proc/sys/kernel/random/boot_id").catch(() => former);
				const former = await sh("cat /proc/sys/kernel/random/boot_id");
				await sh("sync; (sleep 1; reboot -f) > /dev/null 2>&1 &");
				while ((await bootId()) === former) await sleep(300);
			}

			/** What has become of all scripts, once none of them has still to run. */
			async function ended(): Promise<InitReport> {
				for (;;) {
					const found = parseReport(`${await sh("/usr/lib/clones-init/run report")}\n`);
					if (found.scripts.every(({ state }) => state !== "pending" && state !== "running")) return found;
					if (found.scripts.some(({ state }) => state === "failed")) return found;
					await sleep(300);
				}
			}

			it("all end well, and say nothing", () => {
				assert.equal(report.problem, undefined);
				assert.deepEqual(
					report.scripts.map(({ name, state, output }) => [name, state, output]),
					["hostname", "static-address", "hosts-file", "time-zone", "user", "file", "service"].map((name) => [
						name,
						"done",
						"",
					]),
				);
			});

			it("name it, now and later, and its siblings", async () => {
				assert.equal(await sh("hostname; cat /etc/hostname"), "web-07.example.org\nweb-07.example.org");
				assert.match(
					await sh("cat /etc/hosts"),
					new RegExp(`\\n127.0.1.1 web-07.example.org web-07\\n(.*\\n)*.*\\n${network}.200 web-00\\n`),
				);
			});

			it("give it its address, and no other", async () => {
				assert.deepEqual((await sh("ip -4 -o addr show dev eth0")).match(/inet \S+/g), [`inet ${network}.207/24`]);
				assert.match(await sh("ip route"), new RegExp(`^default via ${network}.1 dev eth0`));
				assert.match(
					await sh("ping -c 1 -W 5 $(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p')"),
					/ 0% packet loss/,
				);
			});

			it("make an account that its key lets in", async () => {
				assert.match(await sh("id ada"), /^uid=1000\(ada\) gid=1000\(ada\) groups=.*65534\(nogroup\)/);
				assert.equal(
					await sh("cd ~ada && stat -c '%U %a' . .ssh .ssh/authorized_keys && cat .ssh/authorized_keys"),
					`ada 7${kind === "micro" ? "50" : "55"}\nada 700\nada 600\n# clones-init begin\n${KEY}\n# clones-init end`,
				);
				if (kind === "debian") assert.equal(await sh("su ada -c 'sudo -n id -un'"), "root");
			});

			it("set the time zone, and start a service that was written before", async () => {
				assert.match(await sh("date -d @0 +%Z%H"), kind === "micro" ? /^UTC00$/ : /^CET01$/);
				assert.equal(await sh("cat /run/greeted"), "start web-07.example.org");
			});
		});
	}
});
