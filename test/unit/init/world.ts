/** A made-up machine: a folder that the guest's programs take for its root, with one shell and the tools that go with it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compileParameters } from "../../../provider/init/parameters";
import { makePayload, type PayloadDescription } from "../../../provider/init/payload";
import { type InitReport, parseReport, type ScriptReport } from "../../../provider/init/report";

export type Shell = "dash" | "busybox";

/** Those that differ most between busybox and the others. */
const APPLETS = ["awk", "base64", "date", "dd", "find", "grep", "od", "readlink", "sed", "setsid", "sha256sum", "sort"];
const MORE_APPLETS = [
	"tail",
	"timeout",
	"tr",
	"wc",
	"cp",
	"mkdir",
	"mv",
	"rm",
	"ln",
	"cat",
	"chmod",
	"sleep",
	"busybox",
];

type Description = Partial<Omit<PayloadDescription, "parameters" | "scripts">> & {
	parameters?: Parameters<typeof compileParameters>[0];
	scripts: PayloadDescription["scripts"];
};

/** @param programs folder of the guest's, instead of this package's */
export function payloadFor({ parameters = {}, ...description }: Description, programs?: string) {
	return makePayload({ identifier: ["mac 0"], ...description, parameters: compileParameters(parameters) }, programs);
}

export class Machine {
	readonly root = mkdtempSync(join(tmpdir(), "clones-init-"));
	private readonly tools = join(this.root, "tools");

	constructor(readonly shell: Shell) {
		mkdirSync(this.tools);
		if (shell === "busybox") {
			for (const name of [...APPLETS, ...MORE_APPLETS]) symlinkSync("/bin/busybox", join(this.tools, name));
		}
		this.tool("sync", "exit 0");
		this.hardware({ macs: ["52:54:00:10:00:05"], uuid: "00112233-4455-6677-8899-aabbccddeeff" });
		this.starts();
	}

	remove(): void {
		rmSync(this.root, { recursive: true, force: true });
	}

	path(path: string): string {
		return join(this.root, path);
	}

	write(path: string, content: string | Buffer, mode = 0o644): void {
		mkdirSync(dirname(this.path(path)), { recursive: true });
		rmSync(this.path(path), { force: true });
		writeFileSync(this.path(path), content, { mode });
	}

	/** Empty where there is none. */
	read(path: string): string {
		return existsSync(this.path(path)) ? readFileSync(this.path(path), "utf8") : "";
	}

	/** Its begin, in hex. */
	bytes(path: string, count: number): string {
		return readFileSync(this.path(path)).subarray(0, count).toString("hex");
	}

	/** A program that stands in for one of the machine's; what it is told is in the file `told`. */
	tool(name: string, text = `echo "${name} $*" >> "${this.root}/told"`): void {
		rmSync(join(this.tools, name), { force: true });
		writeFileSync(join(this.tools, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
	}

	get told(): string[] {
		return this.read("told")
			.split("\n")
			.filter((line) => line !== "");
	}

	/** Another boot: what was in memory is gone. */
	starts(): void {
		rmSync(this.path("run"), { recursive: true, force: true });
		mkdirSync(this.path("run"));
		this.write("proc/sys/kernel/random/boot_id", `${Math.random()}\n`);
		this.write("proc/net/route", "Iface\tDestination\neth0\t00000000\n");
	}

	/** @param macs of NICs, in the order of the devices, whose names are in another order */
	hardware({ macs, uuid, serial }: { macs?: string[]; uuid?: string; serial?: string }): void {
		rmSync(this.path("sys"), { recursive: true, force: true });
		for (const [place, mac] of (macs ?? []).entries()) {
			const device = `sys/devices/pci0000:00/0000:00:0${place + 1}.0`;
			const nic = `sys/class/net/eth${9 - place}`;
			this.write(`${device}/class`, "0x020000\n");
			this.write(`${device}/net/eth${9 - place}/address`, `${mac}\n`);
			this.write(`${nic}/address`, `${mac}\n`);
			this.write(`${nic}/type`, "1\n");
			symlinkSync(this.path(device), this.path(`${nic}/device`));
			mkdirSync(this.path("sys/bus/pci/devices"), { recursive: true });
			symlinkSync(this.path(device), this.path(`sys/bus/pci/devices/0000:00:0${place + 1}.0`));
		}
		this.write("sys/class/net/lo/address", "00:00:00:00:00:00\n");
		if (uuid) this.write("sys/class/dmi/id/product_uuid", `${uuid}\n`);
		if (serial) this.write("sys/class/dmi/id/product_serial", `${serial}\n`);
	}

	/** Puts a payload into it, with this machine's shell. */
	async install(description: Description): Promise<void> {
		rmSync(this.path("usr/lib/clones-init"), { recursive: true, force: true });
		const { files, links, lines } = await payloadFor(description);
		const interpreter = this.shell === "dash" ? "#!/bin/dash" : "#!/bin/busybox sh";
		for (const { path, mode, content } of files) {
			const isProgram = /^\/usr\/lib\/clones-init\/\w+$/.test(path);
			const text = isProgram ? content.toString().replace(/^#!\/bin\/sh/, interpreter) : content;
			this.write(path, text, mode);
			chmodSync(this.path(path), mode);
		}
		for (const { path, target, where } of links) {
			if (where !== undefined && !existsSync(this.path(where))) continue;
			mkdirSync(dirname(this.path(path)), { recursive: true });
			rmSync(this.path(path), { force: true });
			symlinkSync(target, this.path(path));
		}
		for (const { path, line } of lines) {
			if (existsSync(this.path(path))) this.write(path, `${this.read(path)}${line}\n`);
		}
	}

	/** What is told of the hardware. */
	identify(...ids: string[]): string[] {
		const { stdout } = this.call("identify", ids);
		return stdout.split("\n").filter((line) => line !== "");
	}

	/** Without what the host has beside the machine's own tools, of which busybox' are enough. */
	bootBare() {
		return this.run(["boot", "early", "network", "late"], { PATH: this.tools });
	}

	/** @returns what it printed; on both outputs together in `said` */
	run(args: string[], environment: Record<string, string> = {}) {
		return this.call("run", args, environment);
	}

	private call(program: string, args: string[], environment: Record<string, string> = {}) {
		const { stdout, stderr, status, error } = spawnSync(this.path(`usr/lib/clones-init/${program}`), args, {
			encoding: "utf8",
			timeout: 30_000,
			env: { PATH: `${this.tools}:${process.env.PATH}`, CLONES_INIT_ROOT: this.root, ...environment },
		});
		assert.equal(error, undefined);
		return { stdout, said: stdout + stderr, status };
	}

	boot(...stages: string[]) {
		return this.run(["boot", ...(stages.length > 0 ? stages : ["early", "network", "late"])]);
	}

	report(): InitReport {
		const { stdout, status, said } = this.run(["report"]);
		assert.equal(status, 0, said);
		return parseReport(stdout);
	}

	script(name: string): ScriptReport {
		const found = this.report().scripts.find((script) => script.name === name);
		return found ?? assert.fail(`no script ${name} in the report`);
	}

	/** What scripts have written to the file `log`. */
	get log(): string[] {
		return this.read("log")
			.split("\n")
			.filter((line) => line !== "");
	}
}

/** A script that writes a line to the file `log`; the text is a shell's, in double quotes. */
export function logs(text: string, more = ""): string {
	return `#!/bin/sh\necho "${text}" >> "$CLONES_INIT_ROOT/log"\n${more}`;
}
