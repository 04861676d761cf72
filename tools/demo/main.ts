#!/usr/bin/env node
/**
 * The main job, end to end: a gold image, three thin clones of it started by the real Pulumi CLI on a real libvirt,
 * and a table of the machines. By default on a private host that is removed again.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CloneInstance } from "../../components/thin-clone-pool";
import { ensureImage } from "../images";
import { Project } from "../pulumi/project";
import { findTestHost, startTestHost, type TestHost } from "../testhost";
import { forgetDemo, keepDemo, keptDemo } from "./kept";
import { printTable } from "./table";

const HOST = "demo";

const usage = `usage: npm run demo -- [--machines N] [--uri URI] [--keep | --destroy]

Makes thin clones of a small gold image with pulumi up, boots them and prints a table of them.

  --machines N   how many clones (3)
  --uri URI      on this libvirt, such as qemu:///system, instead of a private one
  --pool-path P  folder on the host for the images, with --uri (/var/lib/libvirt/images/quick-start)
  --keep         leaves the machines, and the private host, running
  --destroy      removes what --keep left`;

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			machines: { type: "string", default: "3" },
			uri: { type: "string" },
			"pool-path": { type: "string", default: "/var/lib/libvirt/images/quick-start" },
			keep: { type: "boolean", default: false },
			destroy: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) return console.log(usage);
	if (!/^[1-9]\d{0,3}$/.test(values.machines)) {
		throw new Error(`--machines: got ${JSON.stringify(values.machines)}; allowed is a number from 1 to 9999`);
	}
	if (values.destroy) return destroyKept();
	if (keptDemo()) throw new Error("A demo was kept: npm run demo -- --destroy removes it.");

	const image = await step("gold image", () => ensureImage("micro", { log: (line) => console.log(`  ${line}`) }));
	const host = values.uri ? undefined : await step("private libvirt host", () => startHost(values.keep));
	const project = await Project.start({
		program: ".",
		files: ["Pulumi.yaml", "examples/quick-start"],
		config: {
			image: image.disk,
			machines: values.machines,
			poolPath: host ? join(host.poolDirectory, "quick-start") : values["pool-path"],
			"pulumi-libvirt-clones:uri": host?.uri ?? values.uri!,
		},
	});
	let good = false;
	try {
		await step("pulumi up", () => project.up());
		const { machines } = await project.outputs<{ machines: CloneInstance[] }>();
		printTable(machines);
		if (host) await step("each machine answers a ping", () => ping(host, machines));
		const { changes } = await step("pulumi preview", () => project.preview());
		console.log(
			`  a second preview shows ${changes.create || changes.update || changes.replace ? "CHANGES" : "no change"}`,
		);
		good = true;
	} finally {
		if (values.keep && good) {
			keepDemo({ directory: project.directory, host: host?.name });
			tellHowToLook(project, host);
		} else {
			await step("pulumi destroy", () => project.destroy());
			await project.remove();
			await host?.stop();
		}
	}
}

function startHost(keep: boolean): Promise<TestHost> {
	return startTestHost({ name: HOST, keep });
}

async function ping(host: TestHost, machines: CloneInstance[]): Promise<void> {
	for (const { name, addresses } of machines) {
		if (!addresses[0]) throw new Error(`${name} has no address`);
		await host.ping(addresses[0]);
	}
}

function tellHowToLook(project: Project, host: TestHost | undefined): void {
	console.log(`\nThe program and its state are in ${project.directory}.`);
	if (host) console.log(`Look at the machines:  virsh -c '${host.uri}' list`);
	console.log("Remove them:           npm run demo -- --destroy");
}

async function destroyKept(): Promise<void> {
	const kept = keptDemo();
	if (!kept) throw new Error("No demo was kept.");
	const project = Project.reopen(kept.directory);
	await step("pulumi destroy", () => project.destroy());
	await project.remove();
	if (kept.host) await findTestHost(kept.host)?.stop();
	forgetDemo();
}

/** Runs one step and prints its name and time, on one line. */
async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
	const started = performance.now();
	const result = await work();
	console.log(`✓ ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
	return result;
}

main().catch((error: Error) => {
	console.error(error.message);
	process.exitCode = 1;
});
