/** The id of a TPM, which its machine computes itself, for those who know the TPM's key. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { InputError } from "../lifecycle";
import { shown } from "../problems";
import { hashOf } from "./identifiers";

/**
 * Before the key's own number, in the template that all makers follow (TCG EK Credential Profile, L-1): RSA and SHA-256,
 * the attributes, the policy, AES-128 in CFB, no scheme, 2048 bits, the usual exponent, and how many bytes follow.
 */
const TEMPLATE = [
	"0001000b000300b2",
	"0020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa",
	"0006008000430010080000000000",
	"0100",
].join("");

/**
 * The id that a machine with this TPM has as `tpm`, for tables: `{ table: { [tpmId(certificate)]: "server" } }`.
 *
 * @param endorsementKey the TPM's endorsement certificate, or its public key, in PEM: RSA of 2048 bits
 * @returns SHA-256 of the key's public area, in hex
 * @throws InputError when it is another one
 */
export function tpmId(endorsementKey: string): string {
	const { n = "", e } = readKey(endorsementKey)?.export({ format: "jwk" }) ?? {};
	const modulus = Buffer.from(n, "base64url");
	if (modulus.length !== 256 || e !== "AQAB") {
		throw new InputError(
			"endorsementKey",
			`got ${shown(endorsementKey)}; allowed is the certificate or the public key of a TPM in PEM, with RSA of 2048 bits`,
		);
	}
	return hashOf(Buffer.concat([Buffer.from(TEMPLATE, "hex"), modulus]));
}

function readKey(pem: string): KeyObject | undefined {
	try {
		return createPublicKey(pem);
	} catch {
		return undefined;
	}
}
