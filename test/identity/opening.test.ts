import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { openPostgresStore } from "../../provider/identity/store/postgres";
import type { PostgresOptions } from "../../provider/identity/store/postgres-options";
import { openSqliteStore } from "../../provider/identity/store/sqlite";
import { openSqlite } from "../../provider/identity/store/sqlite-library";
import { PostgresServer } from "../../tools/postgres/server";

const run = promisify(execFile);

describe("opening a store of identities", () => {
	let folder: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "clones-opening-"));
	});
	after(() => rm(folder, { recursive: true, force: true }));

	describe("in a file", () => {
		it("makes it for this user alone, with its folder", async () => {
			const path = join(folder, "deep/er/identities.db");
			const store = await openSqliteStore({ path });
			await store.ensurePool("web");
			for (const name of ["", "-wal", "-shm"]) assert.equal((await stat(path + name)).mode & 0o777, 0o600);
			assert.equal((await stat(join(path, ".."))).mode & 0o777, 0o700);
			await store.close();
		});

		it("refuses what is no such file, and says which", async () => {
			await assert.rejects(
				openSqliteStore({ path: "identities.db" }),
				/^InputError: got "identities.db"; allowed is an absolute path/,
			);
			await writeFile(join(folder, "text"), "this is no database, but text that goes on for a while\n".repeat(40));
			await assert.rejects(
				openSqliteStore({ path: join(folder, "text") }),
				/^StoreError: identity store \S+text: file is not a database/,
			);
			await mkdir(join(folder, "folder"));
			await assert.rejects(
				openSqliteStore({ path: join(folder, "folder") }),
				/^StoreError: identity store \S+folder cannot be opened/,
			);
			await assert.rejects(
				openSqliteStore({ path: join(folder, "text/a.db") }),
				/^StoreError: identity store \S+ cannot be opened: .*Allowed is a file/,
			);
		});

		it("refuses one that a later version has written", async () => {
			const path = join(folder, "later.db");
			await (await openSqliteStore({ path })).close();
			const file = openSqlite(path);
			file.exec("UPDATE clones_schema SET version = 99");
			file.close();
			await assert.rejects(
				openSqliteStore({ path }),
				/is of version 99, which a later version of this package has written; this one knows/,
			);
		});

		it("waits for one that is locked, and gives up with advice", async () => {
			const path = join(folder, "locked.db");
			const store = await openSqliteStore({ path, patienceSeconds: 0.5 });
			const file = openSqlite(path);
			file.exec("BEGIN IMMEDIATE");
			await assert.rejects(
				store.ensurePool("a"),
				/^StoreUnavailableError: .*locked\.db has been locked by another process for 0\.5 s: see who/,
			);
			const patient = await openSqliteStore({ path, patienceSeconds: 20 });
			const waiting = patient.ensurePool("b");
			file.exec("ROLLBACK");
			file.close();
			assert.equal((await waiting).name, "b");
			await Promise.all([store.close(), patient.close()]);
		});
	});

	it("says how to get a library that is missing", async () => {
		// A copy that finds no packages above it.
		await run("cp", ["-r", join(__dirname, "../../provider"), join(folder, "provider")]);
		const script = `
			const { openPostgresStore } = require("./provider/identity/store/postgres");
			const { openSqliteStore } = require("./provider/identity/store/sqlite");
			Promise.allSettled([
				openPostgresStore({ host: "/nowhere", database: "a", user: "b" }),
				openSqliteStore({ path: ${JSON.stringify(join(folder, "none.db"))}, libraries: ["better-sqlite3"] }),
			]).then((all) => all.forEach(({ reason }) => console.log(reason.name, reason.message)));`;
		const { stdout } = await run(process.execPath, ["-e", script], { cwd: folder });
		const [pg, sqlite] = stdout.trim().split("\n");
		assert.match(
			pg!,
			/^LibraryMissingError A PostgreSQL identity store needs the npm package pg, .*Cannot find module 'pg'.*run "npm install pg"/,
		);
		assert.match(
			sqlite!,
			/^LibraryMissingError A SQLite identity store needs the npm package better-sqlite3, .*npm install better-sqlite3/,
		);
	});

	describe("in PostgreSQL", () => {
		let server: PostgresServer;
		let options: PostgresOptions;
		let certificate: string;
		const password = "of the server, 1";

		before(async () => {
			await makeCertificate(folder);
			certificate = await readFile(join(folder, "certificate"), "utf8");
			server = await PostgresServer.start({
				tls: { certificate, key: await readFile(join(folder, "key"), "utf8"), password },
			});
			const { database, user, port } = server.connection;
			options = { host: "localhost", port, database, user, password, tls: { ca: certificate }, patienceSeconds: 1 };
		});
		after(() => server?.stop());

		it("knows the server by its certificate", async () => {
			const store = await openPostgresStore(options);
			await store.ensurePool("web");
			assert.equal(await server.sql("SELECT count(*) FROM pg_stat_ssl WHERE ssl"), "1");
			assert.equal(store.where, `postgres on localhost:${server.connection.port}`);
			await store.close();
		});

		it("refuses a server that is not the one, or does not let it in, at once and without the password", async () => {
			const causes: Array<[Partial<PostgresOptions>, RegExp]> = [
				[{ tls: undefined }, /^StoreError: identity store postgres on localhost:\d+: self-signed certificate/],
				[{ tls: { ca: certificate, serverName: "other.example.com" } }, /does not match certificate's altnames/],
				[{ tls: false }, /^StoreError: .*no pg_hba\.conf entry/],
				[{ password: "another" }, /^StoreError: .*password authentication failed for user "clones"/],
				[{ password: undefined }, /^StoreError: .*password/],
				[{ database: "nowhere" }, /^StoreError: .*database "nowhere" does not exist/],
			];
			for (const [more, message] of causes) {
				await assert.rejects(openPostgresStore({ ...options, ...more, patienceSeconds: 60 }), (error: Error) => {
					assert.match(String(error), message);
					assert.ok(!String(error).includes(password));
					return true;
				});
			}
		});

		it("says that there is no server", async () => {
			await assert.rejects(
				openPostgresStore({ ...options, port: 1 }),
				/^StoreUnavailableError: identity store postgres on localhost:1 cannot be reached for 1 s: .*ECONNREFUSED.*See that the server runs/,
			);
		});

		it("refuses arguments that cannot be right before it connects", async () => {
			const causes: Array<[Partial<PostgresOptions>, RegExp]> = [
				[{ host: "" }, /^InputError: got ""; allowed is the host of the server/],
				[
					{ host: "postgres://a@b/c" },
					/^InputError: got "postgres:.*port, database and user are arguments of their own/,
				],
				[{ port: 70_000 }, /^InputError: got 70000; allowed is a whole number from 1 to 65535/],
				[{ host: "/run/postgresql" }, /^InputError: got it with the Unix socket \/run\/postgresql, which has no TLS/],
				[{ tls: { key: "k" } }, /^InputError: is missing; tls\.key is given/],
				[{ user: " " }, /^InputError: got ""; allowed is the user/],
			];
			for (const [more, message] of causes) await assert.rejects(openPostgresStore({ ...options, ...more }), message);
		});
	});
});

async function makeCertificate(folder: string): Promise<void> {
	const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
	const how = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
	await run("openssl", [...how, ...names, "-keyout", "key", "-out", "certificate"], { cwd: folder });
	await chmod(join(folder, "key"), 0o600);
}
