// @ts-check
import { newServices, packagesFor, systemFamily, unmetNeeds } from "./packages.mjs";
import { ask, findCommand, runLogged, SetupError } from "./run.mjs";

/** @returns {string | undefined} what is missing, in words */
export function missingFromSystem() {
	const unmet = unmetNeeds();
	return unmet.length === 0 ? undefined : unmet.map(({ what }) => what).join(", ");
}

/**
 * @param {import("./packages.mjs").Family} family
 * @returns {string[] | undefined} the command that gets the lists of packages, where that has to be asked for
 */
export function updateCommand(family) {
	return family === "debian" ? ["apt-get", ...lockWait, "update"] : undefined;
}

/**
 * @param {import("./packages.mjs").Family} family
 * @param {string[]} packages
 * @returns {string[]} the command that installs them
 */
export function installCommand(family, packages) {
	if (family === "fedora") return ["dnf", "install", "-y", "--setopt=install_weak_deps=False", ...packages];
	return ["apt-get", ...lockWait, "install", "-y", "--no-install-recommends", ...packages];
}

/** Another package manager may be at work. */
const lockWait = ["-o", "DPkg::Lock::Timeout=300"];

/** Gets the lists of packages: without them nothing can be installed on a fresh system. */
export async function updatePackageLists() {
	const update = updateCommand(knownFamily());
	if (update) await asAdministrator(update);
}

/**
 * Installs what is missing with the system's package manager.
 * @param {string[]} [extra] packages to install besides
 */
export async function installSystemPackages(extra = []) {
	const family = knownFamily();
	const packages = [...packagesFor(unmetNeeds(), family), ...extra];
	if (packages.length === 0) return;
	const mask = maskCommand(family, newServices(unmetNeeds()));
	if (mask && findCommand("systemctl")) await asAdministrator(mask);
	await asAdministrator(installCommand(family, packages));
}

/**
 * The tests start servers of their own. Debian starts a package's at once and at every boot, unless it is masked before.
 * @param {import("./packages.mjs").Family} family
 * @param {string[]} services that are not there yet
 * @returns {string[] | undefined} the command that keeps them from being started
 */
export function maskCommand(family, services) {
	return family === "debian" && services.length > 0 ? ["systemctl", "mask", ...services] : undefined;
}

function knownFamily() {
	const family = systemFamily();
	if (family !== undefined) return family;
	const list = unmetNeeds().map((need) => `  ${need.what} (Debian: ${need.debian}, Fedora: ${need.fedora})`);
	throw new SetupError(
		`This is neither Debian or Ubuntu nor Fedora, whose package names are known. Install these, then run the command again:\n${list.join("\n")}`,
	);
}

/** @param {string[]} words of a command */
async function asAdministrator(words) {
	const prefix = await administratorPrefix();
	if (prefix === undefined) {
		const family = knownFamily();
		const unmet = unmetNeeds();
		const all = [
			updateCommand(family) ?? [],
			maskCommand(family, newServices(unmet)) ?? [],
			installCommand(family, packagesFor(unmet, family)),
		];
		const list = all.filter((line) => line.length > 0).map((line) => `  sudo ${line.join(" ")}`);
		throw new SetupError(
			`Packages are missing, and installing them needs root. Run this, then try again:\n${list.join("\n")}`,
		);
	}
	const [command = "", ...args] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", ...words];
	await runLogged("packages", command, args);
}

/** @returns {Promise<string[] | undefined>} what to put before a command that needs root; undefined if nothing helps */
async function administratorPrefix() {
	if (process.getuid?.() === 0) return [];
	return (await ask("sudo", ["-n", "true"])) === undefined ? undefined : ["sudo", "-n"];
}
