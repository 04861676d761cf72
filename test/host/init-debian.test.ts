import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { injectThroughAgent } from "../../provider/init/inject/agent";
import { connect } from "../../provider/libvirt";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { Guest } from "../images/guest";
import { contains, diskContains, InitImage } from "./init-lab";
import { defaultNetwork, KEY, logging, logs, MAC, nothing, RUN, ran, ready, report } from "./init-scripts-lab";
import { payloadOf, withLibguestfs } from "./inject-lab";

const run = promisify(execFile);
const PASSWORD = "open sesame";
const SECOND_MAC = "52:54:00:1b:01:07";

/** A repository of one package in the guest itself, in place of those that are out of reach. */
const REPOSITORY = `#!/bin/sh
set -eu
mkdir -p /srv/packages/greeting/DEBIAN /srv/packages/greeting/usr/bin
cd /srv/packages
printf 'Package: greeting\\nVersion: 1\\nArchitecture: all\\nMaintainer: Ada <ada@example.org>\\nDescription: greets\\n' \\
	> greeting/DEBIAN/control
printf '#!/bin/sh\\necho hello\\n' > greeting/usr/bin/greeting
chmod 755 greeting/usr/bin/greeting
dpkg-deb -Znone --root-owner-group --build greeting > /dev/null
sum=$(sha256sum greeting.deb)
{
	cat greeting/DEBIAN/control
	printf 'Filename: ./greeting.deb\\nSize: %s\\nSHA256: %s\\n' "$(stat -c %s greeting.deb)" "\${sum%% *}"
} > Packages
echo 'deb [trusted=yes] file:/srv/packages ./' > /etc/apt/sources.list
`;

