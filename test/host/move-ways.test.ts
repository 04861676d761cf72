import assert from "node:assert/strict";
import { stat, utimes } from "node:fs/promises";
import { InstanceTypes, type MorphOption, morphOptions } from "../../index";
import { changes } from "../../provider/domain/changes";
import { domain } from "../../provider/domain/lifecycle";
import { poll } from "../../provider/domain/patience";
import type { DomainInputs } from "../../provider/domain/schema";
import { WaysLab } from "./move-ways-lab";
import { goesOnAfter, savedFaultOf } from "./saved-faults";

/** Writes to its memory all the time. */
const WRITE =
	"(while :; do dd if=/dev/urandom of=/dev/shm/w bs=1M count=16; done) < /dev/null > /dev/null 2>&1 & echo $!";
const SAVED = { mode: "saveRestore" };
/** Moment of the driver at which the machine is off, and in its file alone: before and after each call is one. */
const RIGHT_AFTER_SAVE = 4;
/** Its disks have been sent with it standing still, and its memory is beside them. */
const RIGHT_AFTER_DISKS = 10;
const REBOOT = { mode: "reboot", allowReboot: true };

describe("a machine that goes to another host in another way than while it runs", function () {
	this.timeout(300_000);
	let lab: WaysLab;
	before(async () => {
		lab = await WaysLab.start();
	});
	after(() => lab?.stop());

	/** What the preview says of its way. */
	async function planned(news: DomainInputs): Promise<string> {
		const settled = await domain.settle!(lab.inputs, news, lab.there.context);
		const [change] = changes(lab.state, settled);
		return `${change?.property}: ${change?.effect}: ${change?.note}`;
	}

	it("is saved, and goes on there at its next instruction", async () => {
		const before = await lab.assertGoesOn();
		const news = await lab.on(lab.there, SAVED);
		assert.match(await planned(news), /^uri: live: moves from \S+ saved, and goes on there at its next instruction: /);
		await lab.moved(news);
		assert.ok((await lab.assertGoesOn()) > before);
		assert.match(lab.at.logged.join("\n"), /it goes on there \d+ ms after it was saved/);
	});

	it("goes on where it was when its disks cannot follow its memory", async () => {
		const nowhere = { ...SAVED, peerUri: "qemu+tcp://127.0.0.1:1/system" };
		const news = await lab.on(lab.there, nowhere);
		await assert.rejects(lab.tried(lab.there, news), /^Error: goes was not moved: .*\nIt runs on on \S+ as before\.$/s);
		await lab.assertGoesOn();
	});

	it("keeps its memory where its driver was killed between the hosts, and takes it with no other disks", async () => {
		const [disk] = lab.inputs.disks;
		const news = await lab.on(lab.there, SAVED);
		assert.equal(await lab.dying({ state: lab.state, inputs: news, diesAt: RIGHT_AFTER_SAVE }), true);
		assert.deepEqual([await lab.runningOn(), (await lab.savedFiles()).length], [[], 1]);
		const { atimeMs, mtimeMs } = await stat(disk!.volume);
		const writtenNow = new Date();
		await utimes(disk!.volume, writtenNow, new Date(writtenNow.getTime() + 1000));
		await assert.rejects(lab.tried(lab.there, news), /its disks have been written to since: .* Nothing was changed/);
		await utimes(disk!.volume, new Date(atimeMs), new Date(mtimeMs));
		await lab.tried(lab.at, lab.inputs);
		await lab.assertGoesOn();
	});

	it("keeps its memory where its disks have come, and the host that it has left does not answer", async () => {
		const { uuid } = lab.state;
		const news = await lab.on(lab.there, SAVED);
		assert.equal(await lab.dying({ state: lab.state, inputs: news, diesAt: RIGHT_AFTER_DISKS }), true);
		assert.equal((await lab.there.host.domains.find(uuid))?.state, "paused");
		const files = await lab.savedFiles();
		await lab.at.machine.killLibvirtd();
		const refused = await lab.refused({ state: lab.state, inputs: news });
		assert.match(refused ?? "", /goes has come to .*, but for its memory, which was saved on .*Nothing was changed/);
		assert.deepEqual(await lab.savedFiles(), files);
		await lab.at.machine.startLibvirtd();
		await lab.moved(news);
		await lab.assertGoesOn();
	});

	it("goes on there where its driver was killed while its memory was written there", async () => {
		const before = await lab.assertGoesOn();
		await goesOnAfter(savedFaultOf("its memory is written"), lab, await lab.on(lab.there, SAVED));
		assert.ok((await lab.assertGoesOn()) > before);
	});

	it("is told to be saved where it writes faster than what is sent", async () => {
		const to = lab.there.host.uri;
		const types = new InstanceTypes({ own: await lab.size() });
		const asked = (bandwidthMiBps: number) => {
			const all = morphOptions({ machines: ["goes"], types, uri: lab.at.host.uri, to, bandwidthMiBps });
			return new Promise<MorphOption>(
				(resolve) => void all.apply((options) => resolve(options.find(({ type }) => type === "own")!)),
			);
		};
		const writer = await lab.sh(WRITE);
		const { mode, reasons } = await asked(100_000);
		assert.deepEqual({ mode, reasons }, { mode: "live", reasons: [] });
		const told = await poll(60, async () => {
			const option = await asked(1);
			return option.mode === "save-restore" ? option : undefined;
		});
		assert.match(told?.reasons[0]?.reason ?? "", /^it changes \d+ MiB\/s of its memory, and 1 are sent/);
		await lab.sh(`kill ${writer}`);
		await lab.assertGoesOn();
	});

	it("is what it was where its driver was killed before it was shut down, also when it is paused then", async () => {
		const news = await lab.on(lab.there, REBOOT);
		const runsAfter = async (diesAt: number) =>
			(await lab.dying({ state: lab.state, inputs: news, diesAt })) && (await lab.runningOn()).length === 1;
		for (let moment = 1; await runsAfter(moment); moment++) {
			await lab.at.host.domains.suspend(lab.state.uuid);
			await lab.tried(lab.at, lab.inputs);
			await lab.assertGoesOn();
		}
		await lab.tried(lab.at, lab.inputs);
		await lab.assertStartedAnew();
	});

	it("is shut down and started there, where that is allowed", async () => {
		const news = await lab.on(lab.there, REBOOT);
		assert.match(await planned(news), /^uri: restart: moves from \S+ by a restart: shut down, what its 1 disk/);
		await lab.moved(news);
		await lab.assertStartedAnew();
	});
});
