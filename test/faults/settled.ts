/** What has to be so after every fault, once the next run is over. */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { leftOn } from "../e2e/hosts";
import type { Stand } from "./stand";

/** What is recorded is there, once; what is there is recorded; and nothing else is to be done. */
export async function assertSettled(stand: Stand): Promise<void> {
	const { project, host, poolPath, wanted } = stand;
	const { deployment } = await project.state();
	const resources = deployment.resources ?? [];
	assert.equal(new Set(resources.map(({ urn }) => urn)).size, resources.length, "a resource is recorded twice");
	const recorded = (kind: string) =>
		resources
			.filter(({ type, id }) => type.endsWith(`clones:${kind}`) && id)
			.map(({ id }) => id!)
			.sort();

	assert.deepEqual(recorded("Domain"), await uuids(stand, "list", "--all"));
	assert.equal(recorded("Domain").length, wanted.web + wanted.kept);
	assert.deepEqual(recorded("StoragePool"), await uuids(stand, "pool-list", "--all"));
	const files = (await host.exec("ls", ["-A", poolPath])).stdout.split("\n").filter(Boolean);
	assert.deepEqual(
		files.filter((name) => name.startsWith(".")),
		[],
		"temporary files are left",
	);
	assert.deepEqual(
		recorded("Volume"),
		files.map((name) => join(poolPath, name)).filter((path) => !isFormerGold(path, recorded("Volume"))),
	);
	await assertNothingTwice(stand);
	await assertIdle(stand);
	await project.preview(["--expect-no-changes"]);
}

/** A gold image that only machines need which were to stay on it: said when it was replaced. */
function isFormerGold(path: string, recorded: string[]): boolean {
	return /\/gold-[0-9a-f]{8}-[0-9a-f]{8}\.qcow2$/.test(path) && !recorded.includes(path);
}

async function uuids({ host }: Stand, ...list: string[]): Promise<string[]> {
	return (await host.virsh(...list, "--uuid"))
		.split("\n")
		.map((line) => line.trim())
		.filter(Boolean)
		.sort();
}

async function assertNothingTwice(stand: Stand): Promise<void> {
	const found: string[] = [];
	for (const uuid of await uuids(stand, "list", "--all")) {
		const xml = await stand.host.virsh("dumpxml", uuid, "--inactive");
		const own = [/<name>(.*?)<\/name>/, /<mac address='(.*?)'/g, /<source file='(.*?)'/g];
		found.push(...own.flatMap((pattern) => [...xml.matchAll(new RegExp(pattern, "g"))].map(([, value]) => value!)));
	}
	assert.deepEqual(found, [...new Set(found)], "two machines have something in common");
}

/** libvirt answers at once, about the pool as well, and works on nothing. */
async function assertIdle(stand: Stand): Promise<void> {
	const { host, wanted } = stand;
	const running = (await host.virsh("list", "--name")).split("\n").filter(Boolean);
	assert.equal(running.length, wanted.running ? wanted.web + wanted.kept : 0);
	for (const name of running) assert.match(await host.virsh("domjobinfo", name), /None/);
	const pools = (await host.virsh("pool-list", "--name"))
		.split("\n")
		.map((name) => name.trim())
		.filter(Boolean);
	for (const name of pools) await host.exec("timeout", ["10", "virsh", "pool-refresh", name]);
}

/**
 * After a destroy nothing is left but what was said to be: a former gold image, which stayed for machines that were kept
 * on it, and with it the pool where the guard had to remove that. They are removed as the guide says, by hand.
 */
export async function assertDestroyed(stand: Stand, said: string): Promise<void> {
	const left = await leftOn(stand);
	const golds = left.filter((name) => /^gold-[0-9a-f]{8}-[0-9a-f]{8}\.qcow2$/.test(name));
	for (const gold of golds) {
		assert.match(said, new RegExp(`left in place: volume \\S*${gold}: an image that no state knows`));
		await rm(join(stand.poolPath, gold));
	}
	const others = left.filter((name) => !golds.includes(name));
	if (golds.length === 0 || others.length === 0) return assert.deepEqual(others, []);
	assert.deepEqual(others, ["images"]);
	await stand.host.virsh("pool-destroy", "images");
	await stand.host.virsh("pool-undefine", "images");
}
