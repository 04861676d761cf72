/** The least that taking a free row costs: one statement in a transaction, as safe on the disk as the stores' own. */
import { openSqlite } from "../../provider/identity/store/sqlite-library";

const TABLE = "CREATE TABLE ident (id INTEGER PRIMARY KEY, state TEXT, owner TEXT, epoch INTEGER DEFAULT 0)";
const INDEX = "CREATE INDEX ident_state ON ident (state, id)";

/** @param locking what keeps two from taking the same row */
function taking(locking: string, owner: string): string {
	return `UPDATE ident SET state = 'leased', owner = ${owner}, epoch = epoch + 1
		WHERE id = (SELECT id FROM ident WHERE state = 'free' ORDER BY id ${locking} LIMIT 1) RETURNING id`;
}

export class BareSqlite {
	private readonly file;
	private readonly begin;
	private readonly taken;
	private readonly commit;

	constructor(path: string) {
		this.file = openSqlite(path);
		for (const sql of ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", TABLE, INDEX]) this.file.exec(sql);
		this.begin = this.file.prepare("BEGIN IMMEDIATE");
		this.taken = this.file.prepare(taking("", "$owner"));
		this.commit = this.file.prepare("COMMIT");
	}

	fill(count: number): void {
		const rows = Array.from({ length: count }, () => "('free')").join();
		this.file.exec(`DELETE FROM ident; INSERT INTO ident (state) VALUES ${rows}`);
	}

	take(): void {
		this.begin.all({});
		const rows = this.taken.all({ owner: "bench" });
		this.commit.all({});
		if (rows.length !== 1) throw new Error("nothing was free");
	}

	close(): void {
		this.file.close();
	}
}

interface Client {
	connect(): Promise<unknown>;
	query(query: string | { name: string; text: string; values: string[] }): Promise<{ rows: unknown[] }>;
	end(): Promise<void>;
}

export class BarePostgres {
	private constructor(private readonly client: Client) {}

	static async open(connection: object): Promise<BarePostgres> {
		const { Client } = require("pg") as { Client: new (connection: object) => Client };
		const client = new Client(connection);
		await client.connect();
		await client.query(TABLE.replace("INTEGER PRIMARY KEY", "SERIAL PRIMARY KEY"));
		await client.query(INDEX);
		return new BarePostgres(client);
	}

	async fill(count: number): Promise<void> {
		await this.client.query("TRUNCATE ident");
		await this.client.query(`INSERT INTO ident (state) SELECT 'free' FROM generate_series(1, ${count})`);
	}

	async take(): Promise<void> {
		const text = taking("FOR UPDATE SKIP LOCKED", "$1");
		const { rows } = await this.client.query({ name: "take", text, values: ["bench"] });
		if (rows.length !== 1) throw new Error("nothing was free");
	}

	close(): Promise<void> {
		return this.client.end();
	}
}
