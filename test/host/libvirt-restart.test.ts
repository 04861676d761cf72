import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, DeadlineError, type Host, type LibvirtError } from "../../provider/libvirt";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { guestXml, trial, withTrialCalls } from "../libvirt/fast";

describe("libvirt binding: a daemon that comes and goes", () => {
	let machine: TestHost;
	let host: Host;
	let uuid: string;

	withTrialCalls();
	before(async () => {
		machine = await startTestHost();
	});
	beforeEach(async () => {
		host = connect(machine.uri);
		({ uuid } = await host.domains.define(guestXml("restarted")));
	});
	afterEach(async () => {
		await host.domains.undefine(uuid);
		await host.close();
	});
	after(() => machine?.stop());

	/** Opens as many workers as there can be, so that all of them have a connection to lose. */
	const openAll = () => Promise.all(Array.from({ length: 8 }, () => trial(host, "block", 0.2)));

	it("is found again after a kill, by calls that read and by calls that act", async () => {
		await openAll();
		await machine.killLibvirtd();
		await machine.startLibvirtd();
		const states = await Promise.all(Array.from({ length: 20 }, () => host.domains.state(uuid)));
		assert.ok(states.every(({ state }) => state === "shutoff"));
		await machine.killLibvirtd();
		await machine.startLibvirtd();
		// Its look-up notices the loss, so that the start itself is sent once.
		await host.domains.start(uuid);
		await host.domains.destroy(uuid);
	});

	it("is found again after an orderly restart, by a definition", async () => {
		await openAll();
		await machine.restartLibvirtd();
		const other = await host.domains.define(guestXml("other"));
		await host.domains.undefine(other.uuid);
	});

	it("is waited for while it is away", async () => {
		await machine.killLibvirtd();
		const state = host.domains.state(uuid);
		await sleep(1500);
		await machine.startLibvirtd();
		assert.equal((await state).state, "shutoff");
	});

	it("loses no reading call when it is killed during it", async () => {
		await openAll();
		await machine.killLibvirtd("SIGSTOP");
		const lists = Promise.all(Array.from({ length: 10 }, () => host.domains.list()));
		await sleep(1500);
		await machine.killLibvirtd("SIGKILL");
		await machine.startLibvirtd();
		for (const list of await lists)
			assert.deepEqual(
				list.map(({ name }) => name),
				["restarted"],
			);
	});

	it("says of an acting call that it was killed during, that its effect is not known", async () => {
		await host.domains.list();
		await machine.killLibvirtd("SIGSTOP");
		const define = host.domains.define(guestXml("lost"));
		const rejected = assert.rejects(define, (error: LibvirtError) => {
			assert.equal(error.call, "virDomainDefineXMLFlags");
			assert.match(error.message, /connection was lost during the call: look at the host whether it took effect/);
			return true;
		});
		await sleep(1500);
		await machine.killLibvirtd("SIGKILL");
		await machine.startLibvirtd();
		await rejected;
		assert.equal(await host.domains.find("lost"), undefined);
	});

	it("is given up at the deadline when it hangs, without harm to later calls", async () => {
		await host.domains.list();
		await machine.killLibvirtd("SIGSTOP");
		try {
			await assert.rejects(host.domains.list({ deadlineSeconds: 1 }), DeadlineError);
		} finally {
			await machine.killLibvirtd("SIGCONT");
		}
		assert.equal((await host.domains.list()).length, 1);
	});

	it("serves control calls while calls to guests and transfers block", async () => {
		const { run } = host as Host & { run(...call: unknown[]): Promise<unknown> };
		const block = (lane: string) => run.call(host, "trial.block", { parameters: 1, lane }, [2, {}]);
		const blocked = Promise.all(["guest", "guest", "guest", "bulk", "bulk", "bulk"].map(block));
		const begun = Date.now();
		await Promise.all(Array.from({ length: 20 }, () => host.domains.state(uuid)));
		assert.ok(Date.now() - begun < 1500);
		await blocked;
	});

	it("has at most as many calls in flight as there are workers", async () => {
		const pids = await Promise.all(Array.from({ length: 40 }, () => trial(host, "block", 0.02)));
		assert.ok(new Set(pids).size <= 4, String(new Set(pids).size));
		assert.ok(new Set(pids).size > 1);
	});
});
