import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Certificate {
	/** In PEM form, both. */
	certificate: string;
	key: string;
}

/** An authority made for one test, which signs certificates for servers. */
export class Authority implements Certificate {
	private constructor(
		readonly certificate: string,
		readonly key: string,
	) {}

	static async create(name = "Test authority"): Promise<Authority> {
		return inFolder(async (folder) => {
			await openssl(folder, ["req", "-x509", ...newKey, "-keyout", "key", "-out", "certificate", "-days", "30"], name);
			return new Authority(await text(folder, "certificate"), await text(folder, "key"));
		});
	}

	/** @param names DNS names, and addresses as "IP:127.0.0.1" @param days from now; negative for one that has expired */
	async sign(names: string[], days = 30): Promise<Certificate> {
		return inFolder(async (folder) => {
			await writeFile(join(folder, "ca"), this.certificate);
			await writeFile(join(folder, "ca-key"), this.key);
			const alternatives = names.map((name) => (name.startsWith("IP:") ? name : `DNS:${name}`)).join(",");
			await writeFile(join(folder, "extensions"), `subjectAltName=${alternatives}\n`);
			await openssl(folder, ["req", ...newKey, "-keyout", "key", "-out", "request"], names[0]!);
			const signing = "x509 -req -in request -CA ca -CAkey ca-key -CAcreateserial -extfile extensions -out certificate";
			await run("openssl", [...signing.split(" "), "-days", String(days)], { cwd: folder });
			return { certificate: await text(folder, "certificate"), key: await text(folder, "key") };
		});
	}
}

const newKey = ["-newkey", "rsa:2048", "-nodes"];

async function openssl(folder: string, args: string[], name: string): Promise<void> {
	await run("openssl", [...args, "-subj", `/CN=${name}`], { cwd: folder });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
	const folder = await mkdtemp(join(tmpdir(), "clones-certificates-"));
	try {
		return await work(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function text(folder: string, name: string): Promise<string> {
	return readFile(join(folder, name), "utf8");
}
