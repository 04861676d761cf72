import assert from "node:assert/strict";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { connectHosts } from "../../tools/testhost";
import { type Full, Lab, wire } from "./domain-lab";
import { assertTicks, faultOf, type MoveFault, movesInto, TICK } from "./move-faults";
import { Tunnel } from "./tunnel";

const FOLDER = "/run/between";
const LIBVIRT = "/run/libvirt/libvirt-sock";

describe("a machine that moves to another host through a tunnel of sockets", function () {
	this.timeout(300_000);
	let a: Lab;
	let b: Lab;
	let tunnel: Tunnel;
	let state: Full;
	let bootId: string;
	let inputs: DomainInputs;

	before(async () => {
		[a, b] = await Promise.all([Lab.startMoving(), Lab.startMoving()]);
		await connectHosts(a.machine, b.machine);
		for (const { machine } of [a, b]) await machine.exec("install", ["-d", "-m", "1777", FOLDER]);
		inputs = await on(a);
		state = wire(await a.create(inputs));
		bootId = await a.sh(state.uuid, "cat /proc/sys/kernel/random/boot_id");
		await a.sh(state.uuid, TICK);
		tunnel = await dug();
	});
	after(async () => {
		await tunnel?.end();
		await a?.stop();
		await b?.stop();
	});

	/** From a to b, for the daemon there as well. */
	function dug(): Promise<Tunnel> {
		return Tunnel.dig(a.machine, b.machine, {
			[`${FOLDER}/libvirt.sock`]: LIBVIRT,
			[`${FOLDER}/goes.sock`]: `${FOLDER}/goes.sock`,
			[`${FOLDER}/goes.disks.sock`]: `${FOLDER}/goes.disks.sock`,
		});
	}

	function on(lab: Lab): Promise<DomainInputs> {
		const peerUri = `qemu+unix:///system?socket=${FOLDER}/libvirt.sock`;
		return lab.inputs("goes", {
			type: "qemu",
			nics: [],
			waitFor: { agent: true },
			migration: { peerUri, socketFolder: FOLDER },
		});
	}

	const TUNNEL_ENDS: MoveFault = {
		what: "the tunnel ends",
		async strike(_move, middle) {
			await middle();
			await tunnel.end();
		},
		// As libvirt or QEMU is the first to notice.
		says: /./,
		mend: async () => {
			tunnel = await dug();
		},
	};

	it("runs on as before where there is no tunnel, or where that, QEMU there or the cable ends in the middle", async () => {
		const news = await on(b);
		await tunnel.end();
		const run = domain.update(state.uuid, state, news, b.context);
		await assert.rejects(run, /^Error: goes was not moved: .*\nIt runs on on \S+ as before/s);
		tunnel = await dug();
		const faults = ["QEMU there is killed", "the hosts lose sight of each other"].map(faultOf);
		for (const fault of [TUNNEL_ENDS, ...faults]) {
			await movesInto(fault, { from: a, to: b, state, news, moreMs: 100 });
			await assertTicks(a, state.uuid, bootId);
		}
	});

	it("goes on there without a tick lost, all of it by the sockets", async () => {
		const before = await assertTicks(a, state.uuid, bootId);
		const news = await on(b);
		const settled = await domain.settle!(inputs, news, b.context);
		const planned = changes(state, settled).map(({ note }) => note);
		assert.match(
			planned.join(),
			/memory and what its 1 disk\(s\) hold are sent to unix:\/\/\/run\/between\/goes\.sock, /,
		);
		state = wire(await domain.update(state.uuid, state, news, b.context));
		assert.ok((await assertTicks(b, state.uuid, bootId)) > before);
		assert.equal(await a.host.domains.find(state.uuid), undefined);
		assert.deepEqual(wire(await b.read(state)), state);
		for (const path of ["goes.sock", "goes.disks.sock"]) {
			assert.ok((tunnel.carried(`${FOLDER}/${path}`) ?? 0) > 0, `nothing went by ${path}`);
		}
	});
});
