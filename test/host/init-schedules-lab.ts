/** Machines whose init is not systemd: every script runs at its time, once and only then. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ImageKind } from "../../tools/images";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { Guest } from "../images/guest";
import { contains, diskContains, InitImage } from "./init-lab";
import { defaultNetwork, logging, logs, MAC, nothing, RUN, ran, type ready, report } from "./init-scripts-lab";
import { withLibguestfs } from "./inject-lab";

export interface Kind {
	image: ImageKind;
	memoryMiB: number;
	/** Until the agent answers, at most. */
	startSeconds: number;
	/** After the first stage, and after the boot. */
	soonSeconds: number;
	/** Succeeds once the boot is over. */
	booted: string;
	/** What the machine is prepared with for logins. */
	prepare?: string;
	/** Logs somebody in. */
	login: string;
	/** Whether somebody logs in at the boot. */
	logsInAtBoot: boolean;
	/** Succeeds once somebody listens at port 5000. */
	listens: string;
	/** Sends it there. */
	tell(text: string): string;
}

/** What a machine has beside the scripts with schedules. */
export interface More {
	/** Scripts that run first. @param network the network's address without its last part */
	ready(network: string): ReturnType<typeof ready>;
	/** Tests of them, for the first boot and the next one. */
	tests(machine: { readonly guest: Guest; readonly network: string; readonly told: string[] }, when: string): void;
}

export function describeSchedules(kind: Kind, more?: More): void {
	describe(`scripts with schedules on a machine without systemd (${kind.image})`, function () {
		this.timeout(1_800_000);
		withLibguestfs();
		const secret = "correct-horse-battery-staple";
		const told: string[] = [];
		let host: TestHost;
		let image: InitImage;
		let guest: Guest;
		let network: string;

		before(async () => {
			host = await startTestHost();
			({ network } = await defaultNetwork(host));
			const own = more?.ready(network);
			const description = {
				identifier: ["mac"],
				parameters: { ...own?.parameters, name: "machine-{instance}", token: secret },
				scripts: [
					{ kind: "init" as const, name: "early", stage: "early" as const, content: logs("early") },
					...(own?.scripts ?? []),
					{
						kind: "init" as const,
						name: "network",
						stage: "network" as const,
						content: logs("network", `ip route | grep default\n: ${secret}\n`),
					},
					logging("always", { everyBoot: true }),
					// What waits for times looks at the clock after it, and at most a minute later otherwise.
					{
						...logging("soon", { afterSeconds: kind.soonSeconds }),
						content: logs("soon", "date -s '2031-05-05 02:59:50'\n"),
					},
					logging("daily", { dailyAt: "03:00" }),
					logging("login", { firstLogin: true }),
					logging("tool", { program: "/usr/bin/nproc" }),
					logging("told", { datagram: { port: 5000, text: "go on" } }),
				],
			};
			image = await InitImage.make(kind.image, description, (message) => void told.push(message));
			assert.equal(await contains(image.path("image"), secret), true);
			const { memoryMiB } = kind;
			guest = await Guest.define(host, await image.flat(), { name: "machine", boot: "direct", memoryMiB, macs: [MAC] });
			await guest.start(kind.startSeconds);
		});
		after(async () => {
			await host?.stop();
			await image?.remove();
		});

		it("run once at their time", async () => {
			const boot = (await guest.until("grep -x daily /root/ran > /dev/null && cat /root/ran", 400)).split("\n");
			assert.deepEqual(
				boot.filter((name) => name !== "login"),
				["early", "network", "always", "soon", "daily"],
			);
			assert.equal(boot.filter((name) => name === "login").length, kind.logsInAtBoot ? 1 : 0);
			await guest.shell(`: > /root/ran; ${kind.prepare ?? ""}`);
			if (!kind.logsInAtBoot) {
				await guest.shell(kind.login);
				assert.deepEqual(await ran(guest, "login"), ["login"]);
			}
			await guest.shell(kind.login);
			await nothing(guest);
			assert.equal(await guest.shell("/usr/bin/nproc; /usr/bin/nproc"), "1\n1");
			assert.deepEqual(await ran(guest, "tool"), ["tool"]);
			const tell = (text: string) => guest.shell(kind.tell(text));
			await guest.until(kind.listens);
			await tell("no");
			await nothing(guest);
			await guest.until(`sleep 1; ${kind.listens}`);
			await tell("well, go on now");
			assert.deepEqual(await ran(guest, "told"), ["told"]);
			await tell("go on");
			await nothing(guest);
		});

		const machine = {
			get guest() {
				return guest;
			},
			get network() {
				return network;
			},
			told,
		};
		more?.tests(machine, "at the first boot");

		it("run again at the next boot where they are to, and the others do not", async () => {
			await guest.shutdown("agent");
			await guest.start(kind.startSeconds);
			assert.deepEqual(await ran(guest, "always"), ["always"]);
			await guest.shell(`${kind.login}; /usr/bin/nproc`);
			await nothing(guest);
		});

		more?.tests(machine, "at the next boot");

		it("leave nothing behind when they are removed", async () => {
			await guest.shell(`${RUN} remove`);
			const { status, scripts } = await report(guest);
			assert.equal(status, "left");
			assert.deepEqual(new Set(scripts.map(({ state }) => state)), new Set(["done"]));
			await guest.shutdown("agent");
			assert.equal(await diskContains(join(host.poolDirectory, "machine.qcow2"), secret), false);
			await guest.start(kind.startSeconds);
			await guest.until(kind.booted, 300);
			await nothing(guest);
			assert.doesNotMatch(guest.console, /clones-init/);
		});
	});
}
