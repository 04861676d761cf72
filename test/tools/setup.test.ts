import * as assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheDirectory } from "../../tools/cache";

const root = join(__dirname, "../../..");
const main = join(root, "tools/setup/main.mjs");

interface Outcome {
	code: number;
	output: string;
}

function run(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
	return new Promise((resolve) => {
		execFile(process.execPath, [main, ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
			resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
		);
	});
}

/** The set-up is plain JavaScript, outside of what TypeScript compiles. */
async function load<T>(name: string): Promise<T> {
	return (await import(pathToFileURL(join(root, "tools/setup", name)).href)) as T;
}

describe("the set-up", () => {
	let directory: string;
	beforeEach(() => {
		directory = mkdtempSync(join(tmpdir(), "setup-"));
	});
	afterEach(() => rmSync(directory, { recursive: true, force: true }));

	/** A file that was changed so many seconds after a fixed time. */
	function write(name: string, text: string, age = 0): void {
		const file = join(directory, name);
		mkdirSync(join(file, ".."), { recursive: true });
		writeFileSync(file, text);
		utimesSync(file, 1_700_000_000 + age, 1_700_000_000 + age);
	}

	it("finds that everything is there", async () => {
		const { output } = await run(["--check"]);
		for (const what of ["system packages", "npm packages", "Pulumi CLI", "Pulumi tool chain"]) {
			assert.match(output, new RegExp(`✓ ${what}`), output);
		}
	});

	it("reports what is missing, changes nothing and exits with 1", async () => {
		const { code, output } = await run(["--check"], { CLONES_CACHE: join(directory, "cache"), PATH: directory });
		assert.equal(code, 1);
		assert.match(output, /✗ Pulumi CLI .*none on PATH: 3\.\d+\.\d+ would be built/);
		assert.equal(existsSync(join(directory, "cache")), false);
	});

	it("asks for the bridged provider only where it is told to", async () => {
		const env = { CLONES_CACHE: join(directory, "cache") };
		assert.doesNotMatch((await run(["--check"], env)).output, /@pulumi\/libvirt/);
		assert.match((await run(["--check", "--bridge"], env)).output, /✗ @pulumi\/libvirt .*it would be built/);
	});

	it("explains itself, and what it does not understand", async () => {
		assert.match((await run(["--help"])).output, /usage: .*--check/s);
		const wrong = await run(["--chekc"]);
		assert.deepEqual([wrong.code, /usage: /.test(wrong.output)], [2, true]);
	});

	it("keeps its cache where everything else looks for it", async () => {
		const { cache } = await load<{ cache: string }>("paths.mjs");
		assert.equal(cache, cacheDirectory());
	});

	it("is correctly typed, with the tool chain", async () => {
		const files = ["tools/setup", "tools/toolchain"].flatMap((folder) =>
			readdirSync(join(root, folder))
				.filter((name) => name.endsWith(".mjs"))
				.map((name) => join(folder, name)),
		);
		const options = "--noEmit --allowJs --checkJs --strict --target es2022 --lib es2023 --skipLibCheck --types node";
		const args = [...options.split(" "), "--module", "nodenext", "--moduleResolution", "nodenext", ...files];
		const errors = await new Promise<string>((resolve) =>
			execFile(
				process.execPath,
				[join(root, "node_modules/typescript/bin/tsc"), ...args],
				{ cwd: root },
				(_error, stdout) => resolve(stdout),
			),
		);
		assert.equal(errors, "");
	});

	describe("system packages", () => {
		interface Packages {
			needs: Array<{ what: string; present: () => boolean; debian: string; fedora: string }>;
			packagesFor(unmet: Packages["needs"], family: string): string[];
			systemFamily(osRelease: string): string | undefined;
			unmetNeeds(): Packages["needs"];
			newServices(needs: Packages["needs"], folders: string[]): string[];
		}

		it("are named for the system they are installed on", async () => {
			const { needs, packagesFor, systemFamily } = await load<Packages>("packages.mjs");
			assert.equal(systemFamily('ID=debian\nVERSION_ID="12"'), "debian");
			assert.equal(systemFamily('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"'), "debian");
			assert.equal(systemFamily("ID=fedora"), "fedora");
			assert.equal(systemFamily('ID="rocky"\nID_LIKE="rhel centos fedora"'), "fedora");
			assert.equal(systemFamily("ID=arch"), undefined);
			const names = packagesFor(needs, "debian");
			assert.ok(names.includes("libvirt-daemon-system") && names.includes("qemu-system-x86"));
			assert.equal(new Set(names).size, names.length, "each once");
		});

		it("are known to the package manager of this machine", async () => {
			const { needs, packagesFor, systemFamily } = await load<Packages>("packages.mjs");

			const family = systemFamily(readFileSync("/etc/os-release", "utf8"));
			assert.ok(family, "this machine is of a known family");
			const query = family === "debian" ? ["apt-cache", "show"] : ["dnf", "info"];
			const names = packagesFor(needs, family);
			await new Promise<void>((resolve, reject) =>
				execFile(query[0]!, [query[1]!, ...names], (error) => (error ? reject(error) : resolve())),
			);
		});

		it("are missing where their commands are", async () => {
			const script = `import(${JSON.stringify(pathToFileURL(join(root, "tools/setup/system.mjs")).href)})
				.then((m) => console.log(m.missingFromSystem()))`;
			// A file system without /usr/sbin and with an empty PATH; /usr/lib is as it is.
			const output = await new Promise<string>((resolve, reject) =>
				execFile(
					"unshare",
					[
						"-m",
						"sh",
						"-c",
						`mount --bind "${directory}" /usr/sbin && PATH= exec "${process.execPath}" -e '${script}'`,
					],
					(error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)),
				),
			);
			assert.match(output, /^libvirtd, virtlogd, virsh, qemu-system-x86_64, qemu-img, guestfish, dnsmasq/);
		});

		it("start no services, and leave those that run alone", async () => {
			const { needs, newServices } = await load<Packages>("packages.mjs");
			write("units/smbd.service", "");
			write("scripts/winbind", "");
			const folders = ["units", "scripts", "absent"].map((name) => join(directory, name));
			assert.deepEqual(newServices(needs, folders), ["slapd", "nmbd", "samba-ad-dc"]);
		});

		it("are asked for with a command that the user can run where there is no root", async () => {
			const { installCommand, maskCommand, updateCommand } = await load<{
				installCommand(family: string, packages: string[]): string[];
				maskCommand(family: string, services: string[]): string[] | undefined;
				updateCommand(family: string): string[] | undefined;
			}>("system.mjs");
			assert.equal(maskCommand("fedora", ["slapd"]), undefined);
			assert.equal(maskCommand("debian", []), undefined);
			assert.equal(maskCommand("debian", ["slapd", "smbd"])?.join(" "), "systemctl mask slapd smbd");
			assert.equal(updateCommand("fedora"), undefined);
			assert.match(updateCommand("debian")!.join(" "), /^apt-get .*update$/);
			assert.match(installCommand("debian", ["cpio"]).join(" "), /^apt-get .*install -y --no-install-recommends cpio$/);
			assert.match(installCommand("fedora", ["cpio"]).join(" "), /^dnf install -y .*cpio$/);
		});
	});

	describe("Go", () => {
		it("is the newest package that can fetch a newer tool chain", async () => {
			const { newestPackage, isUsable } = await load<{
				newestPackage(names: string): string | undefined;
				isUsable(version: string | undefined): boolean;
			}>("go.mjs");
			assert.equal(newestPackage("golang-1.19-go\ngolang-1.19-src\n"), undefined);
			assert.equal(newestPackage("golang-1.9-go\ngolang-1.24-go\ngolang-1.23-go\ngolang-1.30-doc"), "golang-1.24-go");
			assert.deepEqual(["go1.19.8", "go1.21.0", "go1.26.8", undefined].map(isUsable), [false, true, true, false]);
		});
	});

	describe("the Pulumi CLI", () => {
		it("is the one on PATH if it is recent enough", async () => {
			const { isRecent } = await load<{ isRecent(version: string): boolean }>("pulumi.mjs");
			assert.deepEqual(["v3.259.0", "3.200.1", "v3.199.0", "v2.300.0", "nonsense"].map(isRecent), [
				true,
				true,
				false,
				false,
				false,
			]);
			for (const [version, expected] of [
				["v3.240.1", /✓ Pulumi CLI 3\.240\.1/],
				["v3.100.0", /✗ Pulumi CLI .*would be built/],
			] as const) {
				writeFileSync(join(directory, "pulumi"), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
				const env = { PATH: directory, CLONES_CACHE: join(directory, "cache") };
				assert.match((await run(["--check"], env)).output, expected);
			}
		});
	});

	describe("npm packages", () => {
		it("are locked for all platforms, so that npm ci takes the lock file everywhere", () => {
			const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
			const lacking = Object.values<{ optionalDependencies?: object }>(packages).flatMap((entry) =>
				Object.keys(entry.optionalDependencies ?? {}).filter((name) => !packages[`node_modules/${name}`]),
			);
			assert.deepEqual(lacking, []);
		});

		interface Npm {
			missingFromNpm(root: string): string | undefined;
			installNpmPackages(signal: undefined, root: string): Promise<void>;
			linkSelf(root: string): void;
		}

		it("are missing at first and when package-lock.json has changed", async () => {
			const { missingFromNpm } = await load<Npm>("npm.mjs");
			write("package.json", "{}");
			write("package-lock.json", "{}", 10);
			assert.equal(missingFromNpm(directory), "npm packages");
			write("node_modules/.package-lock.json", "{}", 20);
			assert.equal(missingFromNpm(directory), undefined);
			write("package-lock.json", "{}", 30);
			assert.match(missingFromNpm(directory)!, /changed package-lock\.json/);
		});

		it("are missing where the one that is compiled was left out", async () => {
			const { missingFromNpm } = await load<Npm>("npm.mjs");
			write("package.json", JSON.stringify({ optionalDependencies: { "better-sqlite3": "1" } }));
			write("node_modules/.package-lock.json", "{}");
			assert.match(missingFromNpm(directory)!, /better-sqlite3/);
			write("node_modules/better-sqlite3/build/Release/better_sqlite3.node", "");
			assert.equal(missingFromNpm(directory), undefined);
		});

		it("are asked for once more where the one that is compiled was left out", async () => {
			const { installNpmPackages } = await load<Npm>("npm.mjs");
			write("package.json", JSON.stringify({ optionalDependencies: { "better-sqlite3": "1" } }));
			const folder = "node_modules/better-sqlite3/build/Release";
			write(
				"bin/npm",
				`#!/bin/sh
				echo >> calls
				mkdir -p ${folder} && echo {} > node_modules/.package-lock.json
				[ $(wc -l < calls) -lt $(cat needed) ] || touch ${folder}/better_sqlite3.node\n`,
			);
			chmodSync(join(directory, "bin/npm"), 0o755);
			const { PATH } = process.env;
			process.env.PATH = `${join(directory, "bin")}:${PATH}`;
			try {
				write("needed", "3");
				await assert.rejects(installNpmPackages(undefined, directory), /npm ci has succeeded twice without/);
				await installNpmPackages(undefined, directory);
				assert.equal(readFileSync(join(directory, "calls"), "utf8").length, 3);
			} finally {
				process.env.PATH = PATH;
			}
		});

		it("include the package itself, for programs in this repository", async () => {
			const { linkSelf } = await load<Npm>("npm.mjs");
			mkdirSync(join(directory, "node_modules"));
			symlinkSync("/elsewhere", join(directory, "node_modules/pulumi-libvirt-clones"));
			linkSelf(directory);
			linkSelf(directory);
			assert.equal(readlinkSync(join(directory, "node_modules/pulumi-libvirt-clones")), "..");

			write("package.json", JSON.stringify({ name: "pulumi-libvirt-clones", exports: { "./provider": "./p.js" } }));
			write("p.js", "exports.here = true;");
			write("examples/one/package.json", JSON.stringify({ name: "one" }));
			const loadThere = createRequire(join(directory, "examples/one/index.js"));
			assert.equal(loadThere("pulumi-libvirt-clones/provider").here, true);
		});
	});

	describe("the compiled package", () => {
		interface Compile {
			staleSources(root: string): string | undefined;
			compile(root: string): Promise<void>;
		}

		it("is compiled again when a source is changed, added or removed, and forgets what is gone", async () => {
			const { staleSources, compile } = await load<Compile>("compile.mjs");
			symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
			write(
				"tsconfig.json",
				JSON.stringify({
					compilerOptions: {
						rootDir: ".",
						outDir: "dist",
						types: [],
						incremental: true,
						tsBuildInfoFile: "dist/.info",
					},
					include: ["index.ts", "test", "absent"],
				}),
			);
			write("index.ts", "export const a = 1;");
			write("test/old.test.ts", "export const b = 2;");
			assert.equal(staleSources(directory), "the compiled package");
			await compile(directory);
			assert.equal(staleSources(directory), undefined);
			assert.ok(existsSync(join(directory, "dist/test/old.test.js")));

			writeFileSync(join(directory, "index.ts"), "export const a = 3;");
			assert.match(staleSources(directory)!, /index\.ts has changed/);
			await compile(directory);
			rmSync(join(directory, "test/old.test.ts"));
			assert.match(staleSources(directory)!, /added or removed/);
			await compile(directory);
			assert.equal(existsSync(join(directory, "dist/test/old.test.js")), false);
			assert.equal(staleSources(directory), undefined);

			writeFileSync(join(directory, "index.ts"), "export const a: string = 3;");
			await assert.rejects(compile(directory), /index\.ts\(1,14\): error TS2322/);
			assert.ok(staleSources(directory));
		}).timeout(60_000);
	});
});
