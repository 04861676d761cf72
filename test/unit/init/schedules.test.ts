import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, symlinkSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { logs, Machine, type Shell } from "./world";

/** Once somebody listens. */
async function connected(port: number): Promise<Socket> {
	for (let tries = 0; ; tries++) {
		const client = connect(port, "127.0.0.1");
		try {
			await once(client, "connect");
			return client;
		} catch (error) {
			if (tries === 100) throw error;
			await sleep(50);
		}
	}
}

for (const shell of ["dash", "busybox"] satisfies Shell[]) {
	describe(`schedules in the guest, in ${shell}`, () => {
		let machine: Machine;
		beforeEach(() => {
			machine = new Machine(shell);
		});
		afterEach(() => {
			machine.run(["disable"]);
			machine.remove();
		});

		const script = (name: string, when: object) => ({ kind: "customize" as const, name, content: logs(name), when });
		const until = async (count: number) => {
			for (let tries = 0; machine.log.length < count && tries < 600; tries++) await sleep(50);
			return machine.log;
		};

		it("become units of systemd", async () => {
			mkdirSync(machine.path("run/systemd/system"), { recursive: true });
			machine.tool("systemd-run");
			machine.tool("systemctl");
			await machine.install({
				scripts: [
					script("soon", { afterSeconds: 50 }),
					script("nightly", { dailyAt: "03:30" }),
					script("told", { datagram: { port: 5000, text: "go on" } }),
				],
			});
			machine.boot("late");
			machine.boot("late");
			const run = machine.path("usr/lib/clones-init/run");
			const common = (number: string) =>
				`systemd-run --quiet --collect --unit=clones-init-${number} --property=KillMode=process`;
			const [soon, ...others] = machine.told;
			const [, left] = /--on-active=(\d+) /.exec(soon ?? "") ?? [];
			assert.ok(Number(left) >= 45 && Number(left) <= 50, soon);
			assert.equal(soon, `${common("01")} --timer-property=AccuracySec=1s --on-active=${left} ${run} script 01`);
			assert.deepEqual(others, [
				`${common("02")} --timer-property=AccuracySec=1s --on-calendar=*-*-* 03:30:00 ${run} script 02`,
				`${common("03")} --socket-property=ListenDatagram=5000 --property=StandardInput=socket ${run} datagram 03`,
			]);
			assert.deepEqual(machine.log, []);
			for (let times = 0; times < 2; times++) for (const number of ["01", "02"]) machine.run(["script", number]);
			assert.deepEqual(machine.log, ["soon", "nightly"], "once, and once a day");
			machine.write("told", "");
			machine.starts();
			mkdirSync(machine.path("run/systemd/system"), { recursive: true });
			machine.boot("late");
			assert.deepEqual(
				machine.told.map((line) => /unit=clones-init-(\d+)/.exec(line)?.[1]),
				["02", "03"],
			);
		});

		it("run after a time, where no systemd is", async () => {
			await machine.install({ scripts: [script("soon", { afterSeconds: 1 }), script("later", { afterSeconds: 900 })] });
			machine.boot();
			assert.deepEqual(await until(1), ["soon"]);
			assert.equal(machine.script("later").state, "pending");
		});

		// busybox' own shell takes its own date, and no other one.
		if (shell === "dash") {
			/** Boots at a time, which stands still until it is set. */
			const bootAt = async (time: string, scripts: Array<ReturnType<typeof script>>) => {
				machine.write("time", time);
				machine.tool(
					"date",
					`case $1 in *%H*) cat ${machine.path("time")} && echo asked >> ${machine.path("asked")} ;; *) exec /bin/date "$@" ;; esac`,
				);
				await machine.install({ scripts });
				machine.boot();
				while (machine.read("asked") === "") await sleep(20);
				assert.deepEqual(machine.log, []);
			};

			it("run on a day that begins or that the clock is set to, whatever time it was before", async () => {
				const scripts = [script("midnight", { dailyAt: "00:00" }), script("morning", { dailyAt: "09:00" })];
				await bootAt("20310505 23 59 59", [...scripts, script("noon", { dailyAt: "12:00" })]);
				machine.write("time", "20310506 09 30 00");
				assert.deepEqual(await until(2), ["midnight", "morning"]);
			});

			it("do not run again when the clock is set back to a day that they ran on", async () => {
				await bootAt("20310506 08 59 59", [script("morning", { dailyAt: "09:00" })]);
				machine.write("time", "20310505 23 30 00");
				const asked = machine.read("asked");
				while (machine.read("asked") === asked) await sleep(20);
				await sleep(300);
				assert.deepEqual(machine.log, []);
			});

			it("run each day when it is time, where no systemd is", async () => {
				await bootAt("20310505 02 59 59", [
					script("daily", { dailyAt: "03:00" }),
					script("past", { dailyAt: "02:59" }),
				]);
				machine.write("time", "20310505 03 00 01");
				assert.deepEqual(await until(1), ["daily"]);
				machine.run(["script", "01"]);
				assert.deepEqual(machine.log, ["daily"], "once a day");
			});
		}

		it("run when a datagram comes with the text, where no systemd is", async () => {
			if (spawnSync("perl", ["-MIO::Socket::INET", "-e1"]).status !== 0) assert.fail("this test needs perl");
			const port = 20_000 + (process.pid % 10_000) + (shell === "dash" ? 10_000 : 0);
			await machine.install({ scripts: [script("told", { datagram: { port, text: "go on" } })] });
			machine.boot();
			const socket = createSocket("udp4");
			for (let tries = 0; tries < 20; tries++) {
				socket.send("no", port, "127.0.0.1");
				await sleep(20);
			}
			assert.deepEqual(machine.log, []);
			for (let tries = 0; machine.log.length === 0 && tries < 50; tries++) {
				socket.send("now go on, all of you", port, "127.0.0.1");
				await sleep(100);
			}
			socket.close();
			assert.deepEqual(machine.log, ["told"]);
		});

		// dash goes with tools that have perl.
		if (shell === "busybox") {
			it("run when the text comes over a connection, where only busybox listens, however long the client thinks", async () => {
				const port = 20_000 + ((process.pid + 5000) % 10_000);
				await machine.install({ scripts: [script("told", { datagram: { port, text: "go on" } })] });
				machine.bootBare();
				for (const text of ["no", "now go on, all of you"]) {
					const client = await connected(port);
					await sleep(300);
					client.write(text);
					// It stays: the end of the connection is the machine's.
					await once(client, "close");
					if (text === "no") assert.deepEqual(machine.log, []);
				}
				assert.deepEqual(await until(1), ["told"]);
			});
		}

		it("run before the start of a program, which is there again as it was", async () => {
			machine.write("usr/bin/tool", `#!/bin/sh\necho "tool $0 $*" >> "$CLONES_INIT_ROOT/log"\n`, 0o755);
			symlinkSync("tool", machine.path("usr/bin/link"));
			// It starts the program itself, which must not wait for it.
			const starts = {
				...script("linked", { program: "/usr/bin/link" }),
				content: logs("linked", `"$CLONES_INIT_ROOT/usr/bin/link" inner\n`),
			};
			await machine.install({ scripts: [script("before", { program: "/usr/bin/tool" }), starts] });
			machine.boot();
			assert.deepEqual(machine.log, []);
			const [tool, link] = [machine.path("usr/bin/tool"), machine.path("usr/bin/link")];
			const environment = { env: { ...process.env, CLONES_INIT_ROOT: machine.root } };
			spawnSync(tool, ["a b", "c"], environment);
			spawnSync(tool, ["d"], environment);
			const [before, first, second] = machine.log;
			assert.deepEqual([before, second], ["before", `tool ${tool} d`]);
			assert.match(first ?? "", /^tool .*\/tool a b c$/);
			machine.write("log", "");
			spawnSync(link, ["outer"], environment);
			assert.deepEqual(
				machine.log.map((line: string) => line.replace(/ .* /, " ")),
				["linked", "tool inner", "tool outer"],
			);
			assert.equal(lstatSync(link).isSymbolicLink(), true);
			assert.equal(existsSync(machine.path("usr/lib/clones-init-aside")), false);
		});

		it("run at the first login, by PAM or by the profile", async () => {
			machine.write("etc/pam.d/common-session", "session required pam_unix.so\n");
			await machine.install({ scripts: [script("login", { firstLogin: true })] });
			machine.boot();
			assert.match(
				machine.read("etc/pam.d/common-session"),
				/pam_unix\.so\nsession optional pam_exec\.so quiet .*\/run login\n$/,
			);
			machine.run(["login"], { PAM_TYPE: "close_session", PAM_SERVICE: "sshd" });
			machine.run(["login"], { PAM_TYPE: "open_session", PAM_SERVICE: "systemd-user" });
			assert.deepEqual(machine.log, []);
			machine.run(["login"], { PAM_TYPE: "open_session", PAM_SERVICE: "sshd" });
			machine.run(["login"], { PAM_TYPE: "open_session", PAM_SERVICE: "sshd" });
			assert.deepEqual(machine.log, ["login"]);
			assert.equal(machine.read("etc/pam.d/common-session"), "session required pam_unix.so\n");

			await machine.install({ scripts: [script("again", { firstLogin: true })] });
			spawnSync("rm", ["-r", machine.path("etc/pam.d")]);
			machine.starts();
			machine.boot();
			assert.match(machine.read("etc/profile"), /^\/.*\/run login\n$/);
			assert.equal(machine.run(["login"]).said, "");
			assert.deepEqual(machine.log, ["login", "again"]);
			assert.equal(machine.read("etc/profile").trim(), "");
		});
	});
}
