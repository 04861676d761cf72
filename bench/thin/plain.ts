/** Cloning without Pulumi: by a bare loop over libvirt's library, and by one over virsh. The definitions are ours. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { withDefaults } from "../../provider/domain/defaults";
import { wantedDefinition } from "../../provider/domain/definition";
import { domainSchema } from "../../provider/domain/schema";
import { volumeXml } from "../../provider/volume/xml";
import { serialize } from "../../provider/xml/element";
import { time } from "../measure";
import { type Lab, POOL } from "./lab";

const CAPACITY_BYTES = 4 * 2 ** 30;

interface Clone {
	name: string;
	volumeXml: string;
	domainXml: string;
}

/** Milliseconds of a loop that makes each overlay and defines each machine, in one process with one connection. */
export async function bareLoop(lab: Lab, count: number): Promise<number> {
	const clones = await describe(lab, count);
	const input = join(lab.directory, "..", "bare.json");
	await writeFile(input, JSON.stringify({ uri: lab.uri, pool: POOL, clones }));
	const { stdout } = await promisify(execFile)(process.execPath, [join(__dirname, "bare.js"), input]);
	await finished(lab, count);
	return Number(stdout);
}

/** The same with two commands for each clone. */
export async function virshLoop(lab: Lab, count: number): Promise<number> {
	const clones = await describe(lab, count);
	const files = clones.map(({ name }) => join(lab.directory, "..", `${name}.xml`));
	await Promise.all(clones.map(({ domainXml }, i) => writeFile(files[i]!, domainXml)));
	const backing = ["--format", "qcow2", "--backing-vol", lab.base, "--backing-vol-format", "qcow2"];
	const milliseconds = await time(async () => {
		for (const [i, { name }] of clones.entries()) {
			await lab.virsh("vol-create-as", POOL, `${name}.qcow2`, String(CAPACITY_BYTES), ...backing);
			await lab.virsh("define", files[i]!);
		}
	});
	await finished(lab, count);
	return milliseconds;
}

/** What our provider would have libvirt define. */
async function describe(lab: Lab, count: number): Promise<Clone[]> {
	return Promise.all(
		Array.from({ length: count }, async (_, i) => {
			const name = `web-${i}`;
			const inputs = withDefaults(
				domainSchema.parse({
					uri: lab.uri,
					ownerId: `organization/clones/dev/${name}`,
					name,
					type: "qemu",
					memoryMiB: 64,
					running: false,
					disks: [{ volume: join(lab.directory, `${name}.qcow2`), format: "qcow2" }],
				}),
			);
			const { root } = await wantedDefinition(inputs, lab.host, { uuid: randomUUID(), domainType: "qemu" });
			const backing = { path: lab.base, format: "qcow2" as const };
			return {
				name,
				domainXml: serialize(root),
				volumeXml: volumeXml({ name: `${name}.qcow2`, format: "qcow2", capacityBytes: CAPACITY_BYTES, backing }),
			};
		}),
	);
}

async function finished(lab: Lab, count: number): Promise<void> {
	const found = await lab.machines();
	if (found !== count) throw new Error(`the loop made ${found} machines instead of ${count}`);
	await lab.clear();
}
