import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

/**
 * A way into the network of a world: a port of 127.0.0.1 outside, a socket file, and a process inside that connects to
 * the port there. Socket files do not belong to a network.
 */
export class Relay {
	/** Everything that clients have sent, byte by byte a character. */
	heard = "";

	private readonly sockets = new Set<Socket>();
	private alarm: { bytes: number; ring: () => void; isCut: boolean } | undefined;
	private answers = Number.POSITIVE_INFINITY;

	private constructor(
		private readonly server: Server,
		private readonly inside: ChildProcess,
	) {}

	/** @param prefix of commands that run inside @param pid of a process inside */
	static async to(prefix: string[], pid: number, port: number): Promise<Relay> {
		const file = `/run/relay-${port}-${Math.random().toString(36).slice(2)}`;
		const [command = "", ...args] = [...prefix, process.execPath, join(__dirname, "forward.js"), file, String(port)];
		const inside = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
		await new Promise<void>((resolve, reject) => {
			inside.stdout!.once("data", () => resolve());
			inside.once("exit", () => reject(new Error(`the relay to port ${port} did not start`)));
		});
		inside.unref();
		for (const stream of [inside.stdin, inside.stdout]) (stream as unknown as { unref(): void }).unref();
		const server = createServer().unref();
		const relay = new Relay(server, inside);
		server.on("connection", (outside) => relay.join(outside, connect(`/proc/${pid}/root${file}`)));
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		return relay;
	}

	/** The port of 127.0.0.1. */
	get port(): number {
		return (this.server.address() as AddressInfo).port;
	}

	/** How many connections are open. */
	get connections(): number {
		return this.sockets.size / 2;
	}

	/** Does something as soon as clients have sent so many more bytes. */
	whenSent(bytes: number, ring: () => void): void {
		this.alarm = { bytes, ring, isCut: false };
	}

	/** Ends all connections as soon as clients have sent so many more bytes, of which the last are not passed on. */
	cutAfterBytes(bytes: number, then: () => void = () => {}): void {
		this.alarm = { bytes, ring: then, isCut: true };
	}

	/** Ends all connections instead of passing on the last of so many pieces that the server sends. */
	cutAfterAnswers(count: number): void {
		this.answers = count;
	}

	/** Ends all connections; new ones are possible. */
	cut(): void {
		for (const socket of this.sockets) socket.destroy();
	}

	close(): void {
		this.server.close();
		this.cut();
		this.inside.stdin?.end();
	}

	private join(outside: Socket, inside: Socket): void {
		for (const [socket, other] of [
			[outside, inside],
			[inside, outside],
		] as const) {
			this.sockets.add(socket);
			socket.on("error", () => {});
			socket.on("close", () => {
				this.sockets.delete(socket);
				other.destroy();
			});
		}
		outside.on("data", (chunk) => {
			this.heard += chunk.toString("latin1");
			if (this.alarm && chunk.length >= this.alarm.bytes) {
				const { ring, isCut } = this.alarm;
				this.alarm = undefined;
				if (isCut) this.cut();
				ring();
				if (isCut) return;
			}
			if (this.alarm) this.alarm.bytes -= chunk.length;
			inside.write(chunk);
		});
		inside.on("data", (chunk) => {
			if (--this.answers > 0) outside.write(chunk);
			else {
				this.answers = Number.POSITIVE_INFINITY;
				this.cut();
			}
		});
	}
}
