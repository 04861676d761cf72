/**
 * Key files as OpenSSH writes them, without a passphrase. Source: PROTOCOL.key of OpenSSH and RFC 4251, section 5.
 */
import { randomBytes } from "node:crypto";

/** Unencrypted, the private part is filled up to blocks of this size. */
const BLOCK_BYTES = 8;
const LINE_LENGTH = 70;

/**
 * @param type such as "ssh-ed25519"
 * @param publicFields what follows the type in the public key
 * @param privateFields what follows it in the private one
 */
export function openSshKey(
	type: string,
	publicFields: ReadonlyArray<Buffer>,
	privateFields: ReadonlyArray<Buffer>,
	comment: string,
): { privateKey: string; publicKey: string } {
	const publicPart = Buffer.concat([text(type), ...publicFields]);
	// The same twice tells, after decryption, that the passphrase was right.
	const check = randomBytes(4);
	const privatePart = Buffer.concat([check, check, text(type), ...privateFields, text(comment)]);
	const whole = Buffer.concat([
		Buffer.from("openssh-key-v1\0"),
		text("none"),
		text("none"),
		text(""),
		uint32(1),
		text(publicPart),
		text(Buffer.concat([privatePart, padding(privatePart.length)])),
	]);
	const lines = whole.toString("base64").match(new RegExp(`.{1,${LINE_LENGTH}}`, "g"))!;
	return {
		privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`,
		publicKey: `${type} ${publicPart.toString("base64")} ${comment}\n`,
	};
}

/** Bytes after their length: the RFC's `string`. */
export function text(value: string | Buffer): Buffer {
	const bytes = Buffer.from(value as string);
	return Buffer.concat([uint32(bytes.length), bytes]);
}

/** A positive number: without zeros in front, but for one that keeps the highest bit clear. */
export function mpint(value: Buffer): Buffer {
	const first = value.findIndex((byte) => byte !== 0);
	const digits = first === -1 ? Buffer.alloc(0) : value.subarray(first);
	return text((digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

function uint32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}

/** 1, 2, 3 ... */
function padding(length: number): Buffer {
	return Buffer.from(Array.from({ length: (BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES }, (_, i) => i + 1));
}
