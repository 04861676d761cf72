import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CloneInstance } from "../../index";
import { withStore } from "../../provider/identity/access";
import { ensureImage } from "../../tools/images";
import { type Bench, inGuest, startBench } from "./hosts";

describe("static addresses of identities", function () {
	// The first time, the image has to be built.
	this.timeout(900_000);
	let bench: Bench;
	let folder: string;
	const store = () => join(folder, "identities.sqlite");

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "static-addresses-"));
		bench = await startBench({
			program: "test/e2e/fixtures/static-addresses",
			config: { image: (await ensureImage("debian")).disk, store: store() },
		});
	});
	after(async () => {
		await bench?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	it("are set by the machine itself, where the network gives none", async () => {
		await bench.project.up();
		const { machines } = await bench.project.outputs<{ machines: CloneInstance[] }>();
		const [machine] = machines;
		const held = await withStore({ sqlite: { path: store() } }, (pool) => pool.list("static"));
		const identity = held.find(({ state }) => state === "leased")!;
		assert.deepEqual([machine!.identity, machine!.macs], [identity.name, [identity.mac]]);
		await inGuest(bench.host, machine!.name, "cloud-init status --wait >/dev/null; true");
		assert.equal(await inGuest(bench.host, machine!.name, "hostname"), identity.name);
		const addresses = await inGuest(bench.host, machine!.name, "ip -4 -o addr show scope global; ip route");
		assert.match(addresses, new RegExp(` ${identity.ips[0]}/24 `));
		assert.match(addresses, /default via 192\.168\.157\.1 /);
		// Somebody else on the network reaches it there.
		const greeting = `read -r line < /dev/tcp/${identity.ips[0]}/22; echo "$line"`;
		assert.match((await bench.host.exec("timeout", ["30", "bash", "-c", greeting])).stdout, /^SSH-/);
	});

	it("are returned with it", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		await bench.project.destroy();
		assert.deepEqual(await withStore({ sqlite: { path: store() } }, (pool) => pool.list("static")), []);
	});
});
