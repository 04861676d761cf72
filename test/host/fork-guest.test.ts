import assert from "node:assert/strict";
import { join } from "node:path";
import { forkPoint } from "../../provider/fork/lifecycle";
import { type ForkPointFacts, type ForkPointInputs, forkPointSchema } from "../../provider/fork/schema";
import type { State } from "../../provider/lifecycle";
import { volume } from "../../provider/volume/lifecycle";
import { volumeSchema } from "../../provider/volume/schema";
import { type Full, Lab } from "./domain-lab";

const SCRIPTS = "/usr/local/lib/pulumi-libvirt-clones";
/** Asks for the fork at 3, and goes on counting in whom it finds itself. */
const COUNTER = `#!/bin/sh
count=0
while [ $count -lt 6 ]; do
	count=$((count + 1))
	echo "$count $(hostname)" >> /run/counted
	[ $count -ne 3 ] || echo "forked as $(${SCRIPTS}/fork-now)" >> /run/counted
done
`;

describe("a fork that the guest asks for", function () {
	this.timeout(180_000);
	let lab: Lab;
	let point: State<ForkPointInputs, ForkPointFacts>;
	let child: Full;

	before(async () => {
		lab = await Lab.start();
	});
	after(async () => {
		await lab?.stop();
	});

	function pointInputs(more: object): ForkPointInputs {
		return forkPointSchema.parse({
			uri: lab.machine.uri,
			ownerId: "org/project/stack/counter",
			name: "counter",
			pool: "pool",
			base: lab.path("disk"),
			domain: {
				memoryMiB: 128,
				type: "qemu",
				consoleLog: join(lab.machine.directory, "counter.log"),
				boot: { kernel: lab.path("kernel"), initrd: lab.path("initrd"), cmdline: lab.image.cmdline },
			},
			trigger: "guest",
			...more,
		});
	}

	it("is said in the plan", async () => {
		const plan = await forkPoint.plan!(pointInputs({}), lab.context);
		assert.match(plan.join("\n"), /waits until the guest asks to be forked, at most 300 s/);
	});

	it("stops the parent where it asks", async () => {
		const inputs = pointInputs({
			files: [{ path: "/usr/local/bin/counter", mode: "0755", content: COUNTER }],
			ready: { exec: ["test", "-e", "/run/booted"], intervalSeconds: 1 },
			// In the background: in the parent it never ends.
			commands: [["/bin/sh", "-c", "(sleep 1; exec /usr/local/bin/counter) > /dev/null 2>&1 &"]],
		});
		point = (await forkPoint.create(inputs, lab.context)).state;
		assert.ok(lab.logged.some((line) => /waits until the guest asks to be forked/.test(line)));
	});

	it("returns in the child, which goes on from there as who it is", async () => {
		const { state } = await volume.create(
			volumeSchema.parse({
				uri: lab.machine.uri,
				ownerId: "org/project/stack/one",
				pool: "pool",
				name: "one.qcow2",
				base: point.disk,
			}),
			lab.context,
		);
		child = await lab.create(
			lab.plain("one", {
				template: point.uuid,
				disks: [{ volume: state.path }],
				nics: [{ network: "default" }],
				fork: { point: point.uuid, hostname: "one", machineId: "1".padStart(32, "0") },
			}),
		);
		const counted = "until grep -q '^6' /run/counted; do sleep 0.1; done; cat /run/counted";
		const parent = "1 micro\n2 micro\n3 micro\n";
		assert.equal(await lab.sh(child.uuid, counted), `${parent}forked as one\n4 one\n5 one\n6 one`);
	});

	it("is no child's to ask for", async () => {
		await assert.rejects(lab.sh(child.uuid, `${SCRIPTS}/fork-now`), /forked already: it is a child/);
	});

	it("is waited for, of a parent that went on from another one, and nothing is left when it does not come", async () => {
		const inputs = pointInputs({ name: "silent", base: undefined, parent: point.uuid, domain: {}, timeoutSeconds: 8 });
		await assert.rejects(
			forkPoint.create(inputs, lab.context),
			/has not asked to be forked within 8 s \(timeoutSeconds\).*fork-now/s,
		);
		const left = (await lab.host.domains.list()).map(({ name }) => name);
		assert.deepEqual(left.sort(), [point.domainName, "one"].sort());
	});
});
