/**
 * One end of a tunnel, in the namespaces of its host. Prints `ready` once all of it listens, and each opening that is
 * used.
 * usage: node tunnel-end.js FROM TO [FROM TO]...   each a path of a socket, or ADDRESS:PORT
 */
import { rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";

function place(given: string): { path: string } | { host: string; port: number } {
	if (given.startsWith("/")) return { path: given };
	const [host, port] = given.split(":");
	return { host: host!, port: Number(port) };
}

function carry(one: Socket, other: Socket): void {
	one.pipe(other);
	other.pipe(one);
	for (const [socket, peer] of [
		[one, other],
		[other, one],
	] as const) {
		socket.on("error", () => peer.destroy());
		socket.on("close", () => peer.destroySoon());
	}
}

async function listen(from: string, to: string): Promise<void> {
	if (from.startsWith("/")) rmSync(from, { force: true });
	const server = createServer({ allowHalfOpen: true }, (socket) => {
		console.log(from);
		carry(socket, createConnection({ ...place(to), allowHalfOpen: true }));
	});
	await new Promise<void>((resolve) => server.listen(place(from), resolve));
}

async function main([from, to, ...more]: string[]): Promise<void> {
	if (from === undefined || to === undefined) return void console.log("ready");
	await listen(from, to);
	await main(more);
}

void main(process.argv.slice(2));
