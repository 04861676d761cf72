import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { type CommonCpu, commonCpu, InstanceTypes, type MorphOption, morphOptions } from "../../index";
import { domain } from "../../provider/domain/lifecycle";
import type { DomainInputs } from "../../provider/domain/schema";
import { child, children, element, parse as parseXml, serialize, text } from "../../provider/xml/element";
import { repository } from "../../tools/pulumi/project";
import { connectHosts } from "../../tools/testhost";
import { type Full, Lab, wire } from "./domain-lab";
import { Authority, LIBVIRT_PKI } from "./pki";

const run = promisify(execFile);

/** Machines that are off: what a host takes in is the same, and nothing has to boot. */
describe("a host that machines are to go to", function () {
	this.timeout(120_000);
	let a: Lab;
	let b: Lab;
	const labs = () => [a, b].map((lab) => lab.host.uri);

	before(async () => {
		a = await Lab.start();
		b = await Lab.start();
		await connectHosts(a.machine, b.machine);
	});
	after(async () => {
		await a?.stop();
		await b?.stop();
	});

	async function inputs(lab: Lab, name: string, more: object = {}): Promise<DomainInputs> {
		const disks = [{ volume: await lab.volume(`${name}.qcow2`, { empty: true }) }];
		const migration = { peerUri: `qemu+tcp://${lab.machine.linkAddress}/system`, bandwidthMiBps: 1 };
		return lab.plain(name, { type: "qemu", running: false, memoryMiB: 128, disks, migration, ...more });
	}

	const quick = ({ migration }: DomainInputs) => ({ ...migration, bandwidthMiBps: undefined });

	it("takes one of two that come at the same time, where it has room for one", async () => {
		const moves: Array<(isQuick?: boolean) => Promise<Full>> = [];
		for (const name of ["one", "two"]) {
			const given = await inputs(a, name);
			const state = wire(await a.create(given));
			await run("qemu-io", ["-f", "qcow2", "-c", "write -P 1 0 8M", given.disks[0]!.volume]);
			const news = await inputs(b, name);
			const { bandwidthMiBps: _, ...quick } = news.migration!;
			moves.push((isQuick = false) =>
				domain.update(state.uuid, state, isQuick ? { ...news, migration: quick } : news, b.context),
			);
		}
		await b.machine.seeMemory(250);
		const results = await Promise.allSettled(moves.map((move) => move()));
		const lost = results.findIndex(({ status }) => status === "rejected");
		assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
		const { reason } = results[lost] as PromiseRejectedResult;
		assert.match(
			reason.message,
			/^(one was not moved: .* has 250 MiB of the 192 MiB that it needs, beside 128 MiB for two|two was not moved: .* for one), on the way there already\. Free/,
		);
		await b.machine.seeMemory();
		await moves[lost]!(true);
		assert.deepEqual((await b.host.domains.list()).map(({ name, state }) => `${name} ${state}`).sort(), [
			"one shutoff",
			"two shutoff",
		]);
		assert.deepEqual(await a.host.domains.list(), []);
	});

	it("takes one over TLS from whom it trusts alone, its memory and its disk as well", async () => {
		const trusted = await Authority.make(join(a.machine.directory, "trusted"));
		const strange = await Authority.make(join(a.machine.directory, "strange"));
		for (const { machine } of [a, b]) await trusted.giveTo(machine);
		const state = wire(await a.create(await inputs(a, "secret")));
		await run("qemu-io", ["-f", "qcow2", "-c", "write -P 1 0 64k", a.path("secret.qcow2")]);
		const there = await inputs(b, "secret");
		const migration = {
			peerUri: `qemu+tls://${b.machine.linkAddress}/system?pkipath=${LIBVIRT_PKI}`,
			tls: true,
		};
		await strange.giveToQemu(a.machine);
		await assert.rejects(
			domain.update(state.uuid, state, { ...there, migration }, b.context),
			/secret was not moved: .*(certificate|TLS|handshake|x509).*\nIt is off on .* as before/is,
		);
		await trusted.giveToQemu(a.machine);
		const moved = wire(await domain.update(state.uuid, state, { ...there, migration }, b.context));
		assert.equal((await b.host.domains.find(moved.uuid))?.state, "shutoff");
		await run("qemu-io", ["-r", "-f", "qcow2", "-c", "read -P 1 0 64k", b.path("secret.qcow2")]);
		await b.delete(moved);
	});

	it("has one that somebody else has brought there, which is not taken for one that is gone", async () => {
		const among = labs();
		const state = wire(await a.create(await inputs(a, "brought", { among })));
		const definition = await a.host.domains.xml(state.uuid, { inactive: true });
		await a.host.domains.undefine(state.uuid);
		await b.host.domains.define(definition.replaceAll(a.machine.poolDirectory, b.machine.poolDirectory));
		await assert.rejects(a.read(state), /brought is not on .* any more, and on .*, another host of its set/);
		const recorded = wire(await domain.update(state.uuid, state, await inputs(b, "brought", { among }), b.context));
		assert.equal((await b.read(recorded))?.uri, b.host.uri);
		await b.delete(recorded);
		assert.equal(await b.read(recorded), undefined);
	});

	it("has one that somebody else has brought back, of a program that names no other hosts", async () => {
		const first = wire(await a.create(await inputs(a, "returns")));
		const there = await inputs(b, "returns");
		const state = wire(await domain.update(first.uuid, first, { ...there, migration: quick(there) }, b.context));
		assert.deepEqual(wire(await b.read(state)), state);
		const definition = await b.host.domains.xml(state.uuid, { inactive: true });
		await b.host.domains.undefine(state.uuid);
		assert.equal(await b.read(state), undefined);
		await a.host.domains.define(definition.replaceAll(b.machine.poolDirectory, a.machine.poolDirectory));
		const back = await inputs(a, "returns");
		await a.machine.killLibvirtd();
		await Promise.all([
			assert.rejects(
				domain.settle!(state, back, a.context),
				/whether machine returns goes there from .* cannot be told: cannot connect/,
			),
			assert.rejects(b.read(state), /returns .* any more, and whether it is on .*, from where it came, cannot be told/),
		]);
		await a.machine.startLibvirtd();
		await assert.rejects(b.read(state), /returns is not on .* any more, and on .*, from where it came: it was brought/);
		const recorded = wire(await domain.update(state.uuid, state, await inputs(a, "returns"), a.context));
		assert.equal((await a.read(recorded))?.uri, a.host.uri);
		await a.delete(recorded);
	});

	it("does not take one without the CPU that it runs with, nor is asked by its own name", async () => {
		const [here, there] = labs();
		const given = await inputs(a, "picky", { cpu: { mode: "maximum" } });
		const state = wire(await a.create(given));
		const news = await inputs(b, "picky", { cpu: { mode: "maximum" } });
		const types = new InstanceTypes({ own: { vcpus: 1, memoryMiB: 128 } });
		const options = async () => {
			const asked = morphOptions({ machines: ["picky"], types, uri: here!, to: there! });
			const all = await new Promise<MorphOption[]>((resolve) => void asked.apply(resolve));
			return all.find(({ type }) => type === "own")!;
		};
		assert.deepEqual(
			[(await options()).mode, (await domain.settle!(given, news, b.context)).moves?.how],
			["start", "off"],
		);

		await b.machine.hideCpuFeature("avx2");
		const missing = /does not have its CPU: .*avx2/;
		assert.match((await options()).reasons.map(({ reason }) => reason).join(), missing);
		assert.equal((await options()).mode, "reboot");
		await assert.rejects(domain.settle!(given, news, b.context), missing);
		await assert.rejects(domain.update(state.uuid, state, news, b.context), missing);
		assert.equal((await a.host.domains.find("picky"))?.state, "shutoff");
		assert.equal(await b.host.domains.find("picky"), undefined);

		const cli = (...more: string[]) =>
			run("node", [join(repository, "dist/cli/main.js"), "morph", "options", "picky", "--uri", here!, ...more]);
		assert.match((await cli("--to", there!)).stdout, /^nano +1 +512 +reboot .*\n.*picky: .*avx2$/m);
		await assert.rejects(cli("--to", here!), /got .*, which is the host of .*; allowed is another one/);

		const allowed = { ...news, migration: { ...news.migration, bandwidthMiBps: undefined, allowReboot: true } };
		const anew = domain.update(state.uuid, state, allowed, b.context);
		await assert.rejects(anew, /where picky, also when it is started anew, cannot go on: .*avx2/);
		await run("qemu-io", ["-f", "qcow2", "-c", "write -P 1 0 64k", a.path("picky.qcow2")]);
		const plain = { ...allowed, cpu: undefined };
		const moved = wire(await domain.update(state.uuid, state, plain, b.context));
		assert.equal((await b.host.domains.find(moved.uuid))?.state, "shutoff");
		assert.equal(await a.host.domains.find(moved.uuid), undefined);
		await run("qemu-io", ["-r", "-f", "qcow2", "-c", "read -P 1 0 64k", b.path("picky.qcow2")]);
		await b.delete(moved);
	});

	it("takes one, while that runs, with the CPU that both hosts can give", async () => {
		const own = (hosts: string[]) => commonCpu({ hosts, type: "qemu" });
		const best = await own([labs()[0]!, labs()[0]!]);
		const cpu = await own(labs());
		const query = { arch: "x86_64", machine: "q35", type: "qemu" };
		const asked = async ({ model, features }: CommonCpu) => {
			const list = Object.entries(features).map(([name, policy]) => element("feature", { policy, name }));
			return b.host.compareCpu(
				serialize(element("cpu", { match: "exact" }, element("model", {}, model), ...list)),
				query,
			);
		};
		// It hides one since the test before.
		assert.match((await asked(best))!, /avx2/);
		assert.equal(await asked(cpu), undefined);
		const printed = await run("node", [join(repository, "dist/cli/main.js"), "morph", "cpu", ...labs()]);
		assert.deepEqual(parse(printed.stdout), { cpu });

		const given = await inputs(a, "anywhere", { cpu, running: true });
		const state = wire(await a.create(given));
		const seen = parseXml(await a.host.domains.xml(state.uuid));
		assert.equal(text(seen, "cpu/model"), cpu.model);
		assert.ok(children(child(seen, "cpu"), "feature").length > 0);
		const news = await inputs(b, "anywhere", { cpu, running: true });
		assert.equal((await domain.settle!(given, news, b.context)).moves?.how, "running");
		const there = { ...news, migration: quick(news) };
		const moved = wire(await domain.update(state.uuid, state, there, b.context));
		assert.equal((await b.host.domains.find(moved.uuid))?.state, "running");
		assert.deepEqual(wire(await b.read(moved)), moved, "no drift: libvirt fills in what is in the model");
		await b.delete(moved);
		await assert.rejects(
			own([labs()[0]!, "qemu+tcp://127.0.0.1:1/system"]),
			/^InputError: commonCpu: hosts\[1\]: got qemu\+tcp:.*; /s,
		);
	});
});
