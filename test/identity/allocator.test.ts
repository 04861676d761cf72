import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Allocator, type AllocatorOptions } from "../../provider/identity/allocator";
import type { Account, Credentials, Directory } from "../../provider/identity/directory/directory";
import { NoMemberError } from "../../provider/identity/directory/membership";
import type { NewIdentity } from "../../provider/identity/identity";
import { openSqliteStore } from "../../provider/identity/store/sqlite";
import type { IdentityStore } from "../../provider/identity/store/store";
import { isGone, newWorker } from "../../provider/identity/worker";

const run = promisify(execFile);
const POOL = "web";
const named = (...names: string[]): NewIdentity[] => names.map((name) => ({ name }));

/** Accounts in memory, with what can go wrong: the logic of carrying on is what is tested here, not a protocol. */
class Accounts implements Directory {
	readonly kind = "memory";
	readonly passwords = new Map<string, string>();
	readonly calls: string[] = [];
	readonly broken = new Set<string>();
	down = false;

	async check() {
		if (this.down) throw new Error("the directory does not answer");
	}
	create = (account: Account) => this.renewed("create", account);
	reset = (account: Account) => this.renewed("reset", account);
	async remove({ name }: Account) {
		await this.called("remove", name);
		this.passwords.delete(name);
	}
	async prove({ name }: Account, { password, keyVersion }: Credentials) {
		await this.called("prove", name);
		if (this.passwords.get(name) !== password) throw new NoMemberError(`another password than that of ${name}`);
		return { directory: this.kind, account: name, keyVersion };
	}
	async close() {}

	private async renewed(what: string, { name, dnsName, owner }: Account) {
		await this.called(what, name);
		assert.deepEqual([dnsName, owner], [`${name}.example.com`, "o/p/s/web"]);
		const password = randomBytes(12).toString("hex");
		this.passwords.set(name, password);
		return { password, keyVersion: this.calls.length };
	}

	private async called(what: string, name: string) {
		this.calls.push(`${what} ${name}`);
		await this.check();
		if (this.broken.has(name)) throw new Error(`${name} is locked by a rule`);
	}
}

