import * as assert from "node:assert/strict";
import { guestExec } from "../../provider/domain/agent";
import { InitImage } from "../host/init-lab";
import { withLibguestfs } from "../host/inject-lab";
import { type DomainState, VolumeLab } from "../host/volume-lab";

/** As in docs/init-parameters.md. */
const TPM = '<domain><devices><tpm model="tpm-crb"><backend type="emulator" version="2.0"/></tpm></devices></domain>';

describe("machines whose TPM libvirt makes", function () {
	this.timeout(300_000);
	withLibguestfs();
	let lab: VolumeLab;
	let image: InitImage;
	const machines: DomainState[] = [];

	before(async () => {
		lab = await VolumeLab.start();
		await lab.pool("pool");
		const script = { kind: "init" as const, name: "id", content: '#!/bin/sh\necho "$CLONE_ID" > /run/id\n' };
		image = await InitImage.make("micro", { identifier: ["tpm"], parameters: {}, scripts: [script] });
		const { disk } = await image.flat();
		const gold = await lab.volume("gold.qcow2", { source: { file: disk } });
		for (const name of ["one", "two"]) {
			const root = await lab.volume(`${name}.qcow2`, { base: gold.key });
			machines.push(
				await lab.domain(name, {
					disks: [{ volume: root.key }],
					extraXml: TPM,
					waitFor: { agent: true, timeoutSeconds: 120 },
				}),
			);
		}
	});
	after(async () => {
		await lab?.stop();
		await image?.remove();
	});

	const idOf = ({ uuid }: DomainState) =>
		guestExec(lab.host, uuid, "/bin/sh", ["-c", "until [ -s /run/id ]; do sleep 0.1; done; cat /run/id"]);

	it("are told apart by it, and are the same at the next boot", async () => {
		const [one, two] = (await Promise.all(machines.map(idOf))) as [string, string];
		assert.match(one, /^[0-9a-f]{64}\n$/);
		assert.match(two, /^[0-9a-f]{64}\n$/);
		assert.notEqual(one, two);
		const [machine] = machines as [DomainState];
		await guestExec(lab.host, machine.uuid, "/bin/sh", ["-c", "sync"]);
		await lab.machine.virsh("destroy", machine.name);
		await lab.machine.virsh("start", machine.name);
		const identify = ["-c", "/usr/lib/clones-init/identify tpm"];
		let found = "";
		while (found === "") found = await guestExec(lab.host, machine.uuid, "/bin/sh", identify).catch(() => "");
		assert.equal(found, `id tpm ${one}`);
	});
});
