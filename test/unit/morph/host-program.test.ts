import assert from "node:assert/strict";
import { hostCommand, runOnHost } from "../../../provider/morph/host-program";

const HERE = "qemu:///system";

describe("programs on the host", () => {
	it("are run here, or by ssh where libvirt is reached by that", () => {
		const words = ["drain", "it's me"];
		assert.deepEqual(hostCommand(HERE, words), words);
		assert.deepEqual(hostCommand("qemu+unix:///system?socket=/run/s", words), words);
		const ssh = (uri: string) => hostCommand(uri, words)?.slice(3);
		assert.deepEqual(hostCommand("qemu+ssh://far/system", words)?.slice(0, 3), ["ssh", "-o", "BatchMode=yes"]);
		const line = "'drain' 'it'\\''s me'";
		assert.deepEqual(ssh("qemu+ssh://far/system"), ["--", "far", line]);
		const all = ssh("qemu+ssh://admin@far.example:2222/system?keyfile=/root/.ssh/id&no_tty=1");
		assert.deepEqual(all, ["-l", "admin", "-p", "2222", "-i", "/root/.ssh/id", "--", "far.example", line]);
		assert.deepEqual(ssh("qemu+ssh://root@[fd00::1]/system"), ["-l", "root", "--", "fd00::1", line]);
	});

	it("are not run where nothing but libvirt reaches it", async () => {
		for (const uri of ["qemu+tls://far/system", "qemu+tcp://far/system"]) {
			assert.equal(hostCommand(uri, ["drain"]), undefined);
			await assert.rejects(
				runOnHost(uri, ["drain"], 1),
				/^Error: programs cannot be run on .*: allowed is a host that/,
			);
		}
	});

	it("say how they ended, and what they said", async () => {
		assert.deepEqual(await runOnHost(HERE, ["/bin/echo", "two words"], 10), {
			succeeded: true,
			how: "with exit code 0",
			said: "two words",
		});
		const failed = await runOnHost(HERE, ["/bin/sh", "-c", "cat; echo no >&2; exit 3"], 10);
		assert.deepEqual(failed, { succeeded: false, how: "with exit code 3", said: "no" });
		const killed = await runOnHost(HERE, ["/bin/sh", "-c", "kill -TERM $$"], 10);
		assert.deepEqual([killed?.succeeded, killed?.how], [false, "by signal SIGTERM"]);
		const missing = await runOnHost(HERE, ["/no/such/program"], 10);
		assert.deepEqual([missing?.succeeded, missing?.how], [false, "with exit code 127"]);
		assert.match(missing!.said, /ENOENT/);
	});

	it("are ended when their time is over", async () => {
		assert.equal(await runOnHost(HERE, ["/bin/sleep", "60"], 0.2), undefined);
	});
});
