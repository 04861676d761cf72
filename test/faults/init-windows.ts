import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Guestfish } from "../../provider/init/inject/guestfish";
import { inject } from "../../provider/init/inject/guestfs";
import { compileParameters } from "../../provider/init/parameters";
import { makePayload } from "../../provider/init/payload";
import type { Payload } from "../../provider/init/payload-type";
import { fileSha256 } from "../../provider/volume/file-hash";
import { withLibguestfs } from "../host/inject-lab";
import { run } from "../host/volume-lab";

const SETUP = "/Windows/Setup/Scripts/SetupComplete.cmd";

/** NTFS with the folders that Windows has: whatever writes there does not know better. */
describe("scripts in a disk of Windows", function () {
	this.timeout(600_000);
	withLibguestfs();
	let folder: string;
	let gold: string;
	let disk: string;

	const options = { kvm: false, log: () => {} };
	const put = (payload: Payload, path = disk) => inject({ path, format: "qcow2" }, payload, options);

	const payloadWith = (content: string, os = "windows") =>
		makePayload({
			identifier: ["mac 0"],
			parameters: compileParameters({ name: "web-{instance}" }),
			scripts: [{ kind: "init", name: "one", content, onlyOn: { os } }],
		});

	/** Looks at the disk by itself. */
	const look = <T>(work: (guestfish: Guestfish) => Promise<T>) =>
		Guestfish.around({ path: disk, format: "qcow2" }, options, async (guestfish) => {
			await guestfish.run("mount-ro", "/dev/sda2", "/");
			return work(guestfish);
		});

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "clones-windows-"));
		gold = join(folder, "gold.qcow2");
		disk = join(folder, "disk.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", gold, "64M"]);
		await Guestfish.around({ path: gold, format: "qcow2" }, options, async (guestfish) => {
			await guestfish.run("part-init", "/dev/sda", "mbr");
			// Beside the system Windows has a partition that it starts from.
			await guestfish.run("part-add", "/dev/sda", "p", "2048", "40959");
			await guestfish.run("part-add", "/dev/sda", "p", "40960", "-64");
			for (const device of ["/dev/sda1", "/dev/sda2"]) await guestfish.run("mkfs", "ntfs", device);
			await guestfish.run("mount", "/dev/sda2", "/");
			for (const path of ["/Windows/System32", "/Windows/Setup/Scripts", "/ProgramData", "/Users"]) {
				await guestfish.run("mkdir-p", path);
			}
			await guestfish.run("write", SETUP, "@echo off\r\nexit /b 0\r\n");
		});
		await copyFile(gold, disk);
	});
	after(() => rm(folder, { recursive: true }));

	it("are written and found there, before what its own set-up runs, and only once", async () => {
		const payload = await payloadWith("#ps1\nWrite-Output one\n");
		const { changed, guest } = await put(payload);
		assert.deepEqual([changed, guest.os], [true, "windows"]);
		const [setup, script, names, version] = await look(async (guestfish) => [
			await guestfish.run("cat", SETUP),
			await guestfish.run("cat", "/ProgramData/clones-init/plan/scripts/01-one/script.ps1"),
			await guestfish.run("find", "/ProgramData/clones-init"),
			await guestfish.run("cat", "/ProgramData/clones-init/plan/version"),
		]);
		assert.equal(setup, `${payload.lines[0]!.line}\r\n@echo off\r\nexit /b 0\r\n`);
		assert.equal(script, "\uFEFF#ps1\r\nWrite-Output one\r\n");
		assert.ok(names?.split("\n").includes("/plan/tasks/boot.xml"), names);
		assert.equal(version?.trim(), payload.version);
		assert.equal((await put(payload)).changed, false);
	});

	it("are replaced as a whole by others", async () => {
		assert.equal((await put(await payloadWith("rem cmd\necho two\n"))).changed, true);
		const [names, setup] = await look(async (guestfish) => [
			await guestfish.run("find", "/ProgramData/clones-init"),
			await guestfish.run("cat", SETUP),
		]);
		assert.ok(names?.includes("01-one/script.cmd"));
		assert.doesNotMatch(names!, /script\.ps1/);
		assert.equal(setup?.match(/clones-init/g)?.length, 1);
	});

	it("are none for Linux, nor those of Windows for what is not", async () => {
		const before = await fileSha256(disk);
		await assert.rejects(
			put(await payloadWith("#!/bin/sh\n", "linux")),
			/holds Windows, and the scripts are for Linux/,
		);
		assert.equal(await fileSha256(disk), before);
		const other = join(folder, "other.qcow2");
		await run("qemu-img", ["create", "-q", "-f", "qcow2", other, "16M"]);
		await Guestfish.around({ path: other, format: "qcow2" }, options, async (guestfish) => {
			await guestfish.run("mkfs", "ext2", "/dev/sda");
			await guestfish.run("mount", "/dev/sda", "/");
			for (const path of ["/etc", "/bin"]) await guestfish.run("mkdir", path);
		});
		await assert.rejects(put(await payloadWith("#ps1\n"), other), /does not hold Windows, which the scripts are for/);
	});
});
