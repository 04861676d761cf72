#!/usr/bin/env node
// @ts-check
/*
 * Brings a machine to where the demo and the tests can run. `npm run demo` and `npm test` run it first: where nothing is
 * missing it takes well under a second. Plain JavaScript with Node's own modules only, as it runs before npm packages are
 * there.
 */
import { bridgeTitle, ensureBridge, isBridgeBuilt } from "./bridge.mjs";
import { compile, staleSources } from "./compile.mjs";
import { findGo, goPackage } from "./go.mjs";
import { installNpmPackages, linkSelf, missingFromNpm } from "./npm.mjs";
import { bin, cache, pinnedVersion } from "./paths.mjs";
import { seconds, step } from "./progress.mjs";
import { buildCli, findOwnCli, hasCli, isCliLinked, linkCli } from "./pulumi.mjs";
import { SetupError } from "./run.mjs";
import { installSystemPackages, missingFromSystem, updatePackageLists } from "./system.mjs";
import { installToolchain, isToolchainInstalled } from "./toolchain.mjs";

const usage = `usage: node tools/setup/main.mjs [--bridge] [--check]

Finds or installs what the demo and the tests need:
  - libvirt, QEMU and the tools for guest images, by apt-get or dnf
  - npm packages, by npm ci
  - the Pulumi CLI: the one on PATH if it is 3.200 or newer, else ${pinnedVersion} built from its Go module (about 3 minutes)
  - the compiled package, in dist/

  --bridge  also builds @pulumi/libvirt, the bridged Terraform provider, which the tests compare and combine with
            (about 5 minutes)
  --check   only reports what is there and what is missing; exit code 1 if anything is

Kept in ${cache} (CLONES_CACHE names another folder); logs in logs/ there.
Put ${bin} before PATH to use the same Pulumi CLI.`;

async function main() {
	const args = process.argv.slice(2);
	const withBridge = args.includes("--bridge");
	if (args.includes("--help") || args.some((arg) => !["--bridge", "--check"].includes(arg))) {
		console.log(usage);
		process.exitCode = args.includes("--help") ? 0 : 2;
	} else if (args.includes("--check")) {
		await check(withBridge);
	} else {
		await setUp(withBridge);
	}
}

/** @param {boolean} withBridge */
async function check(withBridge) {
	const own = await findOwnCli();
	const findings = [
		{ what: "system packages", missing: missingFromSystem() },
		{ what: "npm packages", missing: missingFromNpm() },
		{
			what: own ? `Pulumi CLI ${own.version} (${own.path})` : `Pulumi CLI ${pinnedVersion} (built)`,
			missing: hasCli(own) ? undefined : `none on PATH: ${pinnedVersion} would be built`,
		},
		{
			what: "Pulumi tool chain",
			missing: isCliLinked(own) && (own?.complete || isToolchainInstalled()) ? undefined : `files in ${bin}`,
		},
		{ what: "compiled package", missing: missingFromNpm() ?? staleSources() },
		...(withBridge ? [{ what: bridgeTitle, missing: isBridgeBuilt() ? undefined : "it would be built" }] : []),
	];
	for (const { what, missing } of findings) {
		console.log(missing === undefined ? `✓ ${what}` : `✗ ${what}: missing: ${missing}`);
	}
	if (findings.some(({ missing }) => missing !== undefined)) process.exitCode = 1;
}

/** @param {boolean} withBridge */
async function setUp(withBridge) {
	const started = performance.now();
	const own = await findOwnCli();
	const needsGo = !hasCli(own) || (withBridge && !isBridgeBuilt());
	const go = needsGo ? await findGo() : undefined;
	const failed = new AbortController();
	const system = systemPackages(needsGo && go === undefined);
	const parts = [
		system,
		npmPackages(failed.signal),
		// Building needs nothing of the rest, unless go itself has to be installed first.
		hasCli(own)
			? undefined
			: go === undefined
				? system.then(() => pulumiCli(failed.signal))
				: pulumiCli(failed.signal, go),
	];
	try {
		await Promise.all(parts);
	} catch (error) {
		// Do not go on for minutes before saying so. The system's package manager is left to finish.
		failed.abort();
		await Promise.allSettled(parts);
		throw error;
	}
	linkSelf();
	if (!own?.complete && !isToolchainInstalled()) installToolchain();
	if (!isCliLinked(own)) linkCli(own);
	if (staleSources() !== undefined) await step("package compiled", compile);
	if (withBridge) await ensureBridge();
	console.log(`✓ everything is set up (${seconds(started)})`);
}

/** @param {boolean} needsGo */
async function systemPackages(needsGo) {
	if (missingFromSystem() === undefined && !needsGo) return;
	await step("system packages", async () => {
		await updatePackageLists();
		await installSystemPackages(needsGo ? [await goPackage()] : []);
	});
}

/** @param {AbortSignal} signal */
async function npmPackages(signal) {
	if (missingFromNpm() !== undefined) await step("npm packages", () => installNpmPackages(signal));
}

/** @param {AbortSignal} signal @param {string} [known] path of go, if it was there before */
async function pulumiCli(signal, known) {
	const go = known ?? (await findGo());
	if (go === undefined) throw new SetupError("The go that was just installed cannot be found or is too old.");
	await step(`Pulumi CLI ${pinnedVersion} (built)`, () => buildCli(go, signal));
}

main().catch((error) => {
	console.error(error instanceof SetupError ? error.message : error);
	process.exitCode = 1;
});
