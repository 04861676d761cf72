/**
 * Writes environment/environment.schema.json, docs/reference.md and the tables of docs/init-library.md; with `--check` it only says whether they are up to
 * date, and whether schemas and interfaces agree.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describeEnvironment } from "./environment";
import { outputs } from "./outputs";

const check = process.argv.includes("--check");
let failed = false;

for (const difference of describeEnvironment().differences) {
	failed = true;
	console.error(difference);
}
for (const { name, path, content } of outputs()) {
	const before = readIfThere(path);
	if (before === content) console.log(`${name} is up to date`);
	else if (check) {
		failed = true;
		console.error(`${name} is out of date; run: node dist/tools/schema/main.js`);
	} else {
		writeFileSync(path, content);
		console.log(`${name} is written`);
	}
}
process.exitCode = failed ? 1 : 0;

function readIfThere(path: string): string | undefined {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return undefined;
	}
}
