import * as assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withStore } from "../../provider/identity/access";
import { identity } from "../../provider/identity/lease/lifecycle";
import { identityPool } from "../../provider/identity/pool/lifecycle";
import {
	type IdentityPoolFacts,
	type IdentityPoolInputs,
	identityPoolSchema,
} from "../../provider/identity/pool/schema";
import { type Context, IncompleteError } from "../../provider/lifecycle";

const stack = "organization/project/stack";

describe("a pool of identities", () => {
	let folder: string;
	let log: string[];
	let context: Context;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), "identity-pool-"));
		log = [];
		context = { log: (line: string) => log.push(line) } as unknown as Context;
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	const store = () => ({ sqlite: { path: join(folder, "identities.sqlite") } });
	const inputsOf = (changes: object = {}) =>
		identityPoolSchema.parse({
			ownerId: `${stack}/web`,
			name: "web",
			names: "web-{1}",
			count: 3,
			store: store(),
			...changes,
		});
	const take = (access: string, machine: string) =>
		identity.create({ ownerId: `${stack}/${machine}`, pool: access, prefer: [] }, context);
	const states = () =>
		withStore(store(), async (opened) => (await opened.list("web")).map(({ name, state }) => `${name} ${state}`));

	it("is made again where the run that made it was killed before it was recorded, with its random key", async () => {
		const lost = await identityPool.create(inputsOf({ count: 4 }), context);
		const machine = await take(lost.state.access, "vm");

		const { state } = await identityPool.create(inputsOf(), context);
		assert.deepEqual(log, [`took back web-1, which an interrupted run had given to ${stack}/vm`]);
		assert.deepEqual(await states(), ["web-1 free", "web-2 free", "web-3 free"]);
		const again = await take(state.access, "vm");
		assert.equal(again.state.profile.name, "web-1");
		assert.notDeepEqual(again.state.secrets.hostKeys, machine.state.secrets.hostKeys);
		await assert.rejects(take(lost.state.access, "other"), /is not the one that pool web was made with/);
	});

	it("is not made again while another stack's machines hold some of it", async () => {
		const lost = await identityPool.create(inputsOf(), context);
		const elsewhere = "organization/project/other/vm";
		await identity.create({ ownerId: elsewhere, pool: lost.state.access, prefer: [] }, context);
		await assert.rejects(
			identityPool.create(inputsOf(), context),
			/cannot be made anew in pool web while machines hold them: web-1 \(organization\/project\/other\/vm\)/,
		);
		assert.deepEqual(await states(), ["web-1 leased", "web-2 free", "web-3 free"]);
	});

	describe("that could not be made whole", () => {
		let failed: IncompleteError<IdentityPoolInputs, IdentityPoolFacts>;
		beforeEach(async () => {
			const first = { ownerId: `${stack}/first`, name: "first", names: "web-{3}", count: 1 };
			await identityPool.create(inputsOf(first), context);
			const error = await identityPool.create(inputsOf(), context).then(
				() => assert.fail("it was made"),
				(refusal: Error) => refusal,
			);
			assert.ok(error instanceof IncompleteError);
			assert.match(error.message, /web-3/);
			failed = error;
		});

		it("is recorded with its key, and finished by an update", async () => {
			const { members } = await identityPool.update(failed.id, failed.state, inputsOf({ count: 2 }), context);
			assert.deepEqual(
				members.map(({ name }) => name),
				["web-1", "web-2"],
			);
			assert.deepEqual(await states(), ["web-1 free", "web-2 free"]);
		});

		it("is removed by a destroy", async () => {
			await identityPool.delete(failed.id, failed.state, context);
			const left = await withStore(store(), (opened) => opened.pools());
			assert.deepEqual(
				left.map(({ name }) => name),
				["first"],
			);
		});
	});
});
