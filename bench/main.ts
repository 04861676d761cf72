/** `npm run bench -- NAME [--quick]`: runs a benchmark, writes its result to bench/results/NAME.json and prints it. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { cacheDirectory } from "../tools/cache";
import { repository } from "../tools/pulumi/project";
import { fork } from "./fork";
import { identity } from "./identity";
import { init } from "./init";
import { morph } from "./morph";
import type { Benchmark } from "./result";
import { fillTables } from "./tables";
import { thin } from "./thin";

const benchmarks: Record<string, Benchmark> = { thin, identity, fork, init, morph };

const usage = `usage: npm run bench -- ${Object.keys(benchmarks).join(" | ")} [--quick] [--out FOLDER]

Writes FOLDER/NAME.json and NAME.svg; the folder is bench/results unless told, and then the tables in the guides are
written anew as well. With --quick a smaller run, whose numbers mean little, into a folder that has to be named.`;

/** Guides with tables. */
const guides = ["bench/README.md", "docs/large-pools.md"];

async function main(args: string[]): Promise<void> {
	const { values, positionals } = parseArgs({
		args,
		allowPositionals: true,
		options: { quick: { type: "boolean", default: false }, out: { type: "string" } },
	});
	const [name = "", ...rest] = positionals;
	const benchmark = benchmarks[name];
	if (!benchmark || rest.length > 0 || (values.quick && values.out === undefined)) throw new Error(usage);
	const folder = resolve(values.out ?? join(repository, "bench/results"));

	const loadBefore = loadavg()[0]!;
	const result = await benchmark.run({ quick: values.quick });
	const text = `${JSON.stringify({ ...rounded(result), machine: await machine(loadBefore, await benchmark.qemu?.()) }, undefined, "\t")}\n`;
	await mkdir(folder, { recursive: true });
	await writeFile(join(folder, `${name}.json`), text);
	if (benchmark.chart) await writeFile(join(folder, `${name}.svg`), benchmark.chart(result));
	if (benchmark.tables && values.out === undefined) {
		await fillTables(
			guides.map((guide) => join(repository, guide)),
			benchmark.tables(result),
		);
	}
	console.log(text);
}

/** Three digits: no measurement has more. */
function rounded(value: object): object {
	return JSON.parse(
		JSON.stringify(value, (_, inner) => (typeof inner === "number" ? Number(inner.toPrecision(3)) : inner)),
	);
}

/** What the numbers were measured on. */
async function machine(loadBefore: number, qemuRoot = "/"): Promise<object> {
	const version = async (command: string, ...args: string[]) =>
		(await promisify(execFile)(command, args)).stdout.trim().split("\n")[0];
	return {
		date: new Date().toISOString().slice(0, 10),
		cpus: cpus().length,
		cpu: cpus()[0]?.model.trim(),
		load_average_before: loadBefore,
		node: process.version,
		qemu: await version(join(qemuRoot, "usr/bin/qemu-system-x86_64"), "--version"),
		libvirt: await version("virsh", "--version"),
		pulumi: await version(join(cacheDirectory(), "bin/pulumi"), "version"),
	};
}

main(process.argv.slice(2)).catch((error: Error) => {
	console.error(error.message);
	process.exitCode = 1;
});
