/** Forked machines as a program wants them, and what has to be so of them once the next run is over. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ForkedChild, IdentityPoolArgs } from "../../index";
import { type Bench, inGuest } from "../e2e/hosts";

/** As the program reads it. */
export interface Wanted {
	/** Another number makes another parent. */
	parent: number;
	children: number;
	/** Where the identities are, and their accounts. */
	identities: Pick<IdentityPoolArgs, "store" | "directory">;
	/** Where the guest agent stops to answer. */
	agentStops?: "in the parent" | "in the children" | undefined;
}

export async function ask({ project }: Bench, wanted: Wanted): Promise<void> {
	await writeFile(join(project.directory, "wanted.json"), JSON.stringify(wanted));
}

/**
 * Nothing is there but what is recorded, and each machine is somebody of its own on the parent that is wanted.
 * @param mostBooted how many machines may have been turned on again from their own disk
 * @param others how many identities other stacks hold
 */
export async function assertForksSettled(
	bench: Bench,
	want: Wanted,
	{ mostBooted = 0, others = 0 } = {},
): Promise<void> {
	const { project, host } = bench;
	const { machines } = await project.outputs<{ machines: ForkedChild[] }>();
	assert.equal(machines.length, want.children);
	let booted = 0;
	for (const { name, identity, verified } of machines) {
		assert.equal(verified?.hostname, identity, name);
		await untilAgentAnswers(bench, name);
		const said = await inGuest(host, name, "hostname; cat /run/parent 2>/dev/null || echo booted");
		if (said === `${identity}\nbooted`) booted++;
		else assert.equal(said, `${identity}\n${want.parent}`);
	}
	assert.ok(booted <= mostBooted, `${booted} were booted`);
	assertAllDiffer(machines);

	await assertAllRecorded(bench);
	assert.equal((await machinesOn(bench)).length, want.children + 1);
	assert.equal((await leased(bench)).length, want.children + others);
	await project.preview(["--expect-no-changes"]);
}

/** No two have anything in common. */
export function assertAllDiffer(machines: ReadonlyArray<ForkedChild>): void {
	const values = machines.flatMap(({ verified, macs, identity, uuid }) => [
		identity!,
		uuid,
		...(verified ? [verified.random, verified.machineId, ...verified.hostKeys, ...verified.addresses] : []),
		...macs,
	]);
	assert.equal(new Set(values).size, values.length, `two have something in common: ${values}`);
}

/** Whatever is on the host is in the state. */
export async function assertAllRecorded(bench: Bench): Promise<void> {
	const { project, host, poolPath } = bench;
	const recorded = (await project.state()).deployment.resources ?? [];
	const of = (kind: string) => recorded.filter(({ type }) => type.endsWith(`clones:${kind}`));
	const points = of("ForkPoint").map(({ outputs }) => outputs);

	const uuids = [...of("Domain").map(({ id }) => id!), ...points.map(({ uuid }) => String(uuid))];
	const there = (await host.virsh("list", "--all", "--uuid")).split("\n").filter(Boolean);
	assert.deepEqual(there.sort(), uuids.sort());

	const parts = points.flatMap(({ disk, memory, devices }) => [disk, memory, devices].map(String));
	const files = (await readdir(poolPath)).map((file) => join(poolPath, file));
	assert.deepEqual(files.sort(), [...of("Volume").map(({ id }) => id!), ...parts].sort());
}

export async function machinesOn({ host }: Bench): Promise<string[]> {
	return (await host.virsh("list", "--all", "--name")).split("\n").filter(Boolean);
}

/** Lines of the identities that are held. */
async function leased({ project }: Bench): Promise<string[]> {
	const list = await project.commandLine("identities", "list", "--stack", "organization/fork-faults/dev");
	assert.equal(list.code, 0, list.stderr);
	return list.stdout.split("\n").filter((line) => / leased /.test(line));
}

async function untilAgentAnswers({ host }: Bench, name: string): Promise<void> {
	for (let tries = 0; ; tries++) {
		try {
			await host.virsh("qemu-agent-command", name, '{"execute":"guest-ping"}');
			return;
		} catch (error) {
			if (tries === 180) throw error;
			await sleep(500);
		}
	}
}
