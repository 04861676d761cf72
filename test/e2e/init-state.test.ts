import assert from "node:assert/strict";
import type { InitInstance } from "../../index";
import { leftOn } from "./hosts";
import { type StateBench, startStateBench, TWO } from "./init-state-lab";

describe("clones with scripts that go on in the memory of a machine", function () {
	this.timeout(300_000);
	let bench: StateBench;

	before(async () => {
		bench = await startStateBench();
	});
	after(() => bench?.stop());

	it("are who they compute, without a boot, and have run their scripts", async () => {
		await bench.project.up();
		const { machines } = await bench.project.outputs<{ machines: InitInstance[] }>();
		assert.deepEqual(
			machines.map(({ name, parameters }) => [name, parameters.hostname]),
			[
				["web-a", "web-01"],
				["web-b", "web-02"],
			],
		);
		for (const [index, { name, macs, scripts }] of machines.entries()) {
			assert.deepEqual(
				scripts.map(({ name: script, state }) => `${script} ${state}`),
				["alone done", "hostname done", "static-address done", "who done"],
			);
			assert.equal(await bench.inside(name, "cat /run/warm; hostname"), `warmed up\nweb-0${index + 1}`);
			assert.equal(await bench.inside(name, "cat /etc/who"), `${macs[0]} web-0${index + 1}`);
			assert.match(
				await bench.inside(name, "ip -4 -o addr show dev eth0"),
				new RegExp(` 192\\.168\\.159\\.1${index}/24 `),
			);
		}
	});

	it("have run those of the stage early before they had a NIC", async () => {
		assert.equal(await bench.inside("web-a", "cat /etc/nics"), "lo");
	});

	it("show no change afterwards", () => bench.project.preview(["--expect-no-changes"]));

	it("are told by the script that failed before the NIC, and then are not there", async () => {
		await bench.want({ ...TWO, bad: { instanceId: 9 } });
		const { code, stdout } = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(code, 0);
		assert.match(stdout, /01-alone failed: it ended with exit code 3/);
		assert.match(stdout, /not this one/);
		assert.doesNotMatch(await bench.host.virsh("list", "--all", "--name"), /web-bad/);
	});

	it("go on in the memory of a machine that runs, which stays what it is", async () => {
		await bench.want({});
		await bench.project.setConfig("fromMachine", "true");
		await bench.project.up();
		const { copies } = await bench.project.outputs<{ copies: InitInstance[] }>();
		assert.deepEqual(
			copies[0]!.scripts.map(({ name: script, state }) => `${script} ${state}`),
			["alone done", "hostname done", "static-address done", "who done"],
		);
		const bootId = "cat /proc/sys/kernel/random/boot_id";
		assert.equal(await bench.inside("twin-c", bootId), await bench.inside("machine", bootId));
		assert.equal(await bench.inside("twin-c", "hostname; cat /etc/nics"), "web-06\nlo");
		assert.notEqual(await bench.inside("machine", "hostname"), "web-06");
		await bench.project.preview(["--expect-no-changes"]);
	});

	it("destroy, and leave nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
