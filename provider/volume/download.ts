/** Downloads an image over https to a local file, and trusts it only by its hash. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { progressLog } from "./progress";

const MAX_REDIRECTS = 10;
/** Without a byte for so long a server is given up. */
const SILENCE_MS = 60_000;

/**
 * Proxies and own certificate authorities are Node's matter: `NODE_EXTRA_CA_CERTS`.
 *
 * @param file made here; complete and verified when this resolves
 * @throws Error when the server refuses, leads away from https, falls silent, or sends something with another hash
 */
export async function download(
	source: { url: string; sha256: string },
	file: string,
	log: (message: string) => void,
): Promise<void> {
	const silence = new AbortController();
	const timer = setTimeout(() => silence.abort(), SILENCE_MS);
	try {
		const response = await follow(source.url, silence.signal);
		const total = Number(response.headers.get("content-length") ?? Number.NaN);
		log(`downloading ${shown(source.url)}${Number.isNaN(total) ? "" : ` (${Math.ceil(total / 2 ** 20)} MiB)`}`);
		const progress = progressLog(log, total, "downloaded");
		const hash = createHash("sha256");
		const output = await open(file, "wx", 0o600);
		let bytes = 0;
		try {
			for await (const chunk of response.body ?? []) {
				timer.refresh();
				await output.writeFile(chunk);
				hash.update(chunk);
				bytes += chunk.length;
				progress(bytes);
			}
		} finally {
			await output.close();
		}
		const got = hash.digest("hex");
		if (got === source.sha256) return;
		throw new Error(
			`it sent ${bytes} bytes with the SHA-256 ${got}, but source.sha256 is ${source.sha256}: ` +
				"the file is another one or was damaged. Nothing was written to the host; correct the URL or the hash",
		);
	} catch (error) {
		const cause = (error as Error).cause;
		const reason = silence.signal.aborted
			? `nothing came for ${SILENCE_MS / 1000} s`
			: `${(error as Error).message}${cause instanceof Error ? ` (${cause.message})` : ""}`;
		throw new Error(`the image cannot be downloaded from ${shown(source.url)}: ${reason}.`, { cause: error });
	} finally {
		clearTimeout(timer);
	}
}

async function follow(url: string, signal: AbortSignal): Promise<Response> {
	let address = new URL(url);
	for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
		if (address.protocol !== "https:") {
			throw new Error(`it redirects to ${shown(address.href)}; allowed are https addresses only`);
		}
		const response = await fetch(address, { redirect: "manual", signal });
		const location = response.headers.get("location");
		if (response.status >= 300 && response.status < 400 && location) {
			await response.body?.cancel();
			address = new URL(location, address);
			continue;
		}
		if (response.ok) return response;
		await response.body?.cancel();
		throw new Error(`the server answered ${response.status} ${response.statusText}`);
	}
	throw new Error(`it redirects more than ${MAX_REDIRECTS} times`);
}

/** A URL without user, password and query, which may be secrets. */
function shown(url: string): string {
	const { protocol, host, pathname, search } = new URL(url);
	return `${protocol}//${host}${pathname}${search ? "?..." : ""}`;
}
