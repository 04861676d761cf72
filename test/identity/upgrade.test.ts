import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openSqlite } from "../../provider/identity/store/sqlite-library";
import { PLACES, type StorePlace } from "./stores";

/** As version 1 has written them: web-1 leased, web-2 free, web-3 creating. */
const WRITTEN: Record<string, string> = { "better-sqlite3": "1.sqlite.sql", PostgreSQL: "1.postgres.sql" };

for (const [kind, file] of Object.entries(WRITTEN)) {
	describe(`a store that a former version has written: ${kind}`, () => {
		let place: StorePlace;
		before(async () => {
			place = await PLACES[kind]!();
			const sql = await readFile(join(__dirname, "../../../test/identity/versions", file), "utf8");
			if (place.address.kind === "postgres") return void (await place.server!.sql(sql));
			await mkdir(dirname(place.address.path));
			const former = openSqlite(place.address.path);
			former.exec(sql);
			former.close();
		});
		after(() => place?.remove());

		it("keeps what it has, with whoever holds it, and learns what is new", async () => {
			// Two that open it at once: one of them has to wait.
			const [store, other] = await Promise.all([place.open(), place.open()]);
			await other.close();
			const owner = "organization/project/stack/web-1";
			const [held, ...others] = await store.list("web");
			assert.deepEqual(
				[held!.name, held!.state, held!.owner, held!.mac, held!.ips, held!.data, String(held!.secrets)],
				["web-1", "leased", owner, "52:54:00:00:00:01", ["10.0.0.1"], { licence: "L-1" }, "secret of web-1"],
			);
			assert.deepEqual(
				others.map(({ name, state, licenceId }) => [name, state, licenceId]),
				[
					["web-2", "free", undefined],
					["web-3", "creating", undefined],
				],
			);
			await store.add("web", [{ name: "web-4", licenceId: "L-4" }]);
			await assert.rejects(store.add("web", [{ name: "web-5", licenceId: "L-4" }]), /licence id L-4 belongs to web-4/);
			assert.equal((await store.release("web", owner, held!.epoch))!.state, "returning");
			const [claimed] = await store.claim("web", { worker: "w", seconds: 60, limit: 1 });
			assert.ok(claimed!.epoch > held!.epoch);
			await store.checkIntegrity();
			await store.close();
		});

		it("is upgraded once", async () => {
			const store = await place.open();
			assert.equal((await store.list("web")).find(({ name }) => name === "web-4")!.licenceId, "L-4");
			await store.close();
		});
	});
}
