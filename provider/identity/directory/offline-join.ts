/**
 * Offline domain join: what a machine needs to become a member of the domain without reaching a domain controller, made
 * by Samba's `net offlinejoin provision`. Samba's `net offlinejoin requestodj` is proven to take it. Windows' djoin.exe is
 * said to take the same blob from a file in UTF-16; that is unproven.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTemporaryFolder } from "../../temporary";
import { DirectoryError } from "./errors";
import { passwordInBlob } from "./join-blob";
import type { AdSettings } from "./schema";

type OfflineJoin = NonNullable<AdSettings["offlineJoin"]>;

export interface Provisioned {
	/** In base64, as `net offlinejoin requestodj loadfile=FILE` reads it. */
	blob: string;
	/** The password that the account has now. */
	password: string;
}

/** Gives an account that is there a new password, and makes the blob that holds it. */
export async function provision(
	settings: AdSettings,
	offlineJoin: OfflineJoin,
	domain: string,
	name: string,
): Promise<Provisioned> {
	const account = [`domain=${domain.toUpperCase()}`, `machine_name=${name}`, `dcname=${offlineJoin.domainController}`];
	const args = ["offlinejoin", "provision", ...account, "reuse", "printblob"];
	const { exitCode, stdout, stderr } = await net(settings, offlineJoin, domain, args);
	if (exitCode !== 0) {
		const said = [`exit code ${exitCode}`, lastLine(stdout), lastLine(stderr)].filter(Boolean).join(": ");
		throw problem(settings, said.replaceAll(settings.password, "[secret]"));
	}
	const blob = stdout.split("\n").find((line) => /^[A-Za-z0-9+/]{200,}={0,2}$/.test(line));
	if (blob === undefined) throw problem(settings, "it printed no blob");
	try {
		return { blob, password: passwordInBlob(blob) };
	} catch (error) {
		throw problem(settings, `its blob has an unknown form: ${(error as Error).message}`);
	}
}

/** @throws DirectoryError when the command is not there or is too old */
export async function requireOfflineJoin(
	settings: AdSettings,
	offlineJoin: OfflineJoin,
	domain: string,
): Promise<void> {
	// The help is no success for it.
	const { stdout, stderr } = await net(settings, offlineJoin, domain, ["help", "offlinejoin"]);
	if (/\bprovision\b/.test(stdout + stderr)) return;
	throw problem(settings, "it knows no offlinejoin: Samba 4.15 or newer is needed");
}

/** Runs the command with a configuration of its own: the machine's is for the machine. */
async function net(settings: AdSettings, offlineJoin: OfflineJoin, domain: string, args: string[]): Promise<Output> {
	return withTemporaryFolder("offline-join", async (directory) => {
		const configuration = join(directory, "smb.conf");
		await writeFile(configuration, configurationFor(domain, directory));
		const words = [...offlineJoin.command, ...args, "-s", configuration, "-U", settings.user];
		return run(settings, words, offlineJoin.timeoutSeconds);
	});
}

function configurationFor(domain: string, state: string): string {
	const options = {
		realm: domain.toUpperCase(),
		security: "ads",
		"netbios name": "PROVISION",
		"private dir": state,
		"lock directory": state,
		"state directory": state,
		"cache directory": state,
		"pid directory": state,
		"log file": join(state, "log"),
	};
	return ["[global]", ...Object.entries(options).map(([name, value]) => `\t${name} = ${value}`), ""].join("\n");
}

interface Output {
	/** `null` when it was ended by a signal. */
	exitCode: number | null;
	stdout: string;
	stderr: string;
}

async function run(settings: AdSettings, [file = "", ...args]: string[], timeoutSeconds: number): Promise<Output> {
	const child = spawn(file, args, {
		// Everybody can read a process's arguments: the password goes through its standard input. Tickets stay in memory.
		env: { ...process.env, LC_ALL: "C", KRB5CCNAME: "MEMORY:provision", PASSWD_FD: "0" },
		stdio: ["pipe", "pipe", "pipe"],
		signal: AbortSignal.timeout(timeoutSeconds * 1000),
		killSignal: "SIGKILL",
	});
	// A command that ends before it has read everything.
	child.stdin.on("error", () => {});
	child.stdin.end(`${settings.password}\n`);
	const exited = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
	try {
		const [exitCode, stdout, stderr] = await Promise.all([exited, textOf(child.stdout), textOf(child.stderr)]);
		return { exitCode, stdout, stderr };
	} catch (error) {
		const { name, code, message } = error as NodeJS.ErrnoException;
		if (name === "AbortError") throw problem(settings, `it took longer than ${timeoutSeconds} s`);
		throw problem(
			settings,
			code === "ENOENT" ? `there is no command ${file}: install Samba's (samba-common-bin)` : message,
		);
	}
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
	let text = "";
	for await (const chunk of stream) text += chunk;
	return text;
}

/** It asks for the password again and again, and complains that there is only one. */
const noise = /^Error reading password from file descriptor/;

function lastLine(said: string): string | undefined {
	const lines = said.split("\n").filter((line) => line.trim() !== "" && !noise.test(line));
	return lines.at(-1)?.trim();
}

function problem({ url, offlineJoin }: AdSettings, what: string): DirectoryError {
	return new DirectoryError(
		url,
		"offlineJoin",
		`${offlineJoin?.command.join(" ")} offlinejoin failed: ${what}. The machine that runs pulumi needs Samba's net, DNS of the domain, and ${offlineJoin?.domainController} on the ports of Kerberos, LDAP and SMB`,
	);
}
