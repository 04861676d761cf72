/**
 * A PostgreSQL server of one's own: in a temporary folder, as an unprivileged user, on a Unix socket in that folder;
 * with `tls` also on a port of the loopback address. It ends with the process that started it.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chown, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Only this user is let in, by its name: nobody else sees the folder. */
const USER = "clones";
const DATABASE = "postgres";
/** Names the socket's file. */
const PORT = 5432;

export interface ServerOptions {
	/** Certificate and key of the server, as PEM. Passwords are asked for on this way in. */
	tls?: { certificate: string; key: string; password: string } | undefined;
}

export class PostgresServer {
	private process: ChildProcess | undefined;

	private constructor(
		/** Of the socket: the host to connect to. */
		readonly folder: string,
		private readonly account: { uid: number; gid: number },
		private readonly programs: string,
		/** Of the loopback address. */
		readonly tlsPort: number | undefined,
	) {}

	static async start({ tls }: ServerOptions = {}): Promise<PostgresServer> {
		const folder = await mkdtemp(join(tmpdir(), "clones-postgres-"));
		try {
			const account = await unprivileged();
			await chown(folder, account.uid, account.gid);
			const server = new PostgresServer(folder, account, await programFolder(), tls && (await freePort()));
			await server.initialize(tls);
			await server.restart();
			if (tls) await server.sql(`ALTER USER ${USER} PASSWORD '${tls.password}'`);
			return server;
		} catch (error) {
			await rm(folder, { recursive: true, force: true });
			throw error;
		}
	}

	/** What to connect with. */
	get connection() {
		return { host: this.folder, port: this.tlsPort ?? PORT, database: DATABASE, user: USER };
	}

	/** kill -9 of the server; its other processes end when they notice. */
	kill(): void {
		process.kill(this.pid, "SIGKILL");
	}

	/** Starts it again after it was killed, and waits until it lets clients in. */
	async restart(): Promise<void> {
		const deadline = Date.now() + 60_000;
		let log = "";
		for (; Date.now() < deadline; await sleep(50)) {
			if (!this.runs) {
				// The shared memory of one that was killed is in use until its last process has ended.
				this.process = this.spawnServer((text) => {
					log = (log + text).slice(-2000);
				});
			}
			if (await this.isReady()) return;
		}
		throw new Error(`PostgreSQL does not start in ${this.folder}: ${log}`);
	}

	/** One statement by psql. @returns what it prints */
	async sql(statement: string): Promise<string> {
		const port = String(this.connection.port);
		const args = ["-X", "-A", "-t", "-h", this.folder, "-p", port, "-U", USER, "-d", DATABASE, "-c", statement];
		return (await run(join(this.programs, "psql"), args)).stdout.trim();
	}

	async stop(): Promise<void> {
		if (this.runs) {
			// Immediate shutdown: there is nothing to keep.
			process.kill(this.pid, "SIGQUIT");
			await once(this.process!, "exit");
		}
		await rm(this.folder, { recursive: true, force: true });
	}

	private get runs(): boolean {
		return this.process !== undefined && this.process.exitCode === null && this.process.signalCode === null;
	}

	private get pid(): number {
		return Number(readFileSync(join(this.folder, "data/postmaster.pid"), "utf8").split("\n")[0]);
	}

	private async initialize(tls: ServerOptions["tls"]): Promise<void> {
		const data = join(this.folder, "data");
		const args = ["-D", data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"];
		await run(join(this.programs, "initdb"), args, { ...this.account, cwd: this.folder });
		if (!tls) return;
		for (const [name, text] of [
			["server.crt", tls.certificate],
			["server.key", tls.key],
		] as const) {
			await writeFile(join(data, name), text, { mode: 0o600 });
			await chown(join(data, name), this.account.uid, this.account.gid);
		}
		await writeFile(join(data, "pg_hba.conf"), `local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n`);
	}

	private spawnServer(hear: (text: string) => void): ChildProcess {
		const tls = ["-c", "ssl=on", "-c", `port=${this.tlsPort}`, "-c", "listen_addresses=127.0.0.1"];
		const args = [
			...["-D", join(this.folder, "data"), "-k", this.folder],
			...["-c", "max_connections=60", "-c", "shared_buffers=16MB"],
			...(this.tlsPort === undefined ? ["-c", "listen_addresses="] : tls),
		];
		// tini shuts it down when this process is gone, however that ended.
		const command = ["-s", "-p", "SIGQUIT", "--", join(this.programs, "postgres"), ...args];
		const child = spawn("tini", command, { ...this.account, cwd: this.folder, stdio: ["ignore", "ignore", "pipe"] });
		child.stderr.on("data", (chunk: Buffer) => hear(chunk.toString()));
		return child;
	}

	private async isReady(): Promise<boolean> {
		const args = ["-q", "-h", this.folder, "-p", String(this.connection.port), "-U", USER];
		return run(join(this.programs, "pg_isready"), args).then(
			() => true,
			() => false,
		);
	}
}

/** The server refuses to run as root. */
async function unprivileged(): Promise<{ uid: number; gid: number }> {
	const own = { uid: process.getuid!(), gid: process.getgid!() };
	if (own.uid !== 0) return own;
	const number = async (what: string) => Number((await run("id", [what, "postgres"])).stdout);
	return { uid: await number("-u"), gid: await number("-g") };
}

/** Debian keeps the programs of each version in a folder of its own. */
async function programFolder(): Promise<string> {
	const versions = await readdir("/usr/lib/postgresql").catch(() => []);
	const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
	return newest === undefined ? "/usr/bin" : `/usr/lib/postgresql/${newest}/bin`;
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	server.close();
	await once(server, "close");
	return port;
}
