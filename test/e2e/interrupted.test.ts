import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { CloneInstance } from "../../index";
import { sweep } from "../../provider/guard/sweep";
import { connect } from "../../provider/libvirt";
import { type Bench, leftOn, startBench } from "./hosts";

const MACHINES = 8;

/** Runs that are ended in the middle, and what the next one makes of it. */
describe("an interrupted run", function () {
	this.timeout(300_000);
	let bench: Bench;

	beforeEach(async () => {
		bench = await startBench({ program: "test/e2e/fixtures/clones" });
	});
	afterEach(() => bench?.stop());

	for (const machine of [0, 3, 7]) {
		it(`is carried on after the provider was killed while web-${machine} was made`, async () => {
			const cli = start("up");
			await said(cli, new RegExp(`Domain web-${machine} creating`));
			process.kill(providerOf(cli), "SIGKILL");
			assert.notEqual(await ended(cli), 0);
			await recover();
			await completes();
		});
	}

	it("is carried on after the CLI was killed, and its provider does not linger", async () => {
		const cli = start("up");
		await said(cli, /Domain web-2 creating/);
		const provider = providerOf(cli);
		cli.kill("SIGKILL");
		await ended(cli);
		await gone(provider);
		await recover();
		await completes();
	});

	it("is carried on after the CLI was killed without the engine's checkpoints", async () => {
		const env = { PULUMI_EXPERIMENTAL: "1", PULUMI_SKIP_CHECKPOINTS: "true" };
		const cli = start("up", env);
		await said(cli, /Domain web-4 created/);
		const provider = providerOf(cli);
		cli.kill("SIGKILL");
		await ended(cli);
		await gone(provider);
		assert.ok((await leftOn(bench)).includes("web-4"));
		await recover();
		await completes();
	});

	it("leaves nothing when it is destroyed right after it was killed: the guard sweeps what is not in the state", async () => {
		const cli = start("up");
		await said(cli, /Domain web-\d creating/);
		const provider = providerOf(cli);
		// The first domain is there, others are being made; an engine that is held records none of them.
		while (!(await leftOn(bench)).some((name) => /^web-\d$/.test(name)));
		cli.kill("SIGSTOP");
		await new Promise((resolve) => setTimeout(resolve, 1000));
		cli.kill("SIGKILL");
		await ended(cli);
		await gone(provider);
		await bench.project.unlock();
		const { deployment } = await bench.project.state();
		const recorded = deployment.resources!.filter(({ type, id }) => type.endsWith(":Domain") && id).length;
		const made = (await leftOn(bench)).filter((name) => /^web-\d$/.test(name)).length;
		assert.ok(made > recorded, `${made} domains are there, ${recorded} are recorded: nothing to sweep`);
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});

	it("can be swept from the command line when even the guard was not recorded", async () => {
		const cli = start("up", { PULUMI_EXPERIMENTAL: "1", PULUMI_SKIP_CHECKPOINTS: "true" });
		await said(cli, /Domain web-4 created/);
		const provider = providerOf(cli);
		cli.kill("SIGKILL");
		await ended(cli);
		await gone(provider);
		await sweep(connect(bench.host.uri), { stack: "organization/clones/dev" });
		// An empty volume may be somebody's, so it stays, and the pool with it.
		assert.deepEqual(
			(await leftOn(bench)).filter((name) => !/^gold-|^images$/.test(name)),
			[],
		);
	});

	it("is carried on after the provider was killed in the middle of a destroy", async () => {
		await bench.project.up();
		const cli = start("destroy");
		await said(cli, /Domain web-\d deleting/);
		process.kill(providerOf(cli), "SIGKILL");
		await ended(cli);
		await recover();
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});

	function start(command: "up" | "destroy", env?: NodeJS.ProcessEnv): ChildProcess {
		return bench.project.spawn([command, "--yes", "--skip-preview"], env);
	}

	/** A killed CLI leaves the backend's lock and its pending operations. */
	async function recover(): Promise<void> {
		await bench.project.unlock();
		await bench.project.must(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]);
	}

	/** The next `up` makes what is missing, once each; a preview shows no change; a destroy leaves nothing. */
	async function completes(): Promise<void> {
		await bench.project.up();
		const { machines } = await bench.project.outputs<{ machines: CloneInstance[] }>();
		assert.equal(machines.length, MACHINES);
		for (const { name, uuid } of machines) assert.equal(await bench.host.virsh("domuuid", name), uuid);
		const domains = (await leftOn(bench)).filter((name) => /^web-\d$/.test(name));
		assert.equal(domains.length, MACHINES);
		const disks = (await leftOn(bench)).filter((name) => /^web-\d-[0-9a-f]{8}\.qcow2$/.test(name));
		assert.equal(disks.length, MACHINES);
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	}
});

/** Resolves when the CLI has printed something. */
function said(cli: ChildProcess, pattern: RegExp): Promise<void> {
	let text = "";
	return new Promise((resolve, reject) => {
		cli.stdout!.on("data", (chunk: Buffer) => {
			text += chunk;
			if (pattern.test(text)) resolve();
		});
		cli.once("close", () => reject(new Error(`the CLI ended without saying ${pattern}:\n${text}`)));
	});
}

function ended(cli: ChildProcess): Promise<number | null> {
	if (cli.exitCode !== null || cli.signalCode !== null) return Promise.resolve(cli.exitCode);
	return new Promise((resolve) => cli.once("close", (code) => resolve(code)));
}

/** The dynamic provider among the descendants of a process. */
function providerOf(cli: ChildProcess): number {
	const parents = new Map<number, number>();
	for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
		try {
			const status = readFileSync(`/proc/${entry}/stat`, "utf8");
			parents.set(Number(entry), Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]));
		} catch {
			// It has ended meanwhile.
		}
	}
	const isBelow = (pid: number): boolean => pid === cli.pid || (parents.has(pid) && isBelow(parents.get(pid)!));
	const found = [...parents.keys()].find(
		(pid) => isBelow(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("cmd/dynamic-provider"),
	);
	assert.ok(found, "there is no provider process");
	return found;
}

/** Waits until a process has ended. */
async function gone(pid: number): Promise<void> {
	for (let tries = 0; tries < 300; tries++) {
		try {
			const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
			if (state === "Z") return;
		} catch {
			return;
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	assert.fail(`process ${pid} lingers`);
}
