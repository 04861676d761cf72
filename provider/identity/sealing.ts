/**
 * Secrets at rest: AES-256-GCM with a key that only the caller has. What is sealed is bound to its pool and name, so that
 * it cannot be put into another identity's place.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { InputError } from "../lifecycle";
import { nameKey } from "./identity";

/** A key of 32 bytes, in base64; or a passphrase, from which one is derived. */
export type KeySource = { key: string } | { passphrase: string };

/** What a pool records so that its key can be derived again, and told from a wrong one. No secrets. */
export type SealingSettings = { salt: string; check: string };

export interface Sealer {
	seal(name: string, value: unknown): Buffer;
	/** @throws Error when it was sealed for another identity, by another key, or was changed since */
	open(name: string, sealed: Buffer): unknown;
}

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SALT_BYTES = 16;
/** First byte of what is sealed. */
const VERSION = 1;

/** 32 MiB and some tenths of a second for each guess. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 2 ** 20 };
const SHORTEST_PASSPHRASE = 12;

/** What the check of a pool is sealed for: no identity has this name. */
const CHECK = "";

/** For a new pool. @throws InputError for a key that is none */
export async function newSealing(source: KeySource, pool: string): Promise<SealingSettings> {
	const salt = randomBytes(SALT_BYTES).toString("base64");
	return {
		salt,
		check: sealerFor(await keyOf(source, salt), pool)
			.seal(CHECK, pool)
			.toString("base64"),
	};
}

/** @throws InputError for a key that is none, or not the one that the pool was made with */
export async function sealerOf(source: KeySource, pool: string, { salt, check }: SealingSettings): Promise<Sealer> {
	const sealer = sealerFor(await keyOf(source, salt), pool);
	try {
		sealer.open(CHECK, Buffer.from(check, "base64"));
	} catch {
		throw new InputError(
			"key" in source ? "key" : "passphrase",
			`is not the one that pool ${pool} was made with; allowed is that one only, as the secrets in the pool cannot be opened by another`,
		);
	}
	return sealer;
}

function sealerFor(key: Buffer, pool: string): Sealer {
	const boundTo = (name: string) => Buffer.from(JSON.stringify([pool, nameKey(name)]));
	return {
		seal(name, value) {
			const iv = randomBytes(IV_BYTES);
			const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(boundTo(name));
			const text = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
			return Buffer.concat([Buffer.of(VERSION), iv, cipher.getAuthTag(), text]);
		},
		open(name, sealed) {
			try {
				return JSON.parse(opened(key, boundTo(name), sealed));
			} catch {
				// The cause says nothing more, and might hold a part of it.
				throw new Error(
					`the secrets of identity ${name} of pool ${pool} cannot be opened: they were sealed by another key, ` +
						"for another identity, or changed in the store",
				);
			}
		},
	};
}

function opened(key: Buffer, boundTo: Buffer, sealed: Buffer): string {
	if (sealed[0] !== VERSION) throw new Error("unknown version");
	const [iv, tag, text] = [
		sealed.subarray(1, 1 + IV_BYTES),
		sealed.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES),
		sealed.subarray(1 + IV_BYTES + TAG_BYTES),
	];
	const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_BYTES });
	decipher.setAAD(boundTo).setAuthTag(tag);
	return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8");
}

async function keyOf(source: KeySource, salt: string): Promise<Buffer> {
	if ("key" in source) {
		const key = Buffer.from(source.key, "base64");
		if (key.length === KEY_BYTES && key.toString("base64") === source.key.trim()) return key;
		throw new InputError(
			"key",
			'got a value that is not shown; allowed are 32 bytes in base64, as "openssl rand -base64 32" makes them',
		);
	}
	const { passphrase } = source;
	if (passphrase.length < SHORTEST_PASSPHRASE) {
		throw new InputError(
			"passphrase",
			`got ${passphrase.length} characters; allowed are ${SHORTEST_PASSPHRASE} and up`,
		);
	}
	return new Promise((resolve, reject) => {
		scrypt(passphrase.normalize("NFC"), Buffer.from(salt, "base64"), KEY_BYTES, SCRYPT, (error, key) =>
			error ? reject(error) : resolve(key),
		);
	});
}