const SERVICE = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo start \${CLONE_HOSTNAME_NAME} >> /run/greeted'
[Install]
WantedBy=multi-user.target
`;

describe("scripts on a machine with systemd", function () {
	this.timeout(600_000);
	withLibguestfs();
	const secret = "correct-horse-battery-staple";
	const told: string[] = [];
	let host: TestHost;
	let image: InitImage;
	let guest: Guest;
	/** The network's address without its last part. */
	let network: string;
	const sh = (script: string) => guest.shell(script);
	const login = "ssh -i /root/key -o StrictHostKeyChecking=no root@127.0.0.1 true 2>&1";

	before(async () => {
		host = await startTestHost();
		const { gateway, ...found } = await defaultNetwork(host);
		network = found.network;
		const { stdout: hash } = await run("openssl", ["passwd", "-6", PASSWORD]);
		const own = ready({
			hostname: { name: "web-{instance:02}.example.org" },
			"static-address": { address: `${network}.{200 + instance}/24`, gateway, dns: gateway },
			ipv6: { mode: "static", address: "fd00:1b::{instance}/64", interface: "eth1" },
			"dhcp-client-id": { id: "web-{instance}", interface: "eth1" },
			"hosts-file": { hosts: [`${network}.200 web-00`, `${network}.207 web-07`] },
			"time-zone": { zone: "Europe/Berlin" },
			locale: { locale: "C.UTF-8" },
			user: { name: "ada", sshKeys: KEY, groups: "nogroup", sudo: true, shell: "/bin/sh" },
			password: { hash: hash.trim() },
			file: { path: "/etc/systemd/system/greet.service", mode: "644", content: SERVICE },
			service: { name: "greet", enabled: true },
			packages: { names: "greeting" },
		});
		const log = (message: string) => void told.push(message);
		const scripts = [
			{
				kind: "init" as const,
				name: "early",
				stage: "early" as const,
				content: logs("early", "ip -o addr show scope global | grep -q . && exit 1\nexit 0\n"),
			},
			{
				kind: "init" as const,
				name: "network",
				stage: "network" as const,
				content: logs("network", `ip -4 -o addr show scope global | grep inet\n: ${secret}\n`),
			},
			{ kind: "init" as const, name: "late", content: logs("late", "systemctl is-active multi-user.target\n") },
			{ kind: "customize" as const, name: "repository", content: REPOSITORY },
			...own.scripts,
			logging("always", { everyBoot: true }),
			logging("ssh", { program: "ssh.service" }),
			logging("soon", { afterSeconds: 30 }),
			logging("daily", { dailyAt: "03:00" }),
			logging("login", { firstLogin: true }),
			logging("tool", { program: "/usr/bin/uptime" }),
			logging("told", { datagram: { port: 5000, text: "go on" } }),
		];
		image = await InitImage.make("debian", { ...own, identifier: ["mac"], scripts }, log);
		assert.equal(await contains(image.path("image"), secret), true);
		const options = { boot: "direct" as const, memoryMiB: 512, macs: [MAC, SECOND_MAC] };
		guest = await Guest.define(host, await image.flat(), { name: "debian", ...options });
		await guest.start(300);
	});
	after(async () => {
		await host?.stop();
		await image?.remove();
	});

	it("are put into its disk, whose system libguestfs finds", () => {
		assert.match(told.join("\n"), /holds Debian GNU\/Linux \d+ \(\w+\), started by systemd/);
	});

	it("run at their part of the boot, and end well", async () => {
		const boot = (await guest.until("grep -x always /root/ran > /dev/null && cat /root/ran", 400)).split("\n");
		assert.deepEqual(
			boot.filter((name) => name !== "ssh" && name !== "soon"),
			["early", "network", "late", "always"],
		);
		assert.ok(boot.includes("ssh"));
		if (!boot.includes("soon")) await guest.until("grep -x soon /root/ran", 120);
		await sh(": > /root/ran");
		for (const { name, state, reason, output } of (await report(guest)).scripts) {
			const expected = ["daily", "login", "tool", "told"].includes(name) ? "pending" : "done";
			assert.equal(state, expected, `${name}: ${reason}: ${output}`);
		}
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
		assert.match(await sh(`ping -c 1 -W 5 ${network}.1`), / 0% packet loss/);
	});

	it("give its second interface an address of IPv6, and a lease by its own id", async () => {
		assert.match(await sh("ip -6 -o addr show dev eth1 scope global"), / fd00:1b::7\/64 /);
		// As networkd makes it: its type, the IAID, the DUID's type, Ethernet, and the text.
		const id = `ff:00:00:00:01:00:03:00:01:${Buffer.from("web-7").toString("hex").match(/../g)!.join(":")}`;
		const leases = await host.virsh("net-dhcp-leases", "default", "--mac", SECOND_MAC);
		assert.match(leases, new RegExp(` ${id}$`, "m"));
	});

	it("make an account that its key lets in, and a password that lets in as root", async () => {
		assert.match(await sh("id ada"), /^uid=1000\(ada\) gid=1000\(ada\) groups=.*65534\(nogroup\)/);
		assert.equal(
			await sh("cd ~ada && stat -c '%U %a' . .ssh .ssh/authorized_keys && cat .ssh/authorized_keys"),
			`ada 755\nada 700\nada 600\n# clones-init begin\n${KEY}\n# clones-init end`,
		);
		assert.equal(await sh("su ada -c 'sudo -n id -un'"), "root");
		const asRoot = (password: string) => sh(`su ada -c "echo '${password}' | su root -c 'id -un'" 2> /dev/null; true`);
		assert.equal(await asRoot(PASSWORD), "root");
		assert.equal(await asRoot("open"), "");
	});

	it("set the time zone and the locale of logins, and start a service that was written before", async () => {
		assert.match(await sh("date -d @0 +%Z%H"), /^CET01$/);
		assert.equal(await sh("su - ada -c 'echo $LANG'"), "C.UTF-8");
		assert.equal(await sh("cat /run/greeted"), "start web-07.example.org");
	});

	it("install a package", async () => {
		assert.equal(await sh("greeting; dpkg-query --show greeting"), "hello\ngreeting\t1");
	});

	it("run once at their time", async () => {
		await sh("date -s '2031-05-05 02:59:58'");
		assert.deepEqual(await ran(guest, "daily"), ["daily"]);
		await sh(
			"ssh-keygen -q -t ed25519 -N '' -f /root/key && mkdir -p /root/.ssh && cp /root/key.pub /root/.ssh/authorized_keys",
		);
		await sh(`${login} && ${login}`);
		assert.deepEqual(await ran(guest, "login"), ["login"]);
		assert.match(await sh("/usr/bin/uptime; uptime"), /load average/);
		assert.deepEqual(await ran(guest, "tool"), ["tool"]);
		await sh("bash -c 'echo no > /dev/udp/127.0.0.1/5000'");
		await nothing(guest);
		await sh("bash -c 'echo well, go on now > /dev/udp/127.0.0.1/5000'");
		assert.deepEqual(await ran(guest, "told"), ["told"]);
		await sh("bash -c 'echo go on > /dev/udp/127.0.0.1/5000'");
		await sh("date -s '2031-05-06 02:59:58'");
		assert.deepEqual(await ran(guest, "daily"), ["daily"], "each day");
	});

	it("run again at the next boot where they are to, and the others do not", async () => {
		await guest.shutdown("agent");
		await guest.start(300);
		assert.deepEqual(await ran(guest, "always"), ["always"]);
		await sh(`${login}; uptime; bash -c 'echo go on > /dev/udp/127.0.0.1/5000'`);
		await nothing(guest);
		assert.match(await sh("systemctl --failed --no-legend | wc -l"), /^0$/);
		assert.deepEqual((await sh("ip -4 -o addr show dev eth0")).match(/inet \S+/g), [`inet ${network}.207/24`]);
	});

	it("leave nothing behind when they are removed", async () => {
		await sh(`${RUN} remove`);
		const { status, scripts } = await report(guest);
		assert.equal(status, "left");
		assert.deepEqual(new Set(scripts.map(({ state }) => state)), new Set(["done"]));
		assert.equal(await sh("ls /etc/systemd/system /etc/systemd/system/*.wants | grep clones-init || true"), "");
	});

	it("are put into it while it runs, by its agent", async () => {
		const connection = connect(host.uri);
		try {
			const uuid = await host.virsh("domuuid", guest.name);
			assert.equal(await injectThroughAgent(connection, uuid, payloadOf("agent")), true);
		} finally {
			await connection.close();
		}
		assert.equal(
			await sh("systemctl daemon-reload; systemctl restart clones-init; cat /run/scripts-ran"),
			"agent boot",
		);
	});

	it("have left no secret on its disk", async () => {
		await guest.shutdown("agent");
		assert.equal(await diskContains(join(host.poolDirectory, "debian.qcow2"), secret), false);
	});
});
