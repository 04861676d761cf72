/** The certificates that a directory's own is checked against. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { DirectoryError, reason } from "./errors";
import type { ServerSettings } from "./schema";

/**
 * @returns certificates in PEM form; undefined for the authorities that Node.js knows
 * @throws DirectoryError when the file cannot be read or holds no certificate: TLS would silently trust nothing
 */
export async function authorities({ url, ca, caFile }: ServerSettings): Promise<string | undefined> {
	if (caFile === undefined) return ca === undefined ? undefined : checked(url, "ca", ca, "a text");
	let pem: string;
	try {
		pem = await readFile(caFile, "utf8");
	} catch (error) {
		throw new DirectoryError(
			url,
			"caFile",
			`cannot be read: ${reason(error)}. Give the path of a PEM file on the machine that runs pulumi`,
			{ cause: error },
		);
	}
	return checked(url, "caFile", pem, `the file ${caFile}`);
}

function checked(url: string, setting: string, pem: string, got: string): string {
	const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
	try {
		for (const block of blocks) new X509Certificate(block);
	} catch (error) {
		throw new DirectoryError(url, setting, `got ${got} with a certificate that cannot be read: ${reason(error)}`, {
			cause: error,
		});
	}
	if (blocks.length > 0) return pem;
	throw new DirectoryError(
		url,
		setting,
		`got ${got} without a certificate; allowed are certificates in PEM form (BEGIN CERTIFICATE)`,
	);
}
