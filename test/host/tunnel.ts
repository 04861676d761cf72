/** A tunnel that carries sockets from one private host to another, over the cable between them: as a forwarding of ssh's. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestHost } from "../../tools/testhost";

const FIRST_PORT = 7000;

export class Tunnel {
	private readonly ends: ChildProcess[] = [];
	private readonly used = new Map<string, number>();

	/** @param sockets paths on `from`, each with that on `to` to which it leads */
	static async dig(from: TestHost, to: TestHost, sockets: Record<string, string>): Promise<Tunnel> {
		const tunnel = new Tunnel();
		const hops = Object.entries(sockets).map(([here, there], index) => {
			return { here, there, between: `${to.linkAddress}:${FIRST_PORT + index}` };
		});
		await tunnel.open(
			to,
			hops.flatMap(({ between, there }) => [between, there]),
		);
		await tunnel.open(
			from,
			hops.flatMap(({ here, between }) => [here, between]),
		);
		return tunnel;
	}

	/** How many connections came by a socket. */
	carried(path: string): number | undefined {
		return this.used.get(path);
	}

	async end(): Promise<void> {
		for (const end of this.ends.splice(0)) {
			if (end.exitCode !== null || end.signalCode !== null) continue;
			const ended = once(end, "exit");
			end.kill("SIGKILL");
			await ended;
		}
	}

	private async open(host: TestHost, places: string[]): Promise<void> {
		// nsenter becomes the program itself: no namespace of processes is entered.
		const inside = ["-t", String(host.holderPid), "-m", "-n", "-u", "--"];
		const program = [process.execPath, join(__dirname, "tunnel-end.js"), ...places];
		const end = spawn("nsenter", [...inside, ...program], { stdio: ["ignore", "pipe", "inherit"] });
		this.ends.push(end);
		await new Promise<void>((resolve, reject) => {
			end.once("exit", (code) => reject(new Error(`an end of the tunnel ended with ${code}`)));
			createInterface({ input: end.stdout! }).on("line", (line) => {
				if (line === "ready") resolve();
				else this.used.set(line, (this.used.get(line) ?? 0) + 1);
			});
		});
	}
}
