import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { checkMember } from "../../provider/domain/member-check";
import { freshHost, TEST_DOMAIN } from "./fast";

describe("what a member of a set has to show", () => {
	const host = freshHost();
	const times = { timeoutSeconds: 2, intervalSeconds: 0.05 };
	const check = (more: object) => checkMember(host(), TEST_DOMAIN, "web-0", { ...times, ...more });
	const sh = (script: string) => ["/bin/sh", "-c", script];

	it("is a program on its host that knows which machine it is about", async () => {
		await check({ hostExec: sh(`[ "$MACHINE_UUID" = ${TEST_DOMAIN} ]`) });
		await assert.rejects(
			check({ hostExec: sh("echo no route; exit 3"), timeoutSeconds: 1, intervalSeconds: 0.4 }),
			/web-0 is not healthy after [2-3] attempts in up to 1 s .*: \/bin\/sh on the host ended with exit code 3; it said: no route/,
		);
	});

	it("is a program that ends in its time", async () => {
		await assert.rejects(check({ hostExec: sh("sleep 60"), timeoutSeconds: 1 }), /\/bin\/sh on the host has not ended/);
	});

	it("is a connection that comes about, sooner or later", async () => {
		const server = createServer((socket) => socket.destroy());
		await once(server.listen(0, "127.0.0.1"), "listening");
		const { port } = server.address() as AddressInfo;
		const connect = { port, address: "127.0.0.1" };
		await check({ connect });
		await new Promise((resolve) => server.close(resolve));
		await assert.rejects(
			check({ connect, timeoutSeconds: 0.3 }),
			/web-0 is not healthy .*127\.0\.0\.1 port \d+ cannot be connected to: .*ECONNREFUSED/,
		);
		const later = check({ connect, timeoutSeconds: 10 });
		setTimeout(() => server.listen(port, "127.0.0.1"), 300);
		await later;
		server.close();
	});
});
