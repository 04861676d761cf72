/** Scripts for an image that knows cloud-init alone: on a seed, nothing is put into the image. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { poll } from "../../provider/domain/patience";
import { seedOf } from "../../provider/init/inject/seed";
import { compileParameters } from "../../provider/init/parameters";
import { makePayload } from "../../provider/init/payload";
import { parseReport } from "../../provider/init/report";
import { cloudInitSeed } from "../../provider/volume/cloud-init";
import { type Full, Lab } from "../host/domain-lab";
import { logging, logs, RUN, ready } from "../host/init-scripts-lab";

describe("scripts on a seed for cloud-init", function () {
	this.timeout(900_000);
	let lab: Lab;
	const machines: Full[] = [];

	before(async () => {
		lab = await Lab.start("debian");
		const { parameters, ...own } = ready({ hostname: { name: "web-{instance:02}" } });
		const stages = (["early", "network", "late"] as const).map((stage) => ({
			kind: "init" as const,
			name: stage,
			stage,
			content: logs(stage),
		}));
		const scripts = [...own.scripts, ...stages, logging("always", { everyBoot: true })];
		const description = { ...own, identifier: ["mac" as const], scripts, parameters: compileParameters(parameters) };
		const seed = seedOf(await makePayload(description));
		await writeFile(lab.path("seed.iso"), cloudInitSeed(seed, "org/project/stack/seed"));
		const pool = await lab.host.pools.find("pool");
		await lab.host.pools.refresh(pool!.uuid);
		const made = [7, 8].map(async (number) => {
			const inputs = await lab.inputs(`web-${number}`, {
				memoryMiB: 512,
				disks: [
					{ volume: await lab.volume(`web-${number}.qcow2`) },
					{ volume: lab.path("seed.iso"), format: "raw", readOnly: true },
				],
				nics: [{ network: "default", mac: `52:54:00:1b:00:0${number}` }],
				waitFor: { agent: true, timeoutSeconds: 600 },
			});
			return lab.create(inputs);
		});
		machines.push(...(await Promise.all(made)));
	});
	after(() => lab?.stop());

	const log = ({ uuid }: Full) => lab.sh(uuid, "cat /root/ran 2> /dev/null || true");
	const booted = async (machine: Full, lines: string[]) => {
		const isThere = async () => ((await log(machine)) === lines.join("\n") ? true : undefined);
		if (!(await poll(600, isThere, { firstMs: 1000 }))) {
			assert.equal(
				await log(machine),
				lines.join("\n"),
				await lab.sh(machine.uuid, "cat /var/log/cloud-init-output.log"),
			);
		}
	};

	it("run at the first boot of each clone of the one seed, in their order, with what is its own", async () => {
		for (const [index, machine] of machines.entries()) {
			await booted(machine, ["early", "network", "late", "always"]);
			assert.equal(await lab.sh(machine.uuid, "hostname; cat /etc/hostname"), `web-0${index + 7}\nweb-0${index + 7}`);
			const { scripts } = parseReport(await lab.sh(machine.uuid, `${RUN} report`));
			assert.deepEqual([...new Set(scripts.map(({ state }) => state))], ["done"]);
		}
	});

	it("run again at the next boot where they are to, and the others do not", async () => {
		const [machine] = machines;
		const bootId = "cat /proc/sys/kernel/random/boot_id";
		const former = await lab.sh(machine!.uuid, `: > /root/ran; sync; ${bootId}`);
		await lab.machine.virsh("reboot", machine!.uuid, "--mode", "agent");
		const isNew = async () => {
			const now = await lab.sh(machine!.uuid, bootId).catch(() => former);
			return now === former ? undefined : true;
		};
		assert.ok(await poll(600, isNew, { firstMs: 1000 }));
		await booted(machine!, ["always"]);
		assert.equal(await lab.sh(machine!.uuid, "hostname"), "web-07");
	});
});
