/** A TPM in software, beside QEMU. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export class Tpm {
	/** Of its endorsement key, in PEM; from an authority of its own. */
	readonly certificate: string;
	private child: ChildProcess | undefined;

	private constructor(private readonly folder: string) {
		const der = readFileSync(join(folder, "ek-rsa2048.crt"));
		const lines = der.toString("base64").match(/.{1,64}/g)!;
		this.certificate = ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
	}

	/** As libvirt makes one: with an endorsement key that is kept in it. */
	static async make(): Promise<Tpm> {
		const folder = mkdtempSync(join(tmpdir(), "tpm-"));
		const file = (name: string) => join(folder, name);
		mkdirSync(file("state"));
		const authority = ["statedir", "signingkey", "issuercert", "certserial"].map((key) =>
			key === "statedir" ? `${key} = ${file("ca")}` : `${key} = ${file("ca")}/${key}`,
		);
		mkdirSync(file("ca"));
		writeFileSync(file("localca.conf"), `${authority.join("\n")}\n`);
		writeFileSync(
			file("localca.options"),
			"--platform-manufacturer test\n--platform-version 1\n--platform-model test\n",
		);
		const tool = ["create_certs_tool = /usr/bin/swtpm_localca", `create_certs_tool_config = ${file("localca.conf")}`];
		const options = `create_certs_tool_options = ${file("localca.options")}`;
		writeFileSync(file("setup.conf"), `${[...tool, options].join("\n")}\n`);
		await run("swtpm_setup", [
			...["--tpm2", "--runas", "root", "--tpmstate", file("state"), "--config", file("setup.conf")],
			...["--createek", "--create-ek-cert", "--write-ek-cert-files", folder],
		]);
		return new Tpm(folder);
	}

	/** Starts it; it ends with the machine. @returns QEMU's arguments for a machine that has it */
	async start(): Promise<string[]> {
		const socket = join(this.folder, "socket");
		this.child = spawn(
			"swtpm",
			["socket", "--tpm2", "--tpmstate", `dir=${join(this.folder, "state")}`, "--terminate"].concat([
				"--ctrl",
				`type=unixio,path=${socket}`,
			]),
			{ stdio: "ignore" },
		);
		while (!existsSync(socket)) {
			if (this.child.exitCode !== null) throw new Error(`swtpm ended with ${this.child.exitCode}`);
			await sleep(20);
		}
		const backend = ["-chardev", `socket,id=tpm,path=${socket}`, "-tpmdev", "emulator,id=tpm0,chardev=tpm"];
		return [...backend, "-device", "tpm-crb,tpmdev=tpm0"];
	}

	remove(): void {
		this.child?.kill("SIGKILL");
		rmSync(this.folder, { recursive: true });
	}
}
