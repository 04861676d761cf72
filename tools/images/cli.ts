import { findImage } from "./cache";
import { ensureImage, type ImageKind, imagesFolder, recipes } from "./index";

const USAGE = `Usage: node dist/tools/images/cli.js ${Object.keys(recipes).join("|")}|all [--rebuild]
       node dist/tools/images/cli.js --list`;

/** Builds what is asked for, or lists what there is. Exit status 2 for a wrong call, 1 for a failed build. */
async function main(args: string[]): Promise<number> {
	const names = args.filter((argument) => !argument.startsWith("--"));
	const flags = args.filter((argument) => argument.startsWith("--"));
	const kinds = names.includes("all") ? Object.keys(recipes) : names;
	const unknown = [
		...kinds.filter((kind) => !recipes[kind]),
		...flags.filter((flag) => !/^--(list|rebuild)$/.test(flag)),
	];
	if (unknown.length > 0 || args.length === 0) {
		console.error(unknown.length > 0 ? `Unknown: ${unknown.join(", ")}\n${USAGE}` : USAGE);
		return 2;
	}
	if (flags.includes("--list")) await list();
	for (const kind of kinds) {
		const started = Date.now();
		const options = { log: console.log, rebuild: flags.includes("--rebuild") };
		const image = await ensureImage(kind as ImageKind, options);
		const size = (image.sizeBytes / 1_048_576).toFixed(0);
		console.log(`${kind}: ${image.disk} (${size} MiB, ready after ${((Date.now() - started) / 1000).toFixed(1)} s)`);
	}
	return 0;
}

async function list(): Promise<void> {
	console.log(`Images in ${imagesFolder()}:`);
	for (const [kind, recipe] of Object.entries(recipes)) {
		const image = await findImage(recipe);
		console.log(image ? `${kind}: ${image.disk} sha256 ${image.sha256}` : `${kind}: not built`);
	}
}

main(process.argv.slice(2)).then(
	(status) => {
		process.exitCode = status;
	},
	(error: Error) => {
		console.error(error.message);
		process.exitCode = 1;
	},
);
