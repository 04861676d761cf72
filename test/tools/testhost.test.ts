import * as assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../provider/libvirt";
import { connectHosts, findTestHost, startTestHost, type TestHost, type TestHostOptions } from "../../tools/testhost";
import { processesOf } from "../../tools/testhost/processes";

const cli = join(__dirname, "../../tools/testhost/cli.js");

async function until(what: string, condition: () => boolean): Promise<void> {
	for (let i = 0; i < 3000; i++) {
		if (condition()) return;
		await sleep(20);
	}
	assert.fail(`not within a minute: ${what}`);
}

async function startGuest(host: TestHost, name: string): Promise<number> {
	const file = join(host.directory, `${name}.xml`);
	writeFileSync(
		file,
		`<domain type="qemu"><name>${name}</name><memory unit="MiB">32</memory><os><type arch="x86_64">hvm</type></os>
		<devices><interface type="network"><source network="default"/></interface></devices></domain>`,
	);
	await host.virsh("define", file);
	await host.virsh("start", name);
	return Number(readFileSync(join(host.directory, "run/libvirt/qemu", `${name}.pid`), "utf8"));
}

describe("test hosts", () => {
	describe("two side by side", () => {
		let a: TestHost;
		let b: TestHost;
		let guestPid: number;
		before(async () => {
			[a, b] = await Promise.all([startTestHost({ name: "side-a" }), startTestHost({ name: "side-b" })]);
			guestPid = await startGuest(a, "guest");
		});
		after(async () => {
			await a?.stop();
			await b?.stop();
		});

		it("have their own host name, UUID and network", async () => {
			assert.equal((await a.exec("hostname")).stdout, "side-a\n");
			assert.equal(await b.virsh("hostname"), "side-b");
			assert.match(await a.virsh("capabilities"), new RegExp(`<uuid>${a.hostUuid}</uuid>`));
			assert.notEqual(a.network?.cidr, b.network?.cidr);
			for (const host of [a, b]) {
				assert.match(await host.virsh("net-info", "default"), /Active: +yes/);
				const { stdout } = await host.exec("ip", ["-4", "-o", "address", "show", "dev", "virbr0"]);
				assert.ok(stdout.includes(`${host.network?.gateway}/24`), stdout);
			}
		});

		it("do not see each other's guests", async () => {
			assert.equal(await a.virsh("list", "--name"), "guest");
			assert.equal(await b.virsh("list", "--all", "--name"), "");
			assert.deepEqual(
				[processesOf(a.directory).includes(guestPid), processesOf(b.directory).includes(guestPid)],
				[true, false],
			);
		});

		it("reap their guests themselves, as libvirt waits for that when it ends one", () => {
			const stat = readFileSync(`/proc/${guestPid}/stat`, "utf8");
			const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
			assert.equal(parent, a.holderPid);
		});

		it("reach each other once they are connected, and libvirt there too", async () => {
			const ask = async (from: TestHost, to: TestHost) =>
				(await from.exec("virsh", ["-c", `qemu+tcp://${to.linkAddress}/system`, "hostname"])).stdout.trim();
			await assert.rejects(ask(a, b), /unreachable/);
			await connectHosts(a, b);
			assert.deepEqual(await Promise.all([ask(a, b), ask(b, a)]), ["side-b", "side-a"]);
		});

		it("keep their guests when libvirtd is restarted or killed", async () => {
			const first = a.libvirtdPid;
			await a.restartLibvirtd();
			const second = a.libvirtdPid;
			await a.killLibvirtd("SIGKILL");
			assert.equal(a.libvirtdPid, undefined);
			await assert.rejects(a.virsh("list"), /Failed to connect socket/);
			await a.startLibvirtd();
			assert.equal(new Set([first, second, a.libvirtdPid]).size, 3);
			assert.equal(await a.virsh("list", "--name"), "guest");
			assert.ok(existsSync(`/proc/${guestPid}`));
		});

		it("do not answer while libvirtd is stopped, and answer again afterwards", async () => {
			await b.killLibvirtd("SIGSTOP");
			const answer = b.virsh("hostname");
			assert.equal(await Promise.race([answer, sleep(300, "late")]), "late");
			await b.killLibvirtd("SIGCONT");
			assert.equal(await answer, "side-b");
		});

		it("let QEMU's user into the pool directory", async () => {
			const probe = join(a.poolDirectory, "probe");
			writeFileSync(probe, "seen");
			const user = statSync(join(a.directory, "lib/qemu")).uid; // libvirtd gives this directory to it
			assert.notEqual(user, 0);
			const { stdout } = await a.exec("setpriv", [`--reuid=${user}`, "--clear-groups", "cat", probe]);
			assert.equal(stdout, "seen");
		});

		it("change nothing of the machine's devices, mounts and name", async () => {
			assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(a.directory));
			assert.ok(!execFileSync("ip", ["-o", "link"], { encoding: "utf8" }).includes("virbr0@"));
			assert.ok(!readFileSync("/proc/sys/kernel/hostname", "utf8").startsWith("side-"));
		});
	});

	it("leave nothing behind when they are stopped, and may be stopped twice", async () => {
		const host = await startTestHost({ name: "gone" });
		const guestPid = await startGuest(host, "guest");
		const pids = processesOf(host.directory);
		assert.ok(pids.includes(guestPid) && pids.includes(host.libvirtdPid!) && pids.includes(host.holderPid));
		await host.stop();
		await host.stop();
		assert.deepEqual(
			pids.filter((pid) => existsSync(`/proc/${pid}/exe`)),
			[],
		);
		assert.equal(existsSync(host.directory), false);
		assert.equal(findTestHost("gone"), undefined);
	});

	it("have /dev/kvm where guests run with it, or when asked to", async () => {
		const found = async (options: TestHostOptions) => {
			const machine = await startTestHost({ network: false, ...options });
			const host = connect(machine.uri);
			try {
				const { stdout } = await machine.exec("sh", ["-c", "test -c /dev/kvm && echo there || echo none"]);
				return [stdout.trim(), await host.kvmUsable()];
			} finally {
				await host.close();
				await machine.stop();
			}
		};
		const [asked, usable] = await found({ kvm: true });
		assert.equal(asked, existsSync("/dev/kvm") ? "there" : "none");
		assert.deepEqual(await found({}), usable ? ["there", true] : ["none", false]);
	});

	it("start without a network", async () => {
		const host = await startTestHost({ network: false });
		try {
			assert.equal(host.network, undefined);
			assert.equal(await host.virsh("net-list", "--all", "--name"), "");
		} finally {
			await host.stop();
		}
	});

	it("say what was said inside if they do not start, and leave nothing", async () => {
		const path = process.env.PATH;
		// A libvirtd that complains and ends.
		const bin = mkdtempSync(join(tmpdir(), "bin-"));
		writeFileSync(join(bin, "libvirtd"), "#!/bin/sh\necho 'no such luck' >&2; exit 3\n", { mode: 0o755 });
		process.env.PATH = `${bin}:${path}`;
		try {
			await assert.rejects(
				startTestHost({ name: "luckless" }),
				/luckless ended while starting \(exit code 3\).*no such luck/s,
			);
		} finally {
			process.env.PATH = path;
			rmSync(bin, { recursive: true });
		}
		assert.equal(findTestHost("luckless"), undefined);
	});

	it("refuse names that are no host names", async () => {
		for (const name of ["", "a/b", "-a", "a".repeat(64)]) {
			await assert.rejects(startTestHost({ name }), /has to be 1 to 63 letters, digits and hyphens/);
		}
	});

	it("go when the process that started them is killed", async () => {
		const code = `require(${JSON.stringify(join(__dirname, "../../tools/testhost"))})
			.startTestHost({ name: "orphan" }).then((host) => console.log(host.directory)); setInterval(() => {}, 1e6)`;
		const owner = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
		const directory = await new Promise<string>((resolve) =>
			owner.stdout.once("data", (d) => resolve(String(d).trim())),
		);
		assert.ok(processesOf(directory).length >= 4, "holder, virtlogd, libvirtd, dnsmasq");
		owner.kill("SIGKILL");
		await until("directory removed", () => !existsSync(directory));
		assert.deepEqual(processesOf(directory), []);
	});

	it("are swept by the next start if the guard was killed as well", async () => {
		const code = `require(${JSON.stringify(join(__dirname, "../../tools/testhost"))})
			.startTestHost({ name: "unguarded" }).then((host) => console.log(host.directory)); setInterval(() => {}, 1e6)`;
		const owner = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
		const directory = await new Promise<string>((resolve) =>
			owner.stdout.once("data", (d) => resolve(String(d).trim())),
		);
		const guards = readFileSync(`/proc/${owner.pid}/task/${owner.pid}/children`, "utf8").trim().split(" ").map(Number);
		for (const pid of guards.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("guard.js"))) {
			process.kill(pid, "SIGKILL");
		}
		owner.kill("SIGKILL");
		await new Promise((resolve) => owner.once("exit", resolve));
		await sleep(300);
		assert.ok(existsSync(directory), "nobody was left to remove it");
		const next = await startTestHost({ network: false });
		try {
			assert.equal(existsSync(directory), false);
			assert.deepEqual(processesOf(directory), []);
		} finally {
			await next.stop();
		}
	});

	it("are kept open by the command line until they are stopped", () => {
		const name = `by-hand-${process.pid}`;
		const run = (...args: string[]) =>
			execFileSync(process.execPath, [cli, ...args], { encoding: "utf8", stdio: "pipe" });
		try {
			assert.match(run("start", "--name", name, "--no-network"), /qemu\+unix:\/\/\/system\?socket=/);
			assert.match(run("list"), new RegExp(`^${name}\\s`, "m"));
			assert.equal(run("exec", name, "--", "hostname"), `${name}\n`);
			assert.throws(() => run("start", "--name", name), /is there already/);
		} finally {
			run("stop", name);
		}
		assert.ok(!run("list").includes(name));
		assert.throws(() => run("stop", name), /no test host named "by-hand/);
	});
});
