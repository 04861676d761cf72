#!/usr/bin/env node
/** Benchmarks: each measures in one run what it compares, and writes ratios, since machines differ and are noisy. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../tools/pulumi/project";
import { overlay } from "./overlay";

/** What a benchmark found: times by name, and the ratios that are to be held. */
export interface Result {
	milliseconds: Record<string, number>;
	ratios: Record<string, number>;
}

const benchmarks: Record<string, () => Promise<Result>> = { overlay };

async function main([name, ...rest]: string[]): Promise<void> {
	const benchmark = benchmarks[name ?? ""];
	if (!benchmark || rest.length > 0) {
		throw new Error(
			`usage: npm run bench -- ${Object.keys(benchmarks).join(" | ")}\n\nWrites bench/results/NAME.json.`,
		);
	}
	const result = await benchmark();
	const qemu = await promisify(execFile)("qemu-img", ["--version"]);
	const machine = { cpus: cpus().length, node: process.version, qemu: qemu.stdout.split("\n")[0] };
	const folder = join(repository, "bench/results");
	await mkdir(folder, { recursive: true });
	await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ ...result, machine }, undefined, "\t")}\n`);
	console.log(JSON.stringify({ ...result, machine }, undefined, 2));
}

main(process.argv.slice(2)).catch((error: Error) => {
	console.error(error.message);
	process.exitCode = 1;
});
