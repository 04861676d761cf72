import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { poll } from "../../provider/domain/patience";
import { connect, DeadlineError, WorkerError } from "../../provider/libvirt";
import { freshHost, TEST_DOMAIN, TEST_URI, trial, withTrialCalls } from "./fast";

function isAlive(pid: number): boolean {
	try {
		// A process that has ended but was not waited for yet is gone for our purposes.
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
	} catch {
		return false;
	}
}

async function untilGone(pid: number): Promise<void> {
	for (let i = 0; i < 100; i++) {
		if (!isAlive(pid)) return;
		await sleep(20);
	}
	assert.fail(`process ${pid} still runs`);
}

describe("libvirt binding: workers", () => {
	withTrialCalls();
	const host = freshHost();

	it("shares one host per URI", () => {
		assert.equal(connect(TEST_URI), host());
	});

	it("runs 200 calls at once, in order, in one worker of the test driver", async () => {
		const pids = await Promise.all(Array.from({ length: 200 }, () => trial(host(), "pid")));
		assert.equal(new Set(pids).size, 1);
		const states = await Promise.all(Array.from({ length: 200 }, () => host().domains.state(TEST_DOMAIN)));
		assert.ok(states.every(({ state }) => state === "running"));
	});

	it("kills a worker that is blocked beyond the deadline, and serves the next call with a new one", async () => {
		const first = await trial(host(), "pid");
		const begun = Date.now();
		const blocked = trial(host(), "block", 60, { deadlineSeconds: 0.5 });
		const waiting = host().domains.find("test");
		await assert.rejects(blocked, (error: DeadlineError) => {
			assert.ok(error instanceof DeadlineError);
			assert.match(error.message, /^trial\.block on test:\/\/\/default took longer than 0\.5 s/);
			assert.equal(error.deadlineSeconds, 0.5);
			return true;
		});
		assert.ok(Date.now() - begun < 3000);
		assert.equal((await waiting)?.name, "test", "a call that waited behind it is served");
		assert.notEqual(await trial(host(), "pid"), first);
		await untilGone(first as number);
	});

	it("kills a worker that was stopped", async () => {
		const pid = (await trial(host(), "pid")) as number;
		process.kill(pid, "SIGSTOP");
		await assert.rejects(host().domains.list({ deadlineSeconds: 0.5 }), DeadlineError);
		await untilGone(pid);
		assert.equal((await host().domains.list()).length, 1);
	});

	it("reports a worker that was killed during a call, and replaces it", async () => {
		const pid = (await trial(host(), "pid")) as number;
		const blocked = trial(host(), "block", 60);
		setTimeout(() => process.kill(pid, "SIGKILL"), 100);
		await assert.rejects(blocked, (error: WorkerError) => {
			assert.ok(error instanceof WorkerError);
			assert.match(error.message, /^trial\.block on test:.* was killed by SIGKILL during the call$/);
			return true;
		});
		assert.equal((await host().domains.find("test"))?.state, "running");
	});

	it("reports a crash of native code and an exit", async () => {
		await assert.rejects(trial(host(), "crash"), /was killed by SIGABRT during the call/);
		await assert.rejects(trial(host(), "exit"), /ended with exit code 3 during the call/);
		assert.equal((await host().domains.list()).length, 1);
	});

	it("replaces a worker that was killed while idle", async () => {
		const pid = (await trial(host(), "pid")) as number;
		process.kill(pid, "SIGKILL");
		await untilGone(pid);
		// A call that comes before this process has been told is the dead one's.
		const other = await poll(30, () => trial(host(), "pid").catch(() => undefined));
		assert.ok(other !== undefined && other !== pid);
	});

	it("fails the calls of workers that cannot start, instead of trying for ever", async () => {
		const options = process.env.NODE_OPTIONS;
		process.env.NODE_OPTIONS = "--require=/nonexistent.js";
		try {
			const calls = [host().domains.list(), host().domains.list()];
			for (const result of await Promise.allSettled(calls)) {
				const { reason } = result as PromiseRejectedResult;
				assert.ok(reason instanceof WorkerError);
				assert.match(reason.message, /domains\.list.*while it started.*Cannot find module/s);
			}
		} finally {
			if (options === undefined) delete process.env.NODE_OPTIONS;
			else process.env.NODE_OPTIONS = options;
		}
		assert.equal((await host().domains.list()).length, 1);
	});

	it("ends the wait of an aborted call, running or not", async () => {
		const reason = new Error("changed my mind");
		const abort = new AbortController();
		const running = trial(host(), "block", 60, { signal: abort.signal });
		const waiting = host().domains.list({ signal: abort.signal });
		setTimeout(() => abort.abort(reason), 200);
		await assert.rejects(running, reason);
		await assert.rejects(waiting, reason);
		await assert.rejects(host().domains.list({ signal: abort.signal }), reason);
		assert.equal((await host().domains.list()).length, 1);
	});

	it("rejects what is pending when it is closed, and opens anew at the next connect", async () => {
		const pid = (await trial(host(), "pid")) as number;
		const pending = [trial(host(), "block", 60), host().domains.list()].map((call) =>
			assert.rejects(call, /the connection was closed/),
		);
		const closed = host();
		await closed.close();
		await Promise.all(pending);
		assert.equal(isAlive(pid), false);
		await assert.rejects(closed.domains.list(), /the connection was closed/);
		const anew = connect(TEST_URI);
		assert.notEqual(anew, closed);
		assert.equal((await anew.domains.list()).length, 1);
		await anew.close();
	});

	it("keeps the native library out of this process", () => {
		const loaded = Object.keys(require.cache).filter((file) => file.includes("koffi"));
		assert.deepEqual(loaded, []);
	});

	it("refuses deadlines that are none", async () => {
		for (const deadlineSeconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
			assert.throws(() => host().domains.list({ deadlineSeconds }), RangeError);
		}
	});

	it("refuses a CLONES_WORKERS that is no count", () => {
		process.env.CLONES_WORKERS = "many";
		try {
			assert.throws(() => connect("qemu:///never-opened"), /CLONES_WORKERS is "many".*1 to 64/);
		} finally {
			delete process.env.CLONES_WORKERS;
		}
	});
});

