/** What goes wrong in the middle of a move between two private hosts, and what is promised then. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { domain } from "../../provider/domain/lifecycle";
import { poll } from "../../provider/domain/patience";
import type { DomainInputs } from "../../provider/domain/schema";
import { setLink } from "../../tools/testhost";
import type { Full, Lab } from "./domain-lab";

/** A guest that counts, ten times a second, on its disk. */
export const TICK =
	"(n=0; while :; do n=$((n+1)); echo $n >> /root/ticks; sleep 0.1; done) < /dev/null > /dev/null 2>&1 &";

/** A guest that writes to its memory faster than a limited link takes it. It prints who does so. */
export const WRITE =
	"mkdir -p /run/w; mount -t tmpfs none /run/w; dd if=/dev/urandom of=/run/w/one bs=1M count=24 2>/dev/null; " +
	"(while :; do cat /run/w/one > /run/w/other; done) < /dev/null > /dev/null 2>&1 & echo $!";

/** A machine that is to go from one host to another. */
export interface Move {
	from: Lab;
	to: Lab;
	state: Full;
	/** As it is to be there. */
	news: DomainInputs;
	/** How long after the first of its memory was sent the fault comes. */
	moreMs: number;
}

export interface MoveFault {
	/** "the migration is aborted" */
	what: string;
	/** @param middle resolves in the middle of the move */
	strike(move: Move, middle: () => Promise<void>): Promise<unknown>;
	/** What the run says, beside that the machine was not moved and runs on. */
	says: RegExp;
	/** What is done before the next run. */
	mend?(move: Move): Promise<unknown>;
}

/** What its memory is sent with, so that there is a middle. */
const SLOW_MIBPS = 4;

export const MOVE_FAULTS: MoveFault[] = [
	{
		what: "the migration is aborted",
		async strike({ from, state }, middle) {
			await middle();
			await from.machine.virsh("domjobabort", state.uuid);
		},
		// As libvirt or QEMU is the first to notice.
		says: /abort|cancel|write to socket/,
	},
	{
		what: "QEMU there is killed",
		async strike({ to, state }, middle) {
			await middle();
			const file = join(to.machine.directory, "run/libvirt/qemu", `${state.name}.pid`);
			process.kill(Number(readFileSync(file, "utf8")), "SIGKILL");
		},
		says: /./,
	},
	{
		what: "libvirtd there is killed",
		async strike({ to }, middle) {
			await middle();
			await killAndStartLibvirtd(to);
		},
		says: /./,
	},
	{
		what: "libvirtd here is killed",
		async strike({ from }, middle) {
			await middle();
			await killAndStartLibvirtd(from);
		},
		says: /./,
	},
	{
		what: "the hosts lose sight of each other",
		async strike({ from, to }, middle) {
			await middle();
			await setLink(from.machine, to.machine, "down");
		},
		says: /nothing of it has come through to the other host for 15 s/,
		mend: ({ from, to }) => setLink(from.machine, to.machine, "up"),
	},
];

async function killAndStartLibvirtd({ machine }: Lab): Promise<void> {
	await machine.killLibvirtd();
	await sleep(500);
	await machine.startLibvirtd();
}

export function faultOf(what: string): MoveFault {
	return MOVE_FAULTS.find((fault) => fault.what === what) ?? assert.fail(what);
}

/** Runs a move into a fault; the machine then runs where it was, and nothing of it is on the other host. */
export async function movesInto(fault: MoveFault, move: Move): Promise<void> {
	const { from, to, state, news, moreMs } = move;
	const slow = { ...news, migration: { ...news.migration, bandwidthMiBps: SLOW_MIBPS } };
	const run = domain.update(state.uuid, state, slow, to.context);
	const said = assert.rejects(run, (error: Error) => {
		assert.match(error.message, new RegExp(`^${state.name} was not moved: .*\nIt runs on on \\S+ as before`, "s"));
		assert.match(error.message, fault.says);
		return true;
	});
	const middle = async () => {
		const job = () => from.host.domains.job(state.uuid).then((found) => (found?.memory.pass ? found : undefined));
		assert.ok(await poll(60, job, { firstMs: 20, slowestMs: 20 }), "no memory is sent");
		await sleep(moreMs);
	};
	await Promise.all([said, fault.strike(move, middle)]);
	assert.equal((await from.host.domains.find(state.uuid))?.state, "running");
	assert.equal(await to.host.domains.find(state.uuid), undefined);
	await fault.mend?.(move);
}

/** Where the host is busy, an emulated guest may take longer than libvirt waits for its agent. */
export async function awaitAgent(lab: Lab, uuid: string): Promise<void> {
	const agent = async () => (await lab.host.domains.agent(uuid, "guest-ping").catch(() => undefined)) && true;
	if (await poll(60, agent)) return;
	const { name } = (await lab.host.domains.find(uuid))!;
	assert.fail(`the guest's agent does not answer${await lab.lastWords(name)}`);
}

/** @returns how far it has counted: on its disk, from the same boot, and without a number that is missing */
export async function assertTicks(lab: Lab, uuid: string, bootId: string): Promise<number> {
	await awaitAgent(lab, uuid);
	const ticks = (await lab.sh(uuid, "sync; cat /root/ticks")).split("\n").map(Number);
	assert.deepEqual(
		ticks,
		ticks.map((_, index) => index + 1),
	);
	assert.equal(await lab.sh(uuid, "cat /proc/sys/kernel/random/boot_id"), bootId);
	return ticks.length;
}
