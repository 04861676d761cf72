import assert from "node:assert/strict";
import type { InitInstance } from "../../index";
import { ensureAppliance } from "../../tools/images/appliance";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

describe("examples/server-and-clients", function () {
	this.timeout(400_000);
	let bench: Bench;

	before(async () => {
		const env = { LIBGUESTFS_PATH: await ensureAppliance() };
		bench = await startBench({ program: "examples/server-and-clients", config: { clients: "2" }, env });
	});
	after(() => bench?.stop());

	it("starts the clients once the server is done, which they find by what they computed", async () => {
		await bench.project.up();
		const { machines } = await bench.project.outputs<{ machines: InitInstance[] }>();
		assert.deepEqual(
			machines.map(({ name, parameters }) => [name, parameters.hostname]),
			[
				["cluster-server", "server"],
				["cluster-client-0", "client-1"],
				["cluster-client-1", "client-2"],
			],
		);
		for (const name of ["cluster-client-0", "cluster-client-1"]) {
			assert.equal(await inGuest(bench.host, name, "cat /etc/greeting"), "hello from server");
		}
		const upSince = async (name: string) =>
			Date.now() - Number((await inGuest(bench.host, name, "cat /proc/uptime")).split(" ")[0]) * 1000;
		assert.ok((await upSince("cluster-client-0")) > (await upSince("cluster-server")));
	});

	it("shows no change afterwards, and leaves nothing", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
	});
});
