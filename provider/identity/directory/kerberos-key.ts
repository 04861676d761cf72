/** Keys of passwords: string-to-key of RFC 3962 for AES, with the derivation of RFC 3961. */
import { createCipheriv, pbkdf2Sync } from "node:crypto";

/** What every implementation uses, and Active Directory fixes. */
const ITERATIONS = 4096;

/** n-fold("kerberos") to 128 bits (RFC 3961, 5.1): a constant. */
const folded = Buffer.from("6b65726265726f737b9b5b2b93132b93", "hex");

/** @param bits 128 or 256 */
export function aesKey(password: string, salt: string, bits: 128 | 256, iterations = ITERATIONS): Buffer {
	const base = pbkdf2Sync(password, salt, iterations, bits / 8, "sha1");
	const first = encryptBlock(base, folded);
	return bits === 128 ? first : Buffer.concat([first, encryptBlock(base, first)]);
}

/** One block: chaining with a vector of zeros, as the RFC has it, makes no difference. */
function encryptBlock(key: Buffer, block: Buffer): Buffer {
	const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null);
	cipher.setAutoPadding(false);
	return Buffer.concat([cipher.update(block), cipher.final()]);
}
