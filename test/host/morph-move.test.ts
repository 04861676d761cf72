import assert from "node:assert/strict";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import { factsOf } from "../../provider/domain/plan";
import type { DomainInputs } from "../../provider/domain/schema";
import { IncompleteError } from "../../provider/lifecycle";
import { morphSchema } from "../../provider/morph/template";
import { type Full, type Lab, wire } from "./domain-lab";
import { exec, MoveLab, size, telling, trace } from "./morph-move-lab";

describe("a machine that moves to another host by the steps of a template", function () {
	this.timeout(240_000);
	let lab: MoveLab;

	before(async () => {
		lab = await MoveLab.start();
	});
	after(() => lab?.stop());

	/** @returns what the preview says */
	async function planned(at: Lab, news: DomainInputs): Promise<string[]> {
		const settled = await domain.settle!(lab.inputs, news, at.context);
		const facts = await factsOf(lab.inputs, at.context);
		const found = changes({ ...lab.state, ...facts } as Full, settled);
		const lines = found.map(({ property, effect, note }) => `${property}: ${effect}: ${note}`);
		return lines
			.filter((line) => /^(instanceType|morph: live: \d+ step)/.test(line))
			.flatMap((line) => line.split("; "));
	}

	it("does each step in its phase and place, and is of its new type there", async () => {
		const { a, b } = lab;
		const before = await lab.inGuest();
		const news = await lab.on(b, {
			...size(1, 288),
			morph: {
				preMigration: [exec(trace("pre")), lab.onHost("pre", a)],
				hotUnplug: [{ kind: "vcpus" }, exec(trace("unplugged"))],
				migration: { duringMigration: [exec(trace("arrived")), lab.onHost("during", b)] },
				hotPlug: [exec(trace("before memory")), { kind: "memory" }],
				postMigration: [exec(trace("post")), lab.onHost("post", b)],
			},
		});
		assert.deepEqual(await planned(b, news), [
			"morph: live: 11 step(s)",
			"1. preMigration: run /bin/sh in the guest",
			"2. preMigration: run /bin/sh on the host",
			"3. hotUnplug: 2 to 1 vCPUs: left aside by the guest agent, as no vCPU can be unplugged without KVM",
			"4. hotUnplug: run /bin/sh in the guest",
			`5. migration: goes to ${b.machine.uri}, and stands still until its host's steps have ended`,
			"6. duringMigration: run /bin/sh on the host",
			"7. duringMigration: run /bin/sh in the guest",
			"8. hotPlug: run /bin/sh in the guest",
			"9. hotPlug: 160 to 288 MiB: virtio-mem",
			"10. postMigration: run /bin/sh in the guest",
			"11. postMigration: run /bin/sh on the host",
			"instanceType: live: 2 vCPU(s) and 160 MiB to 1 vCPU(s) and 288 MiB: 2 to 1 vCPUs: left aside by the guest agent, " +
				"as no vCPU can be unplugged without KVM",
			"160 to 288 MiB: virtio-mem",
		]);
		await lab.changed(b, news);
		assert.deepEqual(await lab.traced(), ["pre 2", "unplugged 1", "arrived 1", "before memory 1", "post 1"]);
		assert.deepEqual(await lab.tracedOnHosts(), ["pre: running", "during: paused", "post: running"]);
		assert.equal((await lab.inGuest()).memoryMiB - before.memoryMiB, 128);
		await lab.settled();
	});

	it("runs on where it is, as it was, when a step before fails or it cannot leave", async () => {
		const morph = {
			preMigration: [exec(trace("pre"), { undo: ["/bin/sh", "-c", trace("unpre")] })],
			postMigration: [exec(trace("post"))],
		};
		const smaller = { ...size(1, 224), morph };
		const failing = await lab.on(lab.there, {
			...smaller,
			morph: { ...morph, hotUnplug: [{ kind: "memory" }, exec("exit 5")] },
		});
		await assert.rejects(
			lab.tried(lab.there, failing),
			/it ended with exit code 5.*\nWhat was done before has been taken back. goes runs on as it was, on qemu/,
		);
		assert.deepEqual(await lab.traced(), ["pre 1", "unpre 1"]);
		await lab.settled();

		const away = { ...(await lab.on(lab.there, smaller)), migration: { peerUri: "qemu+tcp://127.0.0.1:1/system" } };
		await assert.rejects(
			lab.tried(lab.there, away),
			/goes was not moved: .*as before\.\nWhat was done before has been taken back/s,
		);
		assert.deepEqual(await lab.traced(), ["pre 1", "unpre 1"]);
		await lab.settled();

		await lab.there.machine.seeMemory(100);
		await assert.rejects(
			lab.tried(lab.there, await lab.on(lab.there, smaller)),
			/has 100 MiB of the 288 MiB that it needs/,
		);
		await lab.there.machine.seeMemory();
		assert.deepEqual(await lab.traced(), [], "what cannot go is refused before the first step");
		await lab.settled();
	});

	it("only goes forward once it has left: the next run does what is left", async () => {
		const { there } = lab;
		const morph = (post: object, during: object) => ({
			preMigration: [exec(trace("pre"), { undo: ["/bin/sh", "-c", trace("unpre")] })],
			migration: { duringMigration: [during] },
			postMigration: [post],
		});
		const stuck = await lab.on(there, {
			...size(2, 224),
			morph: morph(exec("exit 6"), lab.onHost("during", there, { exec: ["/bin/false"] })),
		});
		const failed = await lab.tried(there, stuck).then(
			() => undefined,
			(error) => error,
		);
		assert.ok(failed instanceof IncompleteError, String(failed));
		assert.match(failed.message, /could not run \/bin\/false on the host/);
		assert.equal((await there.host.domains.find(lab.state.uuid))?.state, "running", "it does not stand still for that");
		// As the engine records it.
		lab.state = wire({ ...lab.state, ...(failed.state as Full), incomplete: true });
		lab.at = there;
		assert.equal(lab.state.uri, there.machine.uri);
		assert.equal((await there.read(lab.state))?.incomplete, true);

		const again = { ...stuck, morph: morphSchema.parse(morph(exec("exit 6"), exec(trace("arrived")))) };
		await assert.rejects(lab.tried(there, again), /it ended with exit code 6/);
		assert.match((await lab.record())!, /"goal":"2 vCPUs, 224 MiB, on qemu/);
		const mended = { ...stuck, morph: morphSchema.parse(morph(exec(trace("post")), exec(trace("arrived")))) };
		await lab.changed(there, mended);
		assert.deepEqual(await lab.traced(), ["pre 1", "arrived 1", "post 2"]);
		await lab.settled();
	});

	/** Some of the moments; all of them are in test/faults. */
	for (const diesAt of [9, 20]) {
		it(`comes to its end when its driver is killed at moment ${diesAt} of its life`, async () => {
			const { there } = lab;
			const news = await lab.on(there, {
				...size(diesAt % 2 === 0 ? 1 : 2, diesAt % 2 === 0 ? 288 : 192),
				morph: { preMigration: [exec(trace("pre"))], postMigration: [exec(trace("post"))] },
			});
			assert.deepEqual(await lab.dying({ state: lab.state, inputs: news, diesAt }), { died: true, moments: 0 });
			await lab.changed(there, news);
			const words = new Set((await lab.traced()).map((line) => line.split(" ")[0]));
			assert.deepEqual([...words], ["pre", "post"]);
			await lab.settled();
		});
	}

	it("has tools added where it leaves, uses them on both hosts, and removes them on the new one", async () => {
		const wanted = (vcpus: number, post: object) =>
			lab.on(lab.there, {
				...size(vcpus, 192),
				agentPolicy: telling.agentPolicy,
				morph: {
					tools: telling.tools,
					preMigration: [telling.step("pre")],
					migration: { duringMigration: [telling.step("arrived"), lab.onHost("during", lab.there)] },
					postMigration: [telling.step("post"), post],
				},
			});
		await lab.changed(lab.there, await wanted(2, telling.step("last")));
		assert.deepEqual(await lab.traced(), ["pre", "arrived", "post", "last"]);
		assert.deepEqual([lab.state.morphTools?.added, lab.state.morphTools?.removed], [["told"], ["told"]]);
		await lab.hasNoTools();
		await lab.settled();

		const stuck = await wanted(1, exec("exit 6"));
		const failed = await lab.tried(lab.there, stuck).then(
			() => undefined,
			(error) => error,
		);
		assert.ok(failed instanceof IncompleteError, String(failed));
		lab.state = wire({ ...lab.state, ...(failed.state as Full), incomplete: true });
		lab.at = lab.there;
		await lab.hasNoTools();
		const mended = { ...stuck, morph: morphSchema.parse({ ...stuck.morph, postMigration: [telling.step("mended")] }) };
		await lab.changed(lab.at, mended);
		assert.deepEqual(await lab.traced(), ["pre", "arrived", "post", "mended"]);
		await lab.tracedOnHosts();
		await lab.hasNoTools();
		await lab.settled();
	});

	it("does each step as well where it is saved and goes on there at its next instruction", async () => {
		const { at, there } = lab;
		const peerUri = `qemu+tcp://${there.machine.linkAddress}/system`;
		const news = await lab.on(there, {
			...size(2, 224),
			migration: { peerUri, mode: "saveRestore" },
			morph: {
				preMigration: [exec(trace("pre")), lab.onHost("pre", at)],
				migration: { duringMigration: [exec(trace("arrived")), lab.onHost("during", there)] },
				postMigration: [exec(trace("post"))],
			},
		});
		await lab.changed(there, news);
		assert.deepEqual(await lab.traced(), ["pre 1", "arrived 1", "post 2"]);
		assert.deepEqual(await lab.tracedOnHosts(), ["pre: running", "during: paused"]);
		await lab.settled();
	});

	it("moves with steps alone, without room to grow, and without a guest that answers", async () => {
		const { a, b } = lab;
		const plain = (at: Lab, more: object) =>
			at.plain("bare", {
				type: "qemu",
				memoryMiB: 64,
				migration: { peerUri: `qemu+tcp://${at.machine.linkAddress}/system` },
				...more,
			});
		const made = wire(await a.create(plain(a, {})));
		const steps = (at: Lab) => [lab.onHost("bare", at)];
		const morph = { preMigration: steps(a), migration: { duringMigration: steps(b) }, postMigration: steps(b) };
		const moved = wire(await b.update(made, plain(b, { morph })));
		assert.deepEqual(await lab.tracedOnHosts(), ["bare: running", "bare: paused", "bare: running"]);
		assert.deepEqual(wire(await b.read(moved)), moved);
		assert.equal(await a.host.domains.find(moved.uuid), undefined);
		await b.delete(moved);
	});
});
