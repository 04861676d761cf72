import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compared } from "../../provider/identity/addresses";

const SCRIPTS = join(__dirname, "../../../guest/fork");
const MAC = "52:54:00:00:00:77";
const NAME = "clones0";

/** The program of a child's scripts, as it is shipped and as its source makes it. */
describe("the program of a forked child's scripts", function () {
	this.timeout(60_000);
	let folder: string;

	before(() => {
		folder = mkdtempSync(join(tmpdir(), "clones-core-"));
		const shipped = Buffer.from(readFileSync(join(SCRIPTS, "core.base64"), "utf8"), "base64");
		writeFileSync(join(folder, "shipped"), shipped, { mode: 0o755 });
		// What it is made with stands at its top.
		const [, command] = /^\/\/ {3}(gcc [\s\S]*?) core\.c -o core$/m.exec(
			readFileSync(join(SCRIPTS, "core.c"), "utf8"),
		)!;
		const [gcc, ...options] = command!.replaceAll(/\n\/\/ +/g, " ").split(" ");
		execFileSync(gcc!, [
			...options,
			"-Wall",
			"-Wextra",
			"-Werror",
			join(SCRIPTS, "core.c"),
			"-o",
			join(folder, "made"),
		]);
	});
	after(() => rmSync(folder, { recursive: true, force: true }));

	for (const program of ["shipped", "made"]) {
		describe(program, () => {
			const core = (args: string[], input = "") => spawnSync(join(folder, program), args, { input, encoding: "utf8" });

			it("takes no seed of less than 32 bytes", () => {
				for (const bytes of [0, 31]) {
					const { status, stderr } = core(["become", "-", "--", "true"], Buffer.alloc(bytes, 1).toString("base64"));
					assert.deepEqual([status, stderr], [1, "the random number generator took no seed (step 1)\n"]);
				}
			});

			it("needs the port that it is to tell on", () => {
				const { status, stdout, stderr } = core(["become-on", join(folder, "none/port"), "-", "--", "true"]);
				assert.deepEqual([status, stdout, stderr], [8, "", `cannot open ${join(folder, "none/port")}\n`]);
			});

			it("removes files, and says which it cannot", () => {
				const path = (name: string) => join(folder, name);
				writeFileSync(path("one"), "");
				mkdirSync(path("folder"), { recursive: true });
				assert.equal(core(["remove", path("none"), path("one")]).status, 0);
				assert.throws(() => readFileSync(path("one")), /ENOENT/);
				const refused = core(["remove", path("folder")]);
				assert.equal(refused.status, 1);
				assert.match(refused.stderr, new RegExp(`^cannot remove ${path("folder")}, error \\d+\n$`));
			});

			it("says what it can do", () => {
				const wrong = [
					["become", "-", "x"],
					["become", "-", "x", "--"],
					["become-on", "-", "-", "--"],
					["begin", "-"],
					["wait", "1", `${MAC}:00`, "any"],
				];
				for (const args of [[], ["stop"], ["wait", "1", MAC], ...wrong]) {
					assert.equal(core(args).status, 2);
				}
			});

			it("says all addresses of its interface in the one way of writing them", () => {
				const addresses = [
					["10.0.0.7/8", "fd00::2/64", "1:0:0:2:0:0:0:3/96", "fd00:1:2:3:4:5:6:7/64", "fd00:0:1:0:1:0:1:0/64"],
					["192.168.255.254/24", "fd01::/128", "0:0:1::/64", "fd00:0:1:0:0:1::/64"],
				].flat();
				const { status, stdout } = wait(program, "5", "any", { before: addresses });
				assert.equal(status, 0);
				const [first, ...rest] = stdout.trim().split("\n");
				assert.equal(first, `interface ${NAME}`);
				const expected = addresses.map((address) => `address ${compared(address)}/${address.split("/")[1]}`);
				assert.deepEqual(rest.sort(), expected.sort());
			});

			it("waits for the interface, and for an address of the kind of the one that is waited for", () => {
				const later = { before: ["fd00::2/64"], after: ["10.0.0.7/8"] };
				assert.match(wait(program, "30", "10.0.0.8,10.0.0.7", later).stdout, /\naddress 10\.0\.0\.7\/8\n/);
				assert.equal(wait(program, "30", "none", {}).stdout, `interface ${NAME}\n`);
				const { stderr, status } = core(["wait", "0.2", MAC, "none"]);
				assert.deepEqual([status, stderr], [1, `no interface with ${MAC} has appeared within 0.2 s\n`]);
				const other = wait(program, "0.5", "10.0.0.7", { before: ["fd00::2/64"] });
				assert.deepEqual([other.status, other.stderr], [1, `${NAME} has no address after 0.5 s\n`]);
			});

			it("tells on a port when somebody uses the interface, or nobody does for a second", () => {
				const port = join(folder, "port");
				const heard = () => readFileSync(port, "utf8");
				for (const [used, soonest] of [
					["at once", 0],
					["later", 300],
					["never", 1000],
				] as const) {
					writeFileSync(port, "");
					// It notices by the kernel's news, not by looking again and again.
					const told = `until [ -s ${port} ]; do sleep 0.01; done; ip link set ${NAME} up; ip addr add 10.0.0.7/8 dev ${NAME}`;
					const up = { "at once": "", later: `sleep 0.3; ip link set ${NAME} up; `, never: "" }[used];
					const began = performance.now();
					const { status } = wait(program, "30", "any", {
						isUsed: used === "at once",
						port,
						meanwhile: `${up}${told}`,
					});
					assert.deepEqual([status, heard()], [0, "linked\n"], used);
					assert.ok(performance.now() - began >= soonest, used);
				}
			});

			it("tells when it has come to have others only", () => {
				const { status, stdout } = wait(program, "30", "10.0.0.70", { before: ["10.0.0.7/8"] });
				assert.deepEqual([status, stdout], [3, `interface ${NAME}\naddress 10.0.0.7/8\n`]);
			});
		});
	}

	/** In a network of its own, with an interface that has some addresses before, and gets others while it is waited for. */
	function wait(
		program: string,
		seconds: string,
		addresses: string,
		has: { before?: string[]; after?: string[]; isUsed?: boolean; port?: string; meanwhile?: string },
	) {
		const add = (all: string[] = []) =>
			all.map((address) => `ip addr add ${address} dev ${NAME} ${address.includes(":") ? "nodad" : ""}`);
		const script = [
			"set -e",
			`ip link add ${NAME} address ${MAC} type veth peer name other`,
			...(has.isUsed === false ? [] : [`ip link set ${NAME} up`]),
			...add(has.before),
			`{ ${has.meanwhile ?? `sleep 0.3; ${[":", ...add(has.after)].join("; ")}`}; } &`,
			`exec "$0" wait ${seconds} ${MAC} ${addresses} ${has.port ?? ""}`,
		];
		const args = ["--net", "sh", "-c", script.join("\n"), join(folder, program)];
		return spawnSync("unshare", args, { encoding: "utf8" });
	}
});
