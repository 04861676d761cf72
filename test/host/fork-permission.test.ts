import assert from "node:assert/strict";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { forkPoint } from "../../provider/fork/lifecycle";
import { forkPointSchema } from "../../provider/fork/schema";
import { volume } from "../../provider/volume/lifecycle";
import { type Full, Lab, wire } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";

describe("a fork point of another stack", function () {
	this.timeout(300_000);
	let lab: Lab;
	let forks: ForkLab;
	let point: Point;
	let inputs: DomainInputs;
	let child: Full;

	before(async () => {
		lab = await Lab.start();
		forks = new ForkLab(lab);
		point = (await forkPoint.create(forks.point({ forkableBy: ["org/web/*"] }), lab.context)).state;
		inputs = await forks.child("child-1", point);
	});
	after(() => lab?.stop());

	const of = (stack: string) => ({ ...inputs, ownerId: `${stack}/child-1` });
	const derived = (stack: string) =>
		forkPointSchema.parse({
			uri: lab.machine.uri,
			ownerId: `${stack}/warmer`,
			name: "warmer",
			pool: "pool",
			parent: point.uuid,
		});
	async function changed(forkableBy: string[] | undefined): Promise<void> {
		const news = wire({ ...forks.point(), forkableBy });
		assert.deepEqual(
			forkPoint.changes(point, news).map(({ property, effect }) => `${property}: ${effect}`),
			["forkableBy: live"],
		);
		point = wire(await forkPoint.update(point.uuid, point, news, lab.context));
		assert.deepEqual(forkPoint.changes(point, news), []);
	}

	const refused = (stack: string, allowed: string) =>
		new RegExp(
			`^InputError: got fork point warm-[0-9a-f]{8}, which ${stack} may not fork: it belongs to org/project/stack/warm; allowed are its own stack and ${allowed}. Its owner can let it: forkableBy`,
		);

	it("is not forked by one that its owner does not name, of which nothing is left", async () => {
		const complaint = refused("acme/shop/dev", String.raw`org/web/\*`);
		await assert.rejects(domain.plan!(of("acme/shop/dev"), lab.context), complaint);
		await assert.rejects(domain.create(of("acme/shop/dev"), lab.context), complaint);
		await assert.rejects(forkPoint.plan!(derived("acme/shop/dev"), lab.context), complaint);
		await assert.rejects(forkPoint.create(derived("acme/shop/dev"), lab.context), complaint);
		assert.deepEqual(
			(await lab.host.domains.list()).map(({ uuid }) => uuid),
			[point.uuid],
		);
		assert.deepEqual((await lab.machine.exec("ls", [lab.machine.poolDirectory])).stdout.match(/warmer\S*/g), null);
	});

	it("is forked by one that he names, and kept for its children, who are named", async () => {
		assert.match((await domain.plan!(of("org/web/dev"), lab.context)).join(), /goes on where warm-/);
		child = await lab.create(of("org/web/dev"));
		assert.equal(await lab.sh(child.uuid, "hostname; cat /run/warm"), "child-1\nwarmed up");
		await assert.rejects(
			forkPoint.delete(point.uuid, point, await Lab.connect(lab)),
			/child-1\.qcow2 \(an overlay on it\).* Destroy the children first.* Its machines: child-1 of org\/web\/dev\.$/s,
		);
	});

	it("is closed to others and open to its own stack, without being made anew, and its children stay", async () => {
		await changed([]);
		await assert.rejects(
			domain.plan!({ ...of("org/web/dev"), name: "child-2" }, lab.context),
			refused("org/web/dev", "no other stacks"),
		);
		assert.match((await domain.plan!({ ...inputs, name: "child-2" }, lab.context)).join(), /goes on where warm-/);
		assert.match((await forkPoint.plan!(derived("org/project/stack"), lab.context)).join(), /goes on from/);
		assert.deepEqual(wire((await lab.read(child))!.forked), wire(child.forked));
		assert.deepEqual(domain.changes(child, of("org/web/dev")), []);
	});

	it("is what it was to whoever finds it, and anybody's who is let in where nobody is named", async () => {
		const found = await forkPoint.create(forks.point({ forkableBy: ["org/*/dev"] }), await Lab.connect(lab));
		assert.equal(found.id, point.uuid);
		assert.match((await forkPoint.plan!(derived("org/shop/dev"), lab.context)).join(), /goes on from/);
		await assert.rejects(
			forkPoint.plan!(derived("org/shop/prod"), lab.context),
			refused("org/shop/prod", String.raw`org/\*/dev`),
		);
		point = found.state;
		await changed(undefined);
		assert.match((await forkPoint.plan!(derived("acme/shop/dev"), lab.context)).join(), /goes on from/);
	});

	it("goes once its last child has gone", async () => {
		await lab.delete(child);
		await volume.delete(forks.disks[0]!.key, forks.disks[0]!, lab.context);
		await forkPoint.delete(point.uuid, point, await Lab.connect(lab));
		assert.deepEqual(await lab.host.domains.list(), []);
	});
});
