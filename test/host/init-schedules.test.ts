import assert from "node:assert/strict";
import { join } from "node:path";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { Guest } from "../images/guest";
import { contains, diskContains, InitImage } from "./init-lab";
import { logging, logs, nothing, RUN, ran, report } from "./init-scripts-lab";
import { withLibguestfs } from "./inject-lab";

describe("scripts with schedules on a machine without systemd", function () {
	this.timeout(600_000);
	withLibguestfs();
	let host: TestHost;
	let image: InitImage;
	let guest: Guest;
	const secret = "correct-horse-battery-staple";

	before(async () => {
		host = await startTestHost();
		image = await InitImage.make("micro", {
			identifier: ["mac"],
			parameters: { name: "micro-{instance}", token: secret },
			scripts: [
				{ kind: "init", name: "early", stage: "early", content: logs("early") },
				{
					kind: "init",
					name: "network",
					stage: "network",
					content: logs("network", `ip route | grep default\n: ${secret}\n`),
				},
				logging("always", { everyBoot: true }),
				// What waits for times looks at the clock after it, and at most a minute later otherwise.
				{ ...logging("soon", { afterSeconds: 20 }), content: logs("soon", "date -s '2031-05-05 02:59:50'\n") },
				logging("daily", { dailyAt: "03:00" }),
				logging("login", { firstLogin: true }),
				logging("tool", { program: "/usr/bin/nproc" }),
				logging("told", { datagram: { port: 5000, text: "go on" } }),
			],
		});
		assert.equal(await contains(image.path("image"), secret), true);
		guest = await Guest.define(host, await image.flat(), { name: "micro", boot: "direct" });
		await guest.start();
	});
	after(async () => {
		await host?.stop();
		await image?.remove();
	});

	it("run once at their time", async () => {
		const boot = (await guest.until("grep -x daily /root/ran > /dev/null && cat /root/ran", 200)).split("\n");
		// This image logs in on its console by itself.
		assert.deepEqual(
			boot.filter((name) => name !== "login"),
			["early", "network", "always", "soon", "daily"],
		);
		assert.equal(boot.filter((name) => name === "login").length, 1);
		await guest.shell(": > /root/ran");
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
	});

	it("run again at the next boot where they are to, and the others do not", async () => {
		await guest.shutdown("agent");
		await guest.start();
		assert.deepEqual(await ran(guest, "always"), ["always"]);
		await guest.shell("sh -l -c true; /usr/bin/nproc");
		await nothing(guest);
	});

	it("leave nothing behind when they are removed", async () => {
		await guest.shell(`${RUN} remove`);
		const { status, scripts } = await report(guest);
		assert.equal(status, "left");
		assert.deepEqual(new Set(scripts.map(({ state }) => state)), new Set(["done"]));
		await guest.shutdown("agent");
		assert.equal(await diskContains(join(host.poolDirectory, "micro.qcow2"), secret), false);
		await guest.start();
		await guest.until("test -e /run/booted");
		await nothing(guest);
		assert.doesNotMatch(guest.console, /clones-init/);
	});
});
