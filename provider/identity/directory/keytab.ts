/** Kerberos keytabs (the file format 0x502 of MIT Kerberos), made of a password. */
import { aesKey } from "./kerberos-key";

/** Numbers of the encryption types (RFC 3962), the stronger first. */
const encryptionTypes = [
	{ number: 18, bits: 256 },
	{ number: 17, bits: 128 },
] as const;

const NT_PRINCIPAL = 1;

export interface KeytabContent {
	/** In capital letters: "EXAMPLE.COM". */
	realm: string;
	/** Names without the realm, by their parts: `[["WEB-1$"], ["host", "web-1.example.com"]]`. */
	principals: ReadonlyArray<ReadonlyArray<string>>;
	password: string;
	/** Made by `computerSalt` for computer accounts. */
	salt: string;
	/** The directory's own number: a key of another one is not accepted. */
	keyVersion: number;
	/** When the password was set, in seconds since 1970. */
	timestampSeconds: number;
}

/** A keytab with AES-256 and AES-128 keys for each principal, and no weaker ones. */
export function keytab({ realm, principals, password, salt, keyVersion, timestampSeconds }: KeytabContent): Buffer {
	const entries = encryptionTypes.flatMap(({ number, bits }) => {
		const key = aesKey(password, salt, bits);
		return principals.map((parts) =>
			sized32(
				Buffer.concat([
					uint16(parts.length),
					sized16(realm),
					...parts.map(sized16),
					uint32(NT_PRINCIPAL),
					uint32(timestampSeconds),
					// The version once more in full at the end: this field has one byte.
					Buffer.from([keyVersion & 0xff]),
					uint16(number),
					sized16(key),
					uint32(keyVersion),
				]),
			),
		);
	});
	return Buffer.concat([Buffer.from([5, 2]), ...entries]);
}

/** What Active Directory salts the keys of a computer account with, whatever its DNS name is ([MS-KILE] 3.1.1.2). */
export function computerSalt(realm: string, name: string): string {
	return `${realm.toUpperCase()}host${name.toLowerCase()}.${realm.toLowerCase()}`;
}

function uint16(value: number): Buffer {
	const bytes = Buffer.alloc(2);
	bytes.writeUInt16BE(value);
	return bytes;
}

function uint32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}

function sized16(content: string | Buffer): Buffer {
	const bytes = Buffer.from(content as string);
	return Buffer.concat([uint16(bytes.length), bytes]);
}

function sized32(content: Buffer): Buffer {
	return Buffer.concat([uint32(content.length), content]);
}