describe("an allocator of identities", () => {
	const key = { key: randomBytes(32).toString("base64") };
	let folder: string;
	let store: IdentityStore;
	let accounts: Accounts;
	let lines: string[];
	let allocator: Allocator;
	let number = 0;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "clones-allocator-"));
	});
	after(() => rm(folder, { recursive: true, force: true }));
	beforeEach(async () => {
		store = await openSqliteStore({ path: join(folder, `${++number}.db`) });
		accounts = new Accounts();
		lines = [];
		allocator = await open();
	});
	afterEach(() => store.close());

	function open(more: Partial<AllocatorOptions> = {}): Promise<Allocator> {
		const options = { store, directory: accounts, pool: POOL, owner: "o/p/s/web", domain: "example.com", key };
		return Allocator.open({ ...options, log: (line) => lines.push(line), patienceSeconds: 2, ...more });
	}

	const states = async () => (await store.list(POOL)).map(({ name, state }) => `${name} ${state}`);

	it("makes accounts ahead of time, and leases them with their secrets", async () => {
		await allocator.ensure(named("a", "b"));
		await allocator.ensure(named("a", "b"));
		assert.deepEqual(accounts.calls.toSorted(), ["create a", "create b"]);
		const { identity, secrets } = await allocator.allocate("one");
		assert.equal(identity.name, "a");
		assert.match(identity.machineId!, /^[0-9a-f]{32}$/);
		assert.equal(secrets.credentials.password, accounts.passwords.get("a"));
		assert.deepEqual(
			secrets.hostKeys.map(({ type }) => type),
			["ed25519", "ecdsa"],
		);
		const recorded = JSON.stringify(await store.list(POOL)) + (await store.list(POOL)).map((each) => each.secrets);
		assert.ok(!recorded.includes(secrets.credentials.password!));
		assert.ok(!recorded.includes("PRIVATE KEY"));
	});

	it("makes credentials and keys new before the next one gets the identity", async () => {
		await allocator.ensure(named("a"));
		const first = await allocator.allocate("one");
		await allocator.release("one", first.identity.epoch);
		await allocator.release("one", first.identity.epoch);
		assert.deepEqual(await states(), ["a free"]);
		const second = await allocator.allocate("two");
		assert.deepEqual(accounts.calls, ["create a", "reset a"]);
		assert.equal(second.secrets.credentials.password, accounts.passwords.get("a"));
		assert.notEqual(second.secrets.credentials.password, first.secrets.credentials.password);
		assert.notEqual(second.secrets.hostKeys[0]!.privateKey, first.secrets.hostKeys[0]!.privateKey);
		assert.equal(second.identity.machineId, first.identity.machineId);
		await assert.rejects(allocator.release("two", first.identity.epoch), /^StaleEpochError/);
	});

	it("puts one that cannot be reset into quarantine, with the reason, until somebody says otherwise", async () => {
		await allocator.ensure(named("a", "b"));
		const { identity } = await allocator.allocate("one");
		accounts.broken.add("a");
		await allocator.release("one", identity.epoch);
		const [kept] = await store.list(POOL, { states: ["quarantined"] });
		assert.equal(kept?.reason, "its credentials could not be reset: a is locked by a rule");
		assert.deepEqual(lines, [`identity a is in quarantine: ${kept.reason}`]);
		assert.equal((await allocator.allocate("two")).identity.name, "b");
		await assert.rejects(allocator.allocate("three"), /no free identity for three: 1 leased, 1 quarantined/);
		accounts.broken.clear();
		await allocator.unquarantine("a");
		assert.equal((await allocator.allocate("three")).secrets.credentials.password, accounts.passwords.get("a"));
	});

	it("leaves what a directory that is down keeps from being done, and carries on later", async () => {
		accounts.down = true;
		await assert.rejects(allocator.ensure(named("a", "b")), /^Error: the directory does not answer$/);
		assert.deepEqual(await states(), ["a creating", "b creating"]);
		accounts.down = false;
		await allocator.ensure(named("a", "b"));
		const { identity } = await allocator.allocate("one");
		await allocator.allocate("two");
		accounts.down = true;
		await allocator.release("one", identity.epoch);
		assert.deepEqual(await states(), ["a returning", "b leased"]);
		assert.match(
			lines.join(),
			/^identity a has been returned, and is made ready by a later run: the directory does not/,
		);
		await assert.rejects(allocator.allocate("three"), /the directory does not answer/);
		accounts.down = false;
		assert.equal((await allocator.allocate("three")).identity.name, "a");
	});

	it("removes identities with their accounts, but none that a machine holds", async () => {
		await allocator.ensure(named("a", "b", "c"));
		await allocator.allocate("one", { prefer: ["b"] });
		await assert.rejects(allocator.remove(["a", "b"]), /^LeasedError: .*b \(one\)/);
		accounts.broken.add("a");
		await assert.rejects(allocator.remove(["a", "c"]), /^Error: a is locked by a rule$/);
		assert.deepEqual(await states(), ["a removing", "b leased"]);
		accounts.broken.clear();
		await allocator.remove(["a", "c"]);
		assert.deepEqual([...accounts.passwords.keys()], ["b"]);
		assert.deepEqual(await states(), ["b leased"]);
	});

	it("does each piece of work once, however many are at it", async () => {
		const others = await Promise.all([1, 2, 3].map(() => open()));
		const names = Array.from({ length: 30 }, (_, index) => `n-${index}`);
		await Promise.all([allocator, ...others].map((each) => each.ensure(named(...names))));
		assert.equal(accounts.calls.length, 30);
		const leases = await Promise.all(names.map((name) => allocator.allocate(`owner of ${name}`)));
		assert.equal(new Set(leases.map(({ identity }) => identity.name)).size, 30);
		await Promise.all(names.map((name) => others[0]!.releaseHeld(`owner of ${name}`)));
		await allocator.resume();
		assert.equal((await store.count(POOL)).free, 30);
		assert.equal(accounts.calls.length, 60);
	});

	it("takes over from a process that has ended at once, and from one elsewhere when its time is over", async () => {
		await store.add(POOL, named("a", "b"));
		const script = `console.log(require(${JSON.stringify(require.resolve("../../provider/identity/worker"))}).newWorker())`;
		const ended = (await run(process.execPath, ["-e", script])).stdout.trim();
		assert.deepEqual([ended, newWorker(), "elsewhere:1:0:x"].map(isGone), [true, false, false]);
		await store.claim(POOL, { worker: ended, seconds: 600, limit: 1 });
		await store.claim(POOL, { worker: "elsewhere:1:0:x", seconds: 600, limit: 1 });
		await assert.rejects(
			allocator.ensure(named("a", "b")),
			/another process is at work on b and does not finish; run again/,
		);
		assert.deepEqual(await states(), ["a free", "b creating"]);
		await store.renew(POOL, "elsewhere:1:0:x", -1);
		await allocator.ensure(named("a", "b"));
		assert.deepEqual(await states(), ["a free", "b free"]);
	});

	it("is opened by the pool's own key only", async () => {
		await assert.rejects(
			open({ key: { key: randomBytes(32).toString("base64") } }),
			/^InputError: is not the one that pool web/,
		);
		await open();
	});
});
