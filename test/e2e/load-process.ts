/**
 * Clients of a set of web servers, with the smallest balancer there is: run by a test inside of the network of a host.
 *
 * Each client sends one request after the other on connections that it keeps, to whichever server is in rotation next.
 * What fails counts as failed: nothing is tried twice. A server is in rotation while its /health answers with 200, which is
 * asked on connections of its own; connections that nobody uses are closed when it leaves.
 *
 * Arguments: addresses. Ends with its standard input, and prints a `LoadReport`.
 */
import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface LoadReport {
	requests: number;
	/** What each request that failed said. */
	failures: string[];
	slowestMs: number;
	/** By address. */
	servers: Record<string, { requests: number; connections: number; leftRotation: number }>;
	/** How often no server was in rotation. */
	none: number;
}

const CLIENTS = 2;
const TIMEOUT_MS = 30_000;

class Server {
	readonly agent = new Agent({ keepAlive: true });
	inRotation = false;
	requests = 0;
	connections = 0;
	leftRotation = 0;

	constructor(readonly address: string) {}

	async ask(): Promise<void> {
		const { status, fresh } = await answer(this.address, "/", this.agent);
		this.requests++;
		if (fresh) this.connections++;
		if (status !== 200) throw new Error(`status ${status}`);
	}

	async look(): Promise<void> {
		const health = await answer(this.address, "/health", false).catch(() => undefined);
		const before = this.inRotation;
		this.inRotation = health?.status === 200;
		if (!before || this.inRotation) return;
		this.leftRotation++;
		for (const sockets of Object.values(this.agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
	}
}

function answer(host: string, path: string, agent: Agent | false): Promise<{ status: number; fresh: boolean }> {
	return new Promise((resolve, reject) => {
		const request = get({ host, path, agent, timeout: TIMEOUT_MS }, (response) => {
			response.once("error", reject);
			response.once("end", () => resolve({ status: response.statusCode ?? 0, fresh: !request.reusedSocket }));
			response.resume();
		});
		request.once("timeout", () => request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
		request.once("error", reject);
	});
}

async function main(addresses: string[]): Promise<void> {
	const servers = addresses.map((address) => new Server(address));
	const report: LoadReport = { requests: 0, failures: [], slowestMs: 0, servers: {}, none: 0 };
	let running = true;
	process.stdin.resume().once("end", () => {
		running = false;
	});

	const watch = async (server: Server) => {
		for (; running; await sleep(200)) await server.look();
	};
	let turn = 0;
	const client = async () => {
		while (running) {
			const ready = servers.filter(({ inRotation }) => inRotation);
			const server = ready[turn++ % ready.length];
			if (!server) {
				report.none++;
				await sleep(50);
				continue;
			}
			const began = performance.now();
			report.requests++;
			await server.ask().catch((error: Error) => {
				report.failures.push(`${server.address}: ${error.message}`);
			});
			report.slowestMs = Math.max(report.slowestMs, Math.round(performance.now() - began));
			await sleep(20);
		}
	};

	await Promise.all(servers.map((server) => server.look()));
	await Promise.all([...servers.map(watch), ...Array.from({ length: CLIENTS }, client)]);
	for (const { address, requests, connections, leftRotation } of servers) {
		report.servers[address] = { requests, connections, leftRotation };
	}
	process.stdout.write(JSON.stringify(report), () => process.exit());
}

void main(process.argv.slice(2));
