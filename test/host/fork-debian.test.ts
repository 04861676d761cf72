import assert from "node:assert/strict";
import { forkPoint } from "../../provider/fork/lifecycle";
import { type ForkPointFacts, type ForkPointInputs, forkPointSchema } from "../../provider/fork/schema";
import { newHostKeys } from "../../provider/identity/host-keys";
import type { State } from "../../provider/lifecycle";
import { volume } from "../../provider/volume/lifecycle";
import { volumeSchema } from "../../provider/volume/schema";
import { type Full, Lab } from "./domain-lab";

/** Has to know who the machine is. It was started in the parent, too: the fork has to stop it there. */
const BADGE = `[Unit]
PartOf=clones-identified.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo "$([ -e /run/pulumi-libvirt-clones ] && echo child || echo parent) $(hostname) $([ -e /run/nologin ] && echo closed || echo open)" >> /run/badge'
ExecStop=/bin/sh -c 'echo stopped >> /run/badge'
[Install]
WantedBy=clones-identified.target
`;

describe("forks of a Debian guest", function () {
	this.timeout(400_000);
	let lab: Lab;
	let point: State<ForkPointInputs, ForkPointFacts>;
	let child: Full;

	before(async () => {
		lab = await Lab.start("debian");
	});
	after(async () => {
		await lab?.stop();
	});

	it("have a parent with services that run", async () => {
		const inputs = forkPointSchema.parse({
			uri: lab.machine.uri,
			ownerId: "org/project/stack/debian",
			name: "debian",
			pool: "pool",
			base: lab.path("disk"),
			domain: {
				memoryMiB: 512,
				type: "qemu",
				boot: { kernel: lab.path("kernel"), initrd: lab.path("initrd"), cmdline: lab.image.cmdline },
			},
			restartAfterFork: ["ssh"],
			files: [{ path: "/etc/systemd/system/badge.service", mode: "0644", content: BADGE }],
			commands: [["systemctl", "enable", "--now", "badge"]],
			ready: { exec: ["systemctl", "is-active", "ssh"] },
		});
		point = (await forkPoint.create(inputs, lab.context)).state;
	});

	it("are who they are to be, and their services know it", async () => {
		const hostKeys = await newHostKeys("blue");
		const disk = volumeSchema.parse({
			uri: lab.machine.uri,
			ownerId: "org/project/stack/blue",
			pool: "pool",
			name: "blue.qcow2",
			base: point.disk,
		});
		const { state } = await volume.create(disk, lab.context);
		child = await lab.create(
			lab.plain("blue", {
				template: point.uuid,
				disks: [{ volume: state.path }],
				nics: [{ network: "default" }],
				fork: {
					point: point.uuid,
					hostname: "blue",
					machineId: "0123456789abcdef0123456789abcdef",
					hostKeys,
					restart: ["ssh"],
					timeoutSeconds: 120,
				},
			}),
		);
		const look =
			"hostname; cat /etc/machine-id; systemctl is-active ssh; ls /run/nologin 2>/dev/null; systemctl --failed --no-legend --plain";
		assert.equal(await lab.sh(child.uuid, look), "blue\n0123456789abcdef0123456789abcdef\nactive");
		const [address] = child.forked!.addresses[0]!.split("/");
		const { stdout } = await lab.machine.exec("ssh-keyscan", ["-t", "ed25519", address!]);
		const [, , scanned] = stdout.trim().split(" ");
		const own = hostKeys.find(({ type }) => type === "ed25519")!.publicKey.split(" ")[1];
		assert.equal(scanned, own);
	});

	it("start what has to know who they are in the child alone, before logins are allowed", async () => {
		const look = "cat /run/badge; systemctl is-active clones-identified.target badge";
		assert.equal(await lab.sh(child.uuid, look), "parent debian open\nstopped\nchild blue closed\nactive\nactive");
		assert.equal(await lab.sh(child.uuid, "info-get hostname; info-get mac"), `blue\n${child.macs[0]}`);
	});

	it("show the network nothing of their parent", async () => {
		const seen = await lab.sh(child.uuid, "ip -o link show; ip -o -4 addr show scope global");
		assert.match(seen, new RegExp(child.macs[0]!));
		assert.equal(seen.split("\n").filter((line) => /ether/.test(line)).length, 1);
	});
});
