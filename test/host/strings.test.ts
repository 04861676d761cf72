import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { guestExec } from "../../provider/domain/agent";
import { network } from "../../provider/network/lifecycle";
import { cloudInitSeed } from "../../provider/volume/cloud-init";
import { checked, run, VolumeLab, wire } from "./volume-lab";

/** Allowed, and with a meaning to XML, shells, format strings and whoever reads from right to left. */
const NASTY = `a, 'b' "c" <d/> &amp; ]]> $(touch /pwned) \`id\` ;|& %s \${HOME} -rf \\ é e\u0301 🙂 \u202eb`;
const CONTENT = `\u0000\u0001\r\n${NASTY}\n\ufeff\uffff\n--help\n`;

describe("strings that change nothing on a host and in a guest", () => {
	let lab: VolumeLab;
	before(async () => {
		lab = await VolumeLab.start({ network: true });
	});
	after(() => lab?.stop());

	it("arrive as folders, descriptions, kernel arguments, addresses and files", async () => {
		const folder = lab.path(NASTY.replaceAll("/", "_"));
		await mkdir(folder);
		await lab.pool("pool", { path: folder });
		const image = await lab.bootFiles();
		const gold = await lab.volume("gold.qcow2", { source: { file: image.disk } });
		const disk = await lab.volume("disk.qcow2", { base: gold.key });
		const seed = {
			hostname: "h",
			userData: CONTENT,
			networkConfig: NASTY,
			files: [{ path: `/${NASTY}`, content: CONTENT }],
		};
		const iso = await lab.volume("seed.iso", { format: "raw", source: { cloudInit: seed } });
		const lan = await checked(network, {
			uri: lab.machine.uri,
			ownerId: `org/project/stack/${NASTY}`,
			name: "lan",
			mode: "isolated",
			ipv4: "192.168.99.1/24",
			dnsDomain: "xn--80ak6aa92e.example",
		});
		const made = wire((await network.create(lan, lab.context)).state);
		const paths = [`/tmp/${NASTY.replaceAll("/", "_")}`, "/tmp/--help", "/tmp/.. /y"];
		const guest = await lab.domain("guest", {
			description: NASTY,
			disks: [
				{ volume: disk.key, serial: "--serial.-_" },
				{ volume: iso.key, format: "raw", readOnly: true },
			],
			nics: [{ network: "lan" }],
			boot: {
				kernel: lab.path("kernel"),
				initrd: lab.path("initrd"),
				cmdline: `${image.cmdline} nasty='<&>$(x)\`y\`;|%s,,é'`,
			},
			consoleLog: join(lab.machine.directory, "console <&> 'x' $(y).log"),
			guestSetup: { hostname: "h.example", files: paths.map((path) => ({ path, content: CONTENT, mode: "0640" })) },
		});

		const xml = await lab.host.domains.xml(guest.uuid, { inactive: true });
		const description = await lab.machine.exec("virsh", ["desc", "guest"]);
		assert.equal(description.stdout.trim(), NASTY);
		assert.doesNotMatch(xml, /<d\/>/);
		assert.equal(wire((await network.read(made.uuid, made, lab.context))!).ownerId, made.ownerId);
		assert.deepEqual(await lab.read(disk), disk);
		assert.deepEqual((await readdir(folder)).sort(), ["disk.qcow2", "gold.qcow2", "seed.iso"]);
		const ownerId = "org/project/stack/seed.iso";
		const { hostname, userData, networkConfig } = seed;
		const files = seed.files.map((file) => ({ ...file, mode: "0644", encoding: "text" as const }));
		const expected = cloudInitSeed({ hostname, userData, networkConfig, files }, ownerId);
		assert.ok((await readFile(iso.path)).equals(expected));
		const { stdout } = await run("qemu-img", ["info", "--output=json", "-U", disk.path]);
		assert.equal(JSON.parse(stdout)["backing-filename"], gold.path);

		const sh = (script: string, ...args: string[]) =>
			guestExec(lab.host, guest.uuid, "/bin/sh", ["-c", script, "sh", ...args]);
		for (const path of paths) {
			assert.equal((await sh('stat -c %a -- "$1"', path)).trim(), "640");
			assert.equal(Buffer.from(await sh('base64 "$1"', path), "base64").toString(), CONTENT);
		}
		assert.match(await sh("cat /proc/cmdline"), /nasty='<&>\$\(x\)`y`;\|%s,,é'/);
		assert.equal((await sh("ls / | grep pwned || true")).trim(), "", "nothing was run");
		await lab.deleteDomain(guest);
		await network.delete(made.uuid, made, lab.context);
	});
});
