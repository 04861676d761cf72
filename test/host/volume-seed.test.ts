import * as assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { guestExec } from "../../provider/domain/agent";
import { imageInfo, temporaryFiles, VolumeLab } from "./volume-lab";

describe("cloud-init seeds", () => {
	const temporary = temporaryFiles();
	let lab: VolumeLab;
	before(async () => {
		lab = await VolumeLab.start({ network: true });
		await lab.pool("pool");
	});
	after(() => lab?.stop());

	const secret = "hunter2-" + "x".repeat(40);
	const cloudInit = {
		hostname: "seeded",
		userData: "#cloud-config\nusers: [default]\n",
		networkConfig: "version: 2\n",
		files: [{ path: "/etc/secret", content: `password=${secret}\nÄ\u0007`, mode: "600" }],
	};

	it("read right in a guest, with their names as they are", async () => {
		const image = await lab.bootFiles();
		const gold = await lab.volume("gold.qcow2", { source: { file: image.disk } });
		const root = await lab.volume("root.qcow2", { base: gold.key });
		const seed = await lab.volume("seed.img", { source: { cloudInit }, format: "raw" });
		const guest = await lab.domain("seeded", {
			disks: [{ volume: root.key }, { volume: seed.key, device: "cdrom", bus: "scsi", format: "raw" }],
			waitFor: { agent: true, timeoutSeconds: 60 },
		});
		const sh = (script: string) => guestExec(lab.host, guest.uuid, "/bin/sh", ["-c", script]);
		for (let i = 0; i < 50 && !(await sh("test -e /run/booted && echo yes || true")).includes("yes"); i++)
			await sleep(200);
		assert.equal((await sh("hostname")).trim(), "seeded");
		await sh("mkdir -p /mnt && mount -t iso9660 -o ro /dev/sr0 /mnt");
		assert.equal((await sh("ls /mnt")).trim(), "meta-data\nnetwork-config\nuser-data");
		assert.match(await sh("cat /mnt/meta-data"), /^instance-id: "i-[0-9a-f]{17}"\nlocal-hostname: "seeded"\n$/);
		assert.equal(await sh("cat /mnt/network-config"), cloudInit.networkConfig);
		const userData = await sh("cat /mnt/user-data");
		assert.match(userData, /^Content-Type: multipart\/mixed; boundary=/);
		const parts = userData
			.match(/(?<=\n\n)[A-Za-z0-9+/=\n]+(?=\n--)/g)!
			.map((text) => Buffer.from(text, "base64").toString());
		assert.equal(parts[0], cloudInit.userData);
		const [file] = JSON.parse(parts[1]!.slice("#cloud-config\n".length)).write_files;
		assert.deepEqual(
			[file.path, file.permissions, Buffer.from(file.content, "base64").toString()],
			["/etc/secret", "0600", cloudInit.files[0]!.content],
		);
		await sh("umount /mnt && mount -t iso9660 -o ro,norock /dev/sr0 /mnt");
		assert.equal((await sh("ls /mnt")).trim(), "meta-data\nnetwork-config\nuser-data", "by Joliet");
		await sh("umount /mnt && mount -t iso9660 -o ro,norock,nojoliet /dev/sr0 /mnt");
		assert.equal((await sh("ls /mnt")).trim(), "file0001\nfile0002\nfile0003", "plain ISO 9660");
		await lab.deleteDomain(guest);
	});

	it("are the same wherever they are made, private, and show no secret", async () => {
		await lab.farPool("far");
		const near = await lab.volume("twin.img", { source: { cloudInit }, format: "raw" });
		const far = await lab.volume("twin.img", { pool: "far", source: { cloudInit }, format: "raw" });
		assert.deepEqual([near.contentId, near.capacityBytes, near.made], [far.contentId, far.capacityBytes, "upload"]);
		assert.equal((await stat(near.path)).mode & 0o777, 0o600);
		const { stdout } = await lab.machine.exec("sha256sum", [near.path, far.path]);
		assert.deepEqual(
			stdout
				.trim()
				.split("\n")
				.map((line) => `sha256:${line.split(" ")[0]}`),
			[near.contentId, far.contentId],
		);
		assert.deepEqual(await lab.read(near), near);
		assert.deepEqual(await lab.read(far), far);
		assert.equal((await imageInfo(near.path)).format, "raw");
		assert.ok((await readFile(near.path)).length < 100_000);
		assert.deepEqual(await temporary(), []);

		await lab.newProcess();
		const other = { ...cloudInit, hostname: "another" };
		const refusal = await lab
			.volume("twin.img", { source: { cloudInit: other }, format: "raw" })
			.catch((error) => error.message);
		assert.match(refusal, /"twin\.img" exists already/);
		await assert.rejects(
			lab.volume("bad.img", { source: { cloudInit: { ...cloudInit, nonsense: secret } }, format: "raw" }),
			(error: Error) => {
				assert.match(error.message, /nonsense/);
				return true;
			},
		);
		assert.doesNotMatch(`${refusal}${lab.logged.join()}`, new RegExp(secret));
	});
});
