/**
 * Seed images for cloud-init's NoCloud source: a file system labelled `cidata` with `meta-data`, `user-data` and, where
 * given, `network-config`.
 *
 * Source: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html
 */
import { createHash } from "node:crypto";
import { isoImage } from "./iso9660";
import type { CloudInit } from "./schema";

/** The image; the same data and owner give the same bytes. */
export function cloudInitSeed(data: CloudInit, ownerId: string): Buffer {
	const userData = userDataOf(data);
	const files = [
		{ name: "meta-data", content: Buffer.from(metaData(data, ownerId, userData), "utf8") },
		{ name: "user-data", content: Buffer.from(userData, "utf8") },
	];
	if (data.networkConfig !== undefined) {
		files.push({ name: "network-config", content: Buffer.from(data.networkConfig, "utf8") });
	}
	return isoImage("cidata", files);
}

/** Quoted as in JSON, so that YAML does not take a name such as `no` or `1e3` for something else. */
function metaData({ hostname, instanceId, networkConfig }: CloudInit, ownerId: string, userData: string): string {
	const content = createHash("sha256")
		.update(JSON.stringify([ownerId, hostname, userData, networkConfig]))
		.digest("hex");
	const lines = [`instance-id: ${JSON.stringify(instanceId ?? `i-${content.slice(0, 17)}`)}`];
	if (hostname !== undefined) lines.push(`local-hostname: ${JSON.stringify(hostname)}`);
	return `${lines.join("\n")}\n`;
}

/** What `user-data` holds. */
export function userDataOf({ userData, files = [], hostKeys = [] }: CloudInit): string {
	if (files.length === 0 && hostKeys.length === 0) return userData ?? "#cloud-config\n{}\n";
	const own = {
		...(files.length === 0 ? {} : { write_files: files.map(writtenFile) }),
		...(hostKeys.length === 0 ? {} : { ssh_keys: Object.fromEntries(hostKeys.flatMap(sshKeys)) }),
	};
	// JSON is YAML.
	const config = `#cloud-config\n${JSON.stringify(own, undefined, 1)}\n`;
	return userData === undefined ? config : multipart(userData, config);
}

/** Content in base64: YAML cannot hold every character. */
function writtenFile({ path, content, mode, owner, encoding }: NonNullable<CloudInit["files"]>[number]) {
	return {
		path,
		permissions: mode.padStart(4, "0"),
		...(owner === undefined ? {} : { owner }),
		encoding: "b64",
		content: encoding === "base64" ? content : Buffer.from(content, "utf8").toString("base64"),
	};
}

/** With these cloud-init removes the image's own host keys and makes none. */
function sshKeys({ type, privateKey, publicKey }: NonNullable<CloudInit["hostKeys"]>[number]): [string, string][] {
	return [
		[`${type}_private`, privateKey],
		[`${type}_public`, publicKey],
	];
}

/** Both as one: `text/plain` lets cloud-init tell the kind of the user's part by its first line. */
function multipart(userData: string, config: string): string {
	const boundary = `==${createHash("sha256").update(userData).update(config).digest("hex").slice(0, 32)}==`;
	const part = (type: string, text: string, ...headers: string[]) =>
		[
			`--${boundary}`,
			`Content-Type: ${type}; charset="utf-8"`,
			"MIME-Version: 1.0",
			"Content-Transfer-Encoding: base64",
			...headers,
			"",
			(
				Buffer.from(text, "utf8")
					.toString("base64")
					.match(/.{1,76}/g) ?? []
			).join("\n"),
		].join("\n");
	return [
		`Content-Type: multipart/mixed; boundary="${boundary}"`,
		"MIME-Version: 1.0",
		"",
		part("text/plain", userData),
		// Without it the later of two `write_files` lists would replace the earlier.
		part("text/cloud-config", config, "Merge-Type: list(append)+dict(recurse_array)+str()"),
		`--${boundary}--`,
		"",
	].join("\n");
}

/** User data that is a MIME message itself, which cannot become a part of another one as plain text. */
export function isMimeMessage(userData: string): boolean {
	return /^(?:(?:[A-Za-z-]+:.*|[ \t].*)\r?\n)*?(?:MIME-Version|Content-Type):/i.test(userData);
}
