import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { forkPoint } from "../../provider/fork/lifecycle";
import { type ForkPointFacts, type ForkPointInputs, forkPointSchema } from "../../provider/fork/schema";
import type { State } from "../../provider/lifecycle";
import { volume } from "../../provider/volume/lifecycle";
import { volumeSchema } from "../../provider/volume/schema";
import { tarOf } from "../../provider/volume/tar";
import { type Full, Lab } from "./domain-lab";

const run = promisify(execFile);
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
/** Has to know who the machine is. */
const BADGE = `#!/bin/sh
[ "$1" != start ] || echo "$(hostname) $(/usr/local/bin/info-get site) $(ls /run/nologin 2> /dev/null)" >> /run/badge
`;
const GET = "/usr/local/bin/info-get";
const INFO = "/var/lib/pulumi-libvirt-clones/info";

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
			files: [
				{ path: "/usr/local/bin/counter", mode: "0755", content: COUNTER },
				{ path: "/etc/clones-identified.d/badge", mode: "0755", content: BADGE },
				// What the image of a busybox guest has in its start scripts.
				{ path: "/etc/boot.d/identified", mode: "0755", content: `#!/bin/sh\n${SCRIPTS}/identified boot\n` },
				{ path: `${INFO}/site`, mode: "0600", content: "north" },
			],
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
				fork: {
					point: point.uuid,
					hostname: "one",
					machineId: "1".padStart(32, "0"),
					files: [{ path: `${INFO}/licence`, mode: "0600", content: "A-117\nfor one" }],
				},
			}),
		);
		const counted = "until grep -q '^6' /run/counted; do sleep 0.1; done; cat /run/counted";
		const parent = "1 micro\n2 micro\n3 micro\n";
		assert.equal(await lab.sh(child.uuid, counted), `${parent}forked as one\n4 one\n5 one\n6 one`);
	});

	it("is no child's to ask for", async () => {
		await assert.rejects(lab.sh(child.uuid, `${SCRIPTS}/fork-now`), /forked already: it is a child/);
	});

	it("starts what has to know who it is in the child alone, before logins are allowed", async () => {
		assert.equal(
			await lab.sh(child.uuid, "cat /run/badge; ls /run/nologin 2> /dev/null; true"),
			"one north /run/nologin",
		);
	});

	it("leaves a child that tells its programs what it was told, and who it is", async () => {
		const mac = child.macs[0]!;
		const [address] = child.forked!.addresses;
		const all = `for name in hostname machine-id mac address licence site; do ${GET} $name; echo; done`;
		const said = (await lab.sh(child.uuid, all)).split("\n").filter((line) => line !== "");
		assert.deepEqual(said, ["one", "1".padStart(32, "0"), mac, address, "A-117", "for one", "north"]);
		assert.match(await lab.sh(child.uuid, `${GET} gateway`), /^\d+\.\d+\.\d+\.\d+$/);
		const names = "address\ngateway\nhostname\nlicence\nmac\nmachine-id\nsite";
		assert.equal(await lab.sh(child.uuid, GET), names);
		await assert.rejects(lab.sh(child.uuid, `${GET} seat`), /nothing is known as seat; known are: licence site/);
		await assert.rejects(lab.sh(child.uuid, `${GET} ../licence`), /got the name \.\.\/licence; allowed are letters/);
	});

	it("starts that again when the child boots from its own disk", async () => {
		const off = await lab.update(child, { ...child, running: false } as never);
		const waitFor = { agent: true, address: "none", timeoutSeconds: 90 };
		child = await lab.update(off, { ...off, running: true, waitFor } as never);
		assert.equal(await lab.sh(child.uuid, "until [ -s /run/badge ]; do sleep 0.2; done; cat /run/badge"), "one north");
		await assert.rejects(lab.sh(child.uuid, `${SCRIPTS}/fork-now`), /this machine is not the parent of a fork/);
	});

	it("goes on with a disk that has just taken the place of one on another parent", async () => {
		const path = await lab.volume("two.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", point.disk, "-F", "qcow2", path]);
		const fork = { point: point.uuid, hostname: "two", machineId: "2".padStart(32, "0") };
		const two = await lab.create(lab.plain("two", { template: point.uuid, disks: [{ volume: path }], fork }));
		assert.equal(two.forked!.hostname, "two");
		await lab.delete(two);
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

	it("is not needed by a clone to be told things: its firmware tells them", async () => {
		const script = await readFile(join(__dirname, "../../../guest/info-get"), "utf8");
		const archive = lab.path("files.tar");
		await writeFile(archive, tarOf([{ path: `${INFO}/licence`, content: Buffer.from("B-9"), mode: 0o600 }]));
		const entry = (name: string, content: string) =>
			`<entry name="opt/pulumi-libvirt-clones/${name}"${content}</entry>`;
		const entries = `${entry("info/site", ">south")}${entry("files.tar", ` file="${archive}">`)}`;
		const clone = await lab.create(
			await lab.inputs("clone", {
				nics: [],
				extraXml: `<domain><sysinfo type="fwcfg">${entries}</sysinfo></domain>`,
				guestSetup: { files: [{ path: "/bin/info-get", mode: "0755", content: script }] },
			}),
		);
		const said = await lab.sh(clone.uuid, "info-get site; echo; info-get licence; echo; info-get");
		assert.equal(said, "south\nB-9\naddress\ngateway\nhostname\nlicence\nmac\nmachine-id\nsite");
	});
});