describe("libvirt binding: end of the process", () => {
	const library = join(__dirname, "../../provider/libvirt");

	/** Runs a program that has `host` and `trial`; `worker` is what it printed as "pid N". */
	async function program(body: string, end?: (pid: number, worker: number) => void) {
		const source = `
			const { connect } = require(${JSON.stringify(library)});
			const host = connect(${JSON.stringify(TEST_URI)});
			const trial = (name, parameter) => host.run("trial." + name, { parameters: 1 }, [parameter, {}]);
			(async () => { console.log("pid", await trial("pid")); ${body} })();`;
		const child = spawn(process.execPath, ["-e", source], {
			env: { ...process.env, CLONES_LIBVIRT_TRIAL: "1" },
			stdio: ["ignore", "pipe", "pipe"],
		});
		let output = "";
		let worker = 0;
		const hear = (data: Buffer) => {
			output += data;
			const pid = /^pid (\d+)$/m.exec(output)?.[1];
			if (pid === undefined || worker !== 0) return;
			worker = Number(pid);
			end?.(child.pid!, worker);
		};
		child.stdout.on("data", hear);
		child.stderr.on("data", hear);
		const begun = Date.now();
		const [code, signal] = await once(child, "exit");
		return { code, signal, worker, output, seconds: (Date.now() - begun) / 1000 };
	}

	it("comes by itself when nothing is pending, although workers are idle", async () => {
		const { code, worker, seconds } = await program("");
		assert.equal(code, 0);
		assert.ok(seconds < 5, `${seconds} s`);
		await untilGone(worker);
	});

	it("waits for a pending call", async () => {
		const { code, output } = await program(`await trial("block", 0.5); console.log("done");`);
		assert.equal(code, 0);
		assert.match(output, /done/);
	});

	it("is immediate with process.exit, and takes workers with pending calls along", async () => {
		const { code, worker, seconds } = await program(
			`trial("block", 60); trial("pid"); setTimeout(() => process.exit(7), 100);`,
		);
		assert.equal(code, 7);
		assert.ok(seconds < 5, `${seconds} s`);
		await untilGone(worker);
	});

	it("takes workers with pending calls along when it is killed", async () => {
		const { signal, worker } = await program(`await trial("block", 60);`, (pid) =>
			setTimeout(() => process.kill(pid, "SIGKILL"), 200),
		);
		assert.equal(signal, "SIGKILL");
		await untilGone(worker);
	});

	it("is not that of the workers when a terminal interrupts", async () => {
		const body = `process.on("SIGINT", () => console.log("interrupted")); await trial("block", 1); console.log("finished");`;
		const { code, output } = await program(body, (pid, worker) => {
			setTimeout(() => {
				process.kill(pid, "SIGINT");
				// What a terminal does: the signal goes to the whole process group, in which the worker is not.
				const group = readFileSync(`/proc/${worker}/stat`, "utf8").split(") ")[1]?.split(" ")[2];
				assert.equal(group, String(worker));
			}, 300);
		});
		assert.equal(code, 0);
		assert.match(output, /interrupted[\s\S]*finished/);
	});
});
