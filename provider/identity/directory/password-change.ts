/** Passwords that the directory hashes in its own way: the Password Modify operation (RFC 3062). */
import { DirectoryError } from "./errors";
import { valuesOf } from "./mark";
import type { At } from "./session";

const PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1";

export async function changePassword({ client, library }: At, dn: string, password: string): Promise<void> {
	const request = new library.BerWriter();
	request.startSequence();
	request.writeString(dn, 0x80);
	request.writeString(password, 0x82);
	request.endSequence();
	await client.exop(PASSWORD_MODIFY, request.buffer);
}

/** @throws DirectoryError when the directory does not have the operation */
export async function requirePasswordChange({ client }: At, url: string): Promise<void> {
	const { searchEntries } = await client.search("", { scope: "base", attributes: ["supportedExtension"] });
	const [root] = searchEntries;
	if (root && valuesOf(root, "supportedExtension").includes(PASSWORD_MODIFY)) return;
	throw new DirectoryError(
		url,
		"passwordHashing",
		'got "server", but the directory does not offer to set passwords (RFC 3062): set it to "none"',
	);
}
