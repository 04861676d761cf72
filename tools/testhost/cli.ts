#!/usr/bin/env node
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { findTestHost, listTestHosts, startTestHost, sweep, type TestHost } from "./index";

const usage = `Private libvirt hosts: libvirtd, a network and guests in namespaces of their own.

  start [--name NAME] [--no-network]   starts one that stays until it is stopped, and prints how to reach it
  list                                 name, URI and pool directory of each
  exec NAME -- COMMAND [ARGUMENT...]   runs a command inside
  stop NAME... | --all                 ends them with all their guests`;

async function main(): Promise<void> {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			name: { type: "string" },
			"no-network": { type: "boolean" },
			all: { type: "boolean" },
			help: { type: "boolean" },
		},
	});
	const [command, ...names] = positionals;
	if (values.help) {
		console.log(usage);
	} else if (command === "start") {
		print(await startTestHost({ name: values.name, network: !values["no-network"], keep: true }));
	} else if (command === "list") {
		await sweep();
		for (const host of listTestHosts()) print(host);
	} else if (command === "exec" && names.length > 1) {
		exec(find(names[0]!), names.slice(1));
	} else if (command === "stop" && (values.all || names.length > 0)) {
		for (const host of values.all ? listTestHosts() : names.map(find)) await host.stop();
	} else {
		throw new Error(usage);
	}
}

function print(host: TestHost): void {
	console.log(`${host.name}\t${host.uri}\t${host.poolDirectory}`);
}

function find(name: string): TestHost {
	const host = findTestHost(name);
	if (host) return host;
	const names = listTestHosts().map((other) => other.name);
	throw new Error(`There is no test host named "${name}". Those that run: ${names.join(", ") || "none"}.`);
}

function exec(host: TestHost, command: string[]): void {
	const result = spawnSync("nsenter", ["-t", String(host.holderPid), "-m", "-n", "-u", "--", ...command], {
		stdio: "inherit",
	});
	if (result.error) throw result.error;
	process.exitCode = result.status ?? 1;
}

main().catch((error: Error) => {
	console.error(error.message);
	process.exitCode = 1;
});
