import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createReadStream, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseReport } from "../../provider/init/report";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { Guest } from "../images/guest";
import { InitImage } from "./init-lab";
import { withLibguestfs } from "./inject-lab";

const run = promisify(execFile);
const RUN = "/usr/lib/clones-init/run";

/** On the disk: what has run, in its order. */
const logs = (text: string) => `#!/bin/sh\necho "${text}" >> /root/ran\n`;
const script = (name: string, when?: object) => ({ kind: "customize" as const, name, content: logs(name), when });

describe("scripts with schedules", function () {
	this.timeout(600_000);
	withLibguestfs();
	let host: TestHost;
	const images: InitImage[] = [];
	before(async () => {
		host = await startTestHost();
	});
	after(async () => {
		await host?.stop();
		await Promise.all(images.map((image) => image.remove()));
	});

	const start = async (kind: "micro" | "debian", description: Parameters<typeof InitImage.make>[1]) => {
		const image = await InitImage.make(kind, description);
		images.push(image);
		const memoryMiB = kind === "debian" ? 512 : 128;
		const guest = await Guest.define(host, await image.flat(), { name: kind, boot: "direct", memoryMiB });
		await guest.start(300);
		return guest;
	};
	const report = async (guest: Guest) => parseReport(await guest.shell(`${RUN} report`));
	/** Waits until it has run, and tells all that has run since the last time. */
	const ran = async (guest: Guest, last: string) => {
		const log = await guest.until(`tail -n 1 /root/ran | grep -qx ${last} && cat /root/ran`, 120);
		await guest.shell("sleep 1; : > /root/seen; cat /root/ran > /root/seen; : > /root/ran");
		return log.split("\n");
	};
	const nothing = async (guest: Guest) => assert.equal(await guest.shell("sleep 2; cat /root/ran"), "");
	/** Of the running machine: whether its disk has the text anywhere, as somebody would see it who reads the disk. */
	const isOnDisk = async (guest: Guest, text: string) => {
		const flat = join(host.poolDirectory, `${guest.name}.raw`);
		await run("qemu-img", ["convert", "-U", "-O", "raw", join(host.poolDirectory, `${guest.name}.qcow2`), flat]);
		try {
			let kept = "";
			for await (const chunk of createReadStream(flat, { encoding: "latin1", highWaterMark: 1 << 20 })) {
				if ((kept + chunk).includes(text)) return true;
				kept = (chunk as string).slice(-text.length);
			}
			return false;
		} finally {
			rmSync(flat);
		}
	};

	it("run once at their time on a machine with systemd", async () => {
		const guest = await start("debian", {
			identifier: ["mac"],
			parameters: { name: "deb-{instance}" },
			scripts: [
				{
					kind: "init",
					name: "early",
					stage: "early",
					content: `${logs("early")}ip -o addr show scope global | grep -q . && exit 1\nexit 0\n`,
				},
				{
					kind: "init",
					name: "network",
					stage: "network",
					content: `${logs("network")}ip -4 -o addr show scope global | grep inet\n`,
				},
				{ kind: "init", name: "late", content: `${logs("late")}systemctl is-active multi-user.target\n` },
				script("always", { everyBoot: true }),
				script("ssh", { program: "ssh.service" }),
				script("soon", { afterSeconds: 60 }),
				script("daily", { dailyAt: "03:00" }),
				script("login", { firstLogin: true }),
				script("tool", { program: "/usr/bin/uptime" }),
				script("told", { datagram: { port: 5000, text: "go on" } }),
			],
		});
		const boot = (await guest.until("grep -x always /root/ran > /dev/null && cat /root/ran", 180)).split("\n");
		assert.deepEqual(
			boot.filter((name) => name !== "ssh" && name !== "soon"),
			["early", "network", "late", "always"],
		);
		assert.ok(boot.includes("ssh"));
		if (!boot.includes("soon")) await guest.until("grep -x soon /root/ran", 120);
		await guest.shell(": > /root/ran");
		for (const { name, state, reason, output } of (await report(guest)).scripts) {
			const expected = ["daily", "login", "tool", "told"].includes(name) ? "pending" : "done";
			assert.equal(state, expected, `${name}: ${reason}: ${output}`);
		}

		await guest.shell("date -s '2031-05-05 02:59:58'");
		assert.deepEqual(await ran(guest, "daily"), ["daily"]);
		await guest.shell(
			"ssh-keygen -q -t ed25519 -N '' -f /root/key && mkdir -p /root/.ssh && cp /root/key.pub /root/.ssh/authorized_keys",
		);
		const login = "ssh -i /root/key -o StrictHostKeyChecking=no root@127.0.0.1 true 2>&1";
		await guest.shell(`${login} && ${login}`);
		assert.deepEqual(await ran(guest, "login"), ["login"]);
		assert.match(await guest.shell("/usr/bin/uptime; uptime"), /load average/);
		assert.deepEqual(await ran(guest, "tool"), ["tool"]);
		await guest.shell("bash -c 'echo no > /dev/udp/127.0.0.1/5000'");
		await nothing(guest);
		await guest.shell("bash -c 'echo well, go on now > /dev/udp/127.0.0.1/5000'");
		assert.deepEqual(await ran(guest, "told"), ["told"]);
		await guest.shell("bash -c 'echo go on > /dev/udp/127.0.0.1/5000'");
		await guest.shell("date -s '2031-05-06 02:59:58'");
		assert.deepEqual(await ran(guest, "daily"), ["daily"], "each day");

		await guest.shutdown("agent");
		await guest.start(300);
		assert.deepEqual(await ran(guest, "always"), ["always"]);
		await guest.shell(`${login}; uptime; bash -c 'echo go on > /dev/udp/127.0.0.1/5000'`);
		await nothing(guest);
		assert.match(await guest.shell("systemctl --failed --no-legend | wc -l"), /^0$/);
		await host.virsh("destroy", guest.name);
	});

	it("run once at their time on a machine without systemd, and leave nothing behind", async () => {
		const secret = "correct-horse-battery-staple";
		const guest = await start("micro", {
			identifier: ["mac"],
			parameters: { name: "micro-{instance}", token: secret },
			scripts: [
				{ kind: "init", name: "early", stage: "early", content: logs("early") },
				{
					kind: "init",
					name: "network",
					stage: "network",
					content: `${logs("network")}ip route | grep default\n: ${secret}\n`,
				},
				script("always", { everyBoot: true }),
				script("soon", { afterSeconds: 30 }),
				script("daily", { dailyAt: "03:00" }),
				script("login", { firstLogin: true }),
				script("tool", { program: "/usr/bin/nproc" }),
				script("told", { datagram: { port: 5000, text: "go on" } }),
			],
		});
		assert.equal(await isOnDisk(guest, secret), true);
		const boot = (await guest.until("grep -x soon /root/ran > /dev/null && cat /root/ran", 120)).split("\n");
		// This image logs in on its console by itself.
		assert.deepEqual(
			boot.filter((name) => name !== "login"),
			["early", "network", "always", "soon"],
		);
		assert.equal(boot.filter((name) => name === "login").length, 1);
		await guest.shell(": > /root/ran");
		await guest.shell("date -s '2031-05-05 02:59:58'");
		assert.deepEqual(await ran(guest, "daily"), ["daily"]);
		await guest.shell("sh -l -c true");
		await nothing(guest);
		assert.equal(await guest.shell("/usr/bin/nproc; /usr/bin/nproc"), "1\n1");
		assert.deepEqual(await ran(guest, "tool"), ["tool"]);
		// busybox has no datagrams: there a connection brings the text.
		const send = (text: string) => guest.shell(`echo '${text}' | nc -w 2 127.0.0.1 5000 || true`);
		await send("no");
		await nothing(guest);
		await guest.until("sleep 1; netstat -tln | grep -q 5000");
		await send("well, go on now");
		assert.deepEqual(await ran(guest, "told"), ["told"]);
		await send("go on");
		await nothing(guest);

		await guest.shutdown("agent");
		await guest.start();
		assert.deepEqual(await ran(guest, "always"), ["always"]);
		await guest.shell("sh -l -c true; /usr/bin/nproc");
		await nothing(guest);

		await guest.shell(`${RUN} remove`);
		const { status, scripts } = await report(guest);
		assert.equal(status, "left");
		assert.deepEqual(new Set(scripts.map(({ state }) => state)), new Set(["done"]));
		await guest.shutdown("agent");
		assert.equal(await isOnDisk(guest, secret), false);
		await guest.start();
		await guest.until("test -e /run/booted");
		await nothing(guest);
		assert.doesNotMatch(guest.console, /clones-init/);
		await host.virsh("destroy", guest.name);
	});
});
