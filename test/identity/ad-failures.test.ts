import * as assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdDirectoryArgs } from "../../provider/identity/directory/ad";
import { identity } from "../../provider/identity/lease/lifecycle";
import { identityPool } from "../../provider/identity/pool/lifecycle";
import {
	type IdentityPoolFacts,
	type IdentityPoolInputs,
	identityPoolSchema,
} from "../../provider/identity/pool/schema";
import { type Context, IncompleteError } from "../../provider/lifecycle";
import { Authority } from "../../tools/directory/certificates";
import { adLab, owner } from "./ad-lab";

type Incomplete = IncompleteError<IdentityPoolInputs, IdentityPoolFacts>;

describe("computer accounts in Samba's Active Directory (failures)", function () {
	this.timeout(300_000);
	const lab = adLab();
	let folder: string;
	let log: string[];
	let context: Context;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "ad-failures-"));
	});
	after(() => rm(folder, { recursive: true, force: true }));
	beforeEach(() => {
		log = [];
		context = { log: (line: string) => log.push(line) } as unknown as Context;
	});

	/** Of a pool with accounts, as the engine gives them. */
	function inputsOf(name: string, count: number, changes: Partial<AdDirectoryArgs> = {}): IdentityPoolInputs {
		return identityPoolSchema.parse({
			ownerId: `organization/project/stack/${name}`,
			name,
			names: `${name}-{001}`,
			count,
			store: { sqlite: { path: join(folder, "identities.sqlite") } },
			directory: { activeDirectory: lab.settings(changes) },
		});
	}

	/** @returns what is recorded of a pool that could not be made */
	async function failing(inputs: IdentityPoolInputs, message: RegExp): Promise<Incomplete> {
		const error = await identityPool.create(inputs, context).then(
			() => assert.fail("it was made"),
			(error: Error) => error,
		);
		assert.ok(error instanceof IncompleteError, error.stack);
		assert.match(error.message, message);
		assert.ok(!error.message.includes(lab.controller.admin.password));
		return error;
	}

	const take = (access: string, machine: string, prefer: string[] = []) =>
		identity.create({ ownerId: `organization/project/stack/${machine}`, pool: access, prefer }, context);

	const accounts = async (prefix: string) =>
		(await lab.controller.search(`(sAMAccountName=${prefix}-*)`, "cn")).match(/^cn: /gm)?.length ?? 0;

	it("that are made while the controller is killed say so, and are carried on", async () => {
		await lab.using({}, async (directory) => {
			await directory.check();
			// The answer to the second request, the one that adds, is lost: the account may be there, and nobody knows its password.
			lab.controller.ldaps.cutAfterAnswers(2);
			await assert.rejects(
				directory.create({ name: "lost", owner }),
				/^DirectoryError: could not create .*The connection was lost/,
			);
			assert.match(await lab.controller.search("(cn=lost)", "cn"), /^cn: lost$/m);
			await lab.controller.kill();
			await assert.rejects(
				directory.create({ name: "lost", owner }),
				/^DirectoryError: url: .*(ECONNREFUSED|ended the connection)/,
			);
			await lab.controller.startServer();
			const { keytab } = await directory.create({ name: "lost", owner });
			await lab.controller.loginWithKeytab(keytab!, "LOST$");
		});
	});

	it("are all made, 200 of them, though the controller is killed in the middle", async () => {
		const inputs = inputsOf("many", 200);
		let killed: Promise<void> | undefined;
		// One account takes some 1,500 bytes.
		lab.controller.ldaps.cutAfterBytes(150_000, () => {
			killed = lab.controller.kill();
		});
		const failed = await failing(
			inputs,
			// As it is cut off in the middle of one request or another.
			/could not (create the account many-\d+|look at OU=\S+): .*The connection was lost.*run again|^url: /,
		);
		await killed;
		await assert.rejects(
			identityPool.update(failed.id, failed.state, inputs, context),
			/^DirectoryError: url: .*(ECONNREFUSED|ended the connection)/,
		);
		await lab.controller.startServer();
		const made = await accounts("MANY");
		assert.ok(made > 0 && made < 200, `${made} were there when it was killed`);

		const { members, access } = await identityPool.update(failed.id, failed.state, inputs, context);
		assert.equal(members.length, 200);
		assert.equal(await accounts("MANY"), 200);
		for (const name of ["many-001", "many-100", "many-200"]) {
			const { state } = await take(access, `on-${name}`, [name]);
			await lab.controller.loginWithKeytab(state.secrets.keytab!, `${name.toUpperCase()}$`);
		}
	});

	it("are made by the next run when the authority was a wrong one", async () => {
		const other = await Authority.create("Another authority");
		const failed = await failing(inputsOf("trust", 2, { ca: other.certificate }), /^ca: .*not trusted/);
		assert.equal(await accounts("TRUST"), 0);
		const state = await identityPool.update(failed.id, failed.state, inputsOf("trust", 2), context);
		assert.equal(state.members.length, 2);
		assert.equal(await accounts("TRUST"), 2);
		await identityPool.delete(failed.id, state, context);
		assert.equal(await accounts("TRUST"), 0);
	});

	it("wait for their reset while the administrator's password has expired", async () => {
		const [before, after] = ["Before-secret.1", "After-secret.2"];
		const user = "pool-admin@lab.test";
		await lab.controller.addUser("pool-admin", before, "Domain Admins");
		const { id, state } = await identityPool.create(inputsOf("aged", 1, { user, password: before }), context);
		const lease = await take(state.access, "first");
		const { keytab } = lease.state.secrets;
		await lab.controller.agePassword("pool-admin");

		await identity.delete(lease.id, lease.state, context);
		assert.match(
			log.join("\n"),
			/aged-001 has been returned, and is made ready by a later run: password: .* has expired/,
		);
		await assert.rejects(
			take(state.access, "second"),
			/^DirectoryError: password: login as pool-admin@lab\.test .* has expired/,
		);

		await lab.controller.setPassword("pool-admin", after);
		const renewed = await identityPool.update(id, state, inputsOf("aged", 1, { user, password: after }), context);
		const next = await take(renewed.access, "second");
		await lab.controller.loginWithKeytab(next.state.secrets.keytab!, "AGED-001$");
		await assert.rejects(lab.controller.loginWithKeytab(keytab!, "AGED-001$"), /reauthentication failed/);
	});
});
