import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { domain } from "../../../provider/domain/lifecycle";
import type { DomainInputs } from "../../../provider/domain/schema";
import { closeAll, connect, type Host } from "../../../provider/libvirt";
import { type Context, IncompleteError } from "../../../provider/lifecycle";
import { type Given, inputsOf } from "./inputs";

const URI = "test:///default";

describe("a domain on libvirt's test driver", () => {
	let host: Host;
	let context: Context;
	const logged: string[] = [];

	before(() => {
		host = connect(URI);
		context = { host, log: (line) => void logged.push(line) };
	});
	after(closeAll);

	const given = (name: string, more: Given = {}): DomainInputs =>
		inputsOf({ uri: URI, ownerId: `org/project/stack/${name}`, name, memoryMiB: 64, ...more });
	const wire = <T>(value: T): T => JSON.parse(JSON.stringify(value));

	it("is made, found as it is, changed, found as it is, and removed", async () => {
		const inputs = given("a", { nics: [{ network: "default" }], description: "<&>", autostart: true });
		const { id, state } = await domain.create(inputs, context);
		assert.equal(id, state.uuid);
		assert.deepEqual(wire(await domain.read(id, state, context)), wire(state));
		const news = { ...inputs, memoryMiB: 96, description: undefined, running: false };
		const changed = await domain.update(id, state, news, context);
		assert.equal(changed.uuid, id);
		assert.deepEqual(changed.macs, state.macs);
		assert.deepEqual(wire(await domain.read(id, changed, context)), wire(changed));
		assert.equal((await host.domains.find("a"))?.state, "shutoff");
		await domain.delete(id, changed, context);
		assert.equal(await domain.read(id, changed, context), undefined);
		await domain.delete(id, changed, context);
	});

	it("is found again by a second create, and brought to what is asked", async () => {
		const first = await domain.create(given("b"), context);
		const second = await domain.create(given("b", { vcpus: 2 }), context);
		assert.equal(second.id, first.id);
		assert.match(await host.domains.xml(first.id, { inactive: true }), /<vcpu[^>]*>2</);
		assert.ok(logged.some((line) => /found domain b as an earlier run left it/.test(line)));
		await domain.delete(second.id, second.state, context);
	});

	it("refuses what is somebody else's: a name, a change, a removal", async () => {
		await assert.rejects(
			domain.create(given("test"), context),
			/domain test exists already: it was not made by this package/,
		);
		const mine = await domain.create(given("c"), context);
		const thief = { ...mine.state, ownerId: "org/project/stack/thief" };
		await assert.rejects(
			domain.delete(mine.id, thief, context),
			/was not deleted: it belongs to org\/project\/stack\/c/,
		);
		await assert.rejects(
			domain.update(mine.id, thief, { ...given("c"), ownerId: thief.ownerId }, context),
			/was not changed/,
		);
		assert.ok(await host.domains.find("c"));
		await domain.delete(mine.id, mine.state, context);
	});

	it("says in the plan what is in the way, and changes nothing", async () => {
		const inputs = given("d", {
			memoryMiB: 1024,
			maxMemoryMiB: 60_000_000,
			disks: [{ volume: "/no/such" }],
			nics: [{ network: "nowhere" }],
			boot: { kernel: "/no/kernel" },
			template: undefined,
		});
		const plan = (await domain.plan!(inputs, context)).join("\n");
		assert.match(plan, /accelerator: qemu/);
		assert.match(plan, /warning: maxMemoryMiB: 60000000 MiB is more than the host's 6144 MiB/);
		assert.match(plan, /warning: disks\[0\]: volume \/no\/such is in no active storage pool/);
		assert.match(plan, /warning: nics\[0\]: there is no network nowhere/);
		await assert.rejects(
			domain.plan!(given("d", { memoryMiB: 6145, maxMemoryMiB: 6145 }), context),
			/got 6145; .* has 6144 MiB: allowed is at most that/,
		);
		assert.match((await domain.plan!(given("test"), context)).join("\n"), /warning: domain test exists already/);
		assert.match(
			(await domain.plan!(given("d", { template: "test" }), context)).join("\n"),
			/warning: template: domain test is running/,
		);
		assert.equal(await host.domains.find("d"), undefined);
	});

	it("records a machine whose guest does not show up, and finishes it later", async () => {
		const inputs = given("e", { waitFor: { agent: true, timeoutSeconds: 1 } });
		const error = await domain.create(inputs, context).then(
			() => assert.fail("it was made"),
			(thrown: unknown) => thrown,
		);
		assert.ok(error instanceof IncompleteError);
		assert.match(error.message, /e did not show its guest agent within 1 s/);
		assert.match(error.message, /state: running/);
		const state = { ...error.state, incomplete: true } as Awaited<ReturnType<typeof domain.update>>;
		assert.equal((await domain.read(error.id, state, context))?.incomplete, true);
		const finished = await domain.update(error.id, state, given("e"), context);
		assert.equal(finished.incomplete, undefined);
		await domain.delete(error.id, finished, context);
	});

	it("tells how a machine went off while its guest was waited for, and starts it again later", async () => {
		const inputs = given("g", { waitFor: { agent: true, timeoutSeconds: 30 } });
		for (const [end, words] of [
			["shutdown", "its guest shut down"],
			["destroy", "somebody powered it off"],
		] as const) {
			const made = domain.create(inputs, context).catch((thrown: unknown) => thrown);
			const running = async () => (await host.domains.find("g"))?.state === "running";
			while (!(await running())) await sleep(20);
			await host.domains[end]((await host.domains.find("g"))!.uuid);
			const error = (await made) as Error;
			assert.ok(error.message.startsWith("g went off before it showed its guest agent."), error.message);
			assert.ok(error.message.includes(`state: shutoff (${words}), accelerator`), error.message);
			assert.match(error.message, /the next `pulumi up` starts it and waits again/);
		}
		const { id, state } = await domain.create(given("g"), context);
		assert.equal((await host.domains.find("g"))?.state, "running");
		await domain.delete(id, state, context);
	});

	it("counts a member of a set as changed when it shows what it has to, and looks again in the next run", async () => {
		const folder = mkdtempSync(join(tmpdir(), "member-"));
		const sign = join(folder, "healthy");
		const memberCheck = { hostExec: ["/bin/ls", sign], timeoutSeconds: 1, intervalSeconds: 1 };
		try {
			writeFileSync(sign, "");
			const { id, state } = await domain.create(given("f", { memberCheck }), context);
			rmSync(sign);
			const wanted = given("f", { memberCheck, description: "changed" });
			const error = await domain.update(id, state, wanted, context).then(
				() => assert.fail("it counted as changed"),
				(thrown: unknown) => thrown,
			);
			assert.ok(error instanceof IncompleteError);
			assert.match(error.message, /f is not healthy .*\/bin\/ls on the host ended with exit code 2/);
			assert.equal(error.state.description, "changed");
			const unfinished = { ...error.state, incomplete: true } as typeof state;
			await assert.rejects(domain.update(id, unfinished, wanted, context), /f is not healthy/);
			writeFileSync(sign, "");
			const done = await domain.update(id, unfinished, wanted, context);
			assert.equal(done.incomplete, undefined);
			rmSync(sign);
			await domain.update(id, done, { ...wanted, running: false }, context);
			await domain.delete(id, done, context);
		} finally {
			rmSync(folder, { recursive: true });
		}
	});
});
