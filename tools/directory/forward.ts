/** The inner half of a relay: connects what comes through a socket file to a port. usage: forward.js FILE PORT */
import { connect, createServer } from "node:net";

const [file, port] = process.argv.slice(2);

const server = createServer((from) => {
	const to = connect({ host: "10.99.0.1", port: Number(port) });
	for (const [socket, other] of [
		[from, to],
		[to, from],
	] as const) {
		socket.on("error", () => {});
		socket.on("close", () => other.destroy());
		socket.pipe(other);
	}
});
server.listen(file, () => console.log("ready"));

// The end of the process outside.
process.stdin.on("end", () => process.exit()).resume();
