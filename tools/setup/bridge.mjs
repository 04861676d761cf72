// @ts-check
/*
 * `@pulumi/libvirt` as users get it by `pulumi package add terraform-provider dmacvicar/libvirt 0.8.3`: the plugin, the
 * Terraform provider that it runs, and the SDK. They are built from Go modules, so that neither a release nor a registry
 * of providers is asked. Only tests and benchmarks need them.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { findGo, goEnvironment } from "./go.mjs";
import { bin, cache, pinnedVersion, repository } from "./paths.mjs";
import { step } from "./progress.mjs";
import { runLogged, SetupError } from "./run.mjs";

const bridge = { module: "github.com/pulumi/pulumi-terraform-bridge/v3", version: "3.136.0" };
const provider = { module: "github.com/dmacvicar/terraform-provider-libvirt", version: "0.8.3" };

/** The versions are the key: others are built beside these. */
const folder = join(cache, `bridge-${bridge.version}-libvirt-${provider.version}-pulumi-${pinnedVersion}`);

/** A PULUMI_HOME that holds the plugin in `plugins` and, where the plugin would download it to, the provider. */
export const bridgeHome = join(folder, "home");

/** The npm package `@pulumi/libvirt`, compiled. */
export const bridgeSdk = join(folder, "sdk");

const architecture = process.arch === "x64" ? "amd64" : process.arch;
const plugin = join(
	bridgeHome,
	`plugins/resource-terraform-provider-v${bridge.version}/pulumi-resource-terraform-provider`,
);
const providerCommand = join(
	bridgeHome,
	`dynamic_tf_plugins/registry.opentofu.org/dmacvicar/libvirt/${provider.version}/linux_${architecture}/terraform-provider-libvirt`,
);

/** The module's own `replace`, which does not count where the module is not the main one. */
const bridgeReplace = `replace github.com/hashicorp/terraform-plugin-sdk/v2 => github.com/pulumi/terraform-plugin-sdk/v2 v2.0.0-20260318212141-5525259d096b`;

/** What users write after `pulumi package add`. */
const packageArguments = ["terraform-provider", "dmacvicar/libvirt", provider.version];

export const bridgeTitle = `@pulumi/libvirt ${provider.version} (for tests and benchmarks)`;

/** @returns {boolean} whether nothing has to be built */
export function isBridgeBuilt() {
	return [plugin, providerCommand, bridgeSdk].every((path) => existsSync(path));
}

/** Builds what is not there yet. Needs go, the Pulumi CLI and the npm packages. */
export async function ensureBridge() {
	if (isBridgeBuilt()) return;
	const go = await findGo();
	if (go === undefined) {
		throw new SetupError("Building @pulumi/libvirt needs go. Run: node tools/setup/main.mjs --bridge");
	}
	if (!existsSync(plugin)) await step(`Terraform bridge ${bridge.version} (built)`, () => buildPlugin(go));
	if (!existsSync(providerCommand)) {
		await step(`Terraform provider for libvirt ${provider.version} (built)`, () =>
			build(go, { ...provider, what: provider.module, output: providerCommand }),
		);
	}
	if (!existsSync(bridgeSdk)) await step(`@pulumi/libvirt ${provider.version} (generated)`, () => generateSdk(go));
}

/** @param {string} go */
async function buildPlugin(go) {
	await build(go, {
		...bridge,
		what: `${bridge.module}/dynamic`,
		output: plugin,
		flags: `-X ${bridge.module}/dynamic/version.version=v${bridge.version}`,
		lines: bridgeReplace,
	});
}

/**
 * @typedef {object} Command
 * @property {string} module to be required
 * @property {string} version of it
 * @property {string} what package or file to build
 * @property {string} output
 * @property {string} [flags] for the linker
 * @property {string} [lines] for go.mod
 */

/**
 * `go install` refuses a version of a module that has a `replace`: a module of our own asks for it.
 * @param {string} go
 * @param {Command} command
 */
async function build(go, { module, version, what, output, flags = "", lines = "" }) {
	const scratch = join(cache, "bridge-build", `${module.replaceAll("/", "-")}-${version}`);
	mkdirSync(scratch, { recursive: true });
	mkdirSync(dirname(output), { recursive: true });
	writeFileSync(join(scratch, "go.mod"), `module tools\n\ngo 1.25\n\nrequire ${module} v${version}\n\n${lines}\n`);
	const partial = `${output}.${process.pid}.part`;
	const args = ["build", "-mod=mod", "-ldflags", `-s -w ${flags}`.trim(), "-o", partial, what];
	try {
		await runLogged("bridge", go, args, { cwd: scratch, env: goEnvironment });
		renameSync(partial, output);
	} finally {
		rmSync(partial, { force: true });
	}
}

/** What `pulumi package add` does: schema, sources, compiled. @param {string} go */
async function generateSdk(go) {
	const generator = join(folder, "generate-sdk");
	const sources = join(repository, "tools/bridge/generate-sdk.go");
	await build(go, {
		module: "github.com/pulumi/pulumi/pkg/v3",
		version: pinnedVersion,
		what: sources,
		output: generator,
	});
	const schema = `${generator}.${process.pid}.json`;
	const partial = `${bridgeSdk}.${process.pid}.part`;
	try {
		writeFileSync(schema, await getSchema());
		await runLogged("bridge", generator, [schema, partial]);
		symlinkSync(join(repository, "node_modules"), join(partial, "node_modules"));
		// The package's own script, which npm runs for users.
		const path = [join(repository, "node_modules/.bin"), process.env.PATH].join(delimiter);
		await runLogged("bridge", process.execPath, ["scripts/postinstall.js"], { cwd: partial, env: { PATH: path } });
		rmSync(join(partial, "node_modules"));
		if (!existsSync(bridgeSdk)) renameSync(partial, bridgeSdk);
	} finally {
		rmSync(partial, { recursive: true, force: true });
		rmSync(schema, { force: true });
	}
}

/** @returns {Promise<string>} as JSON */
async function getSchema() {
	const env = { ...process.env, PATH: [bin, process.env.PATH].join(delimiter), PULUMI_HOME: bridgeHome };
	const options = { env, maxBuffer: 2 ** 28 };
	try {
		return (await promisify(execFile)("pulumi", ["package", "get-schema", ...packageArguments], options)).stdout;
	} catch (error) {
		throw new SetupError(`@pulumi/libvirt could not be generated: ${error instanceof Error ? error.message : error}`);
	}
}
