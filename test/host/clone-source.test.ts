import assert from "node:assert/strict";
import { domain } from "../../provider/domain/lifecycle";
import { cloneSource } from "../../provider/init/source/lifecycle";
import { cloneSourceSchema } from "../../provider/init/source/schema";
import { sourceStop } from "../../provider/init/source-stop/lifecycle";
import { sourceStopSchema } from "../../provider/init/source-stop/schema";
import { connect } from "../../provider/libvirt";
import { type Full, Lab } from "./domain-lab";
import { askForPassword, readingUri } from "./sasl";
import { temporaryFiles } from "./volume-lab";

describe("the machine that clones with scripts are made of", function () {
	this.timeout(240_000);
	const temporary = temporaryFiles();
	let lab: Lab;
	let source: Full;

	const inputs = (more: object = {}, stack = "org/project/stack") =>
		cloneSourceSchema.parse({
			uri: lab.machine.uri,
			ownerId: `${stack}/web-source`,
			domain: source.uuid,
			timeoutSeconds: 30,
			...more,
		});
	const create = (more?: object, stack?: string) => cloneSource.create(inputs(more, stack), lab.context);
	const plan = (more?: object, stack?: string) => cloneSource.plan!(inputs(more, stack), lab.context);
	const state = async () => (await lab.host.domains.state(source.uuid)).state;

	before(async () => {
		lab = await Lab.start();
		const given = await lab.inputs("template", {
			running: false,
			cloneableBy: ["org/web/*", "acme/*/prod"],
			smbios: { serial: "T-1", oemStrings: ["rack=4"] },
			uuid: "0b5c2a6e-1f7d-4a2e-9c3b-5d8e7f6a1b2c",
		});
		source = (await domain.create(given, lab.context)).state;
	});
	after(() => lab?.stop());

	it("tells ids of its hardware, by which it runs nothing itself", async () => {
		const { id, state: made } = await create();
		assert.equal(id, source.uuid);
		assert.deepEqual(made.ids, [
			{ identifier: "uuid", value: "0b5c2a6e-1f7d-4a2e-9c3b-5d8e7f6a1b2c" },
			{ identifier: "mac 0", value: source.macs[0] },
			{ identifier: "serial", value: "T-1" },
		]);
		assert.deepEqual(await plan(), []);
	});

	it("has to be there", async () => {
		assert.match((await plan({ domain: "nobody" }))[0]!, /warning: domain: there is no domain nobody/);
		await assert.rejects(create({ domain: "nobody" }), /there is no domain nobody/);
	});

	it("is cloned by its own stack and by those that it names, and by no others", async () => {
		await create({}, "org/web/dev");
		await create({}, "acme/shop/prod");
		const refused =
			/acme\/shop\/dev may not clone domain template, which belongs to org\/project\/stack\/template; allowed are org\/web\/\*, acme\/\*\/prod/;
		await assert.rejects(create({}, "acme/shop/dev"), refused);
		await assert.rejects(plan({}, "acme/shop/dev"), refused);
	});

	it("lets other stacks in or out while it is there", async () => {
		const closed = { ...source, cloneableBy: [] as string[] };
		await domain.update(source.uuid, source, closed, lab.context);
		await assert.rejects(create({}, "org/web/dev"), /allowed are no other stacks/);
		await create();
		await domain.update(source.uuid, closed, { ...source, cloneableBy: undefined }, lab.context);
		await create({}, "anybody/at/all");
	});

	it("has to be off: a busy one is refused, waited for in vain, or shut down", async () => {
		await lab.host.domains.start(source.uuid);
		assert.match((await plan())[0]!, /warning: domain: domain template is running/);
		await assert.rejects(create(), /domain template is running; allowed is one that is shut off/);
		assert.match((await plan({ action: "wait" }))[0]!, /template runs: it is waited for, up to 30 s/);
		const inVain = create({ action: "wait", timeoutSeconds: 1 });
		await assert.rejects(inVain, /domain template is still running after 1 s \(whenSourceBusy\.timeoutSeconds\)/);
		assert.equal(await state(), "running");
		assert.match((await plan({ action: "shutdown" }))[0]!, /template runs: it is shut down for this/);
		await create({ action: "shutdown" });
		assert.equal(await state(), "shutoff");
	});

	it("is waited for until somebody turns it off", async () => {
		await lab.host.domains.start(source.uuid);
		const waiting = create({ action: "wait" });
		setTimeout(() => void lab.host.domains.destroy(source.uuid), 1500);
		assert.equal((await waiting).id, source.uuid);
	});

	it("goes on where it is to be copied", async () => {
		await lab.host.domains.start(source.uuid);
		assert.match((await plan({ action: "copy" }))[0]!, /template runs: its disk's own file is copied/);
		await create({ action: "copy" });
		assert.equal(await state(), "running");
	});

	it("is shut down for good once its clones are up, also where an earlier run has done that in part", async () => {
		const given = { uri: lab.machine.uri, ownerId: "org/project/stack/web-source", domain: source.uuid };
		const stop = sourceStopSchema.parse({ ...given, timeoutSeconds: 1 });
		await lab.host.domains.setAutostart(source.uuid, true);
		assert.match((await sourceStop.plan!(stop, lab.context))[0]!, /template is shut down once all clones are up/);
		const made = await sourceStop.create(stop, lab.context);
		assert.equal(await state(), "shutoff");
		assert.equal(await lab.host.domains.getAutostart(source.uuid), false);
		await sourceStop.create(stop, lab.context);
		assert.deepEqual(await sourceStop.plan!(stop, lab.context), []);
		await sourceStop.delete(made.id, made.state, lab.context);
		assert.equal(await state(), "shutoff");
	});

	it("is never changed or removed", async () => {
		const { id, state: made } = await create();
		await cloneSource.delete(id, made, lab.context);
		assert.equal(await state(), "shutoff");
		assert.equal((await cloneSource.read(id, made, lab.context))?.uuid, id);
	});

	it("is shut down with other credentials where one's own may only look at it", async () => {
		const uri = readingUri(lab.machine);
		const reader = { ...lab.context, host: connect(uri) };
		await lab.host.domains.start(source.uuid);
		const shutdown = { uri, action: "shutdown", timeoutSeconds: 1 };
		await assert.rejects(cloneSource.create(inputs(shutdown), reader), /VIR_ERR_OPERATION_DENIED/);
		const authFile = await askForPassword(lab.machine, "sesame-and-poppy");
		const elevated = (file: string) =>
			cloneSource.create(
				inputs({ ...shutdown, elevatedCredentials: { uri: lab.machine.uri, authFile: file } }),
				reader,
			);
		await assert.rejects(elevated(authFile.replace("poppy", "rye")), /authentication failed(?!.*collect)/);
		lab.logged.length = 0;
		await elevated(authFile);
		assert.equal((await reader.host.domains.state(source.uuid)).state, "shutoff");
		assert.match(lab.logged.join("\n"), /denied: .*; it is done with elevatedCredentials/);
		assert.doesNotMatch(lab.logged.join("\n"), /sesame/);
		assert.deepEqual(await temporary(), []);
		await reader.host.close();
	});
});
