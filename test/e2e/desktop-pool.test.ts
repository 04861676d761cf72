import assert from "node:assert/strict";
import type { ForkedChild } from "../../index";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

const DISK = "/var/lib/pulumi-libvirt-clones/delta";

describe("examples/desktop-pool", function () {
	this.timeout(400_000);
	let bench: Bench;

	before(async () => {
		bench = await startBench({ program: "examples/desktop-pool", config: { kiosks: "1", users: "ann" } });
	});
	after(async () => {
		await bench?.stop();
	});

	const inDesk = (command: string) => inGuest(bench.host, "desk-ann", command);
	const inKiosk = (command: string) => inGuest(bench.host, "kiosk-0", command);
	const machines = async () => (await bench.project.outputs<{ machines: ForkedChild[] }>()).machines;

	it("has desktops, and a disk for what is a user's own", async () => {
		await bench.project.up();
		assert.equal(
			await inDesk("cat /etc/desktop-release; hostname; /usr/local/bin/info-get kind"),
			"1desk-ann\ndesktop of one user",
		);
		await inDesk("mkdir /home/ann; echo mine > /home/ann/notes; echo gone > /root/notes; sync");
		// A package that the user has chosen.
		await inDesk(
			`mkdir -p /tmp/opt; echo tool > /tmp/opt/tool; tar -c -z -C /tmp -f ${DISK}/packages/tool.tar.gz opt; sync`,
		);
		await inKiosk("mkdir -p /home/guest; sync");
	});

	it("gives back at each power-on what is the user's own, and nothing else", async () => {
		const [before] = (await machines()).slice(-1);
		for (const power of ["off", "on"]) {
			await bench.project.setConfig("power", power);
			await bench.project.up();
		}
		assert.equal(await inDesk("cat /home/ann/notes /opt/tool; ls /root/notes 2>/dev/null; true"), "mine\ntool");
		assert.equal(await inKiosk("ls -d /home/guest 2>/dev/null; true"), "");
		const [after] = (await machines()).slice(-1);
		assert.equal(after!.uuid, before!.uuid);
		assert.notEqual(after!.verified!.random, before!.verified!.random);
	});

	it("puts it over a parent that was patched", async () => {
		await bench.project.setConfig("release", "2");
		const { stdout } = await bench.project.preview();
		assert.match(stdout, /\(replace\)\s+\[id=\S+\]\s+\[urn=\S+::desk-ann\]/);
		assert.doesNotMatch(stdout, /\(replace\)\s+\[id=\S+\]\s+\[urn=\S+::desk-ann-data-0\]/);
		await bench.project.up();
		assert.equal(await inDesk("cat /etc/desktop-release /home/ann/notes /opt/tool"), "2mine\ntool");
	});

	it("destroys, and leaves nothing", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
