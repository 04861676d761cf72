/** ssh host keys of an identity, in the form in which sshd reads them from /etc/ssh. */
import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { mpint, openSshKey, text } from "./openssh-key";

/** An ssh host key. */
export interface HostKey {
	/** Kind of key: "ed25519" or "ecdsa". */
	type: HostKeyType;
	/** Content of /etc/ssh/ssh_host_TYPE_key. A secret. */
	privateKey: string;
	/** Content of the file with .pub: one line. */
	publicKey: string;
}

/** RSA keys take a second to make, and no client of this decade needs them. */
export const HOST_KEY_TYPES = ["ed25519", "ecdsa"] as const;
export type HostKeyType = (typeof HOST_KEY_TYPES)[number];

const generate = promisify(generateKeyPair);

/** New keys, one of each type. @param comment to tell them apart, such as the host name */
export function newHostKeys(comment: string): Promise<HostKey[]> {
	return Promise.all(HOST_KEY_TYPES.map(async (type) => ({ type, ...(await MAKERS[type](comment)) })));
}

type Maker = (comment: string) => Promise<Omit<HostKey, "type">>;

const MAKERS: Record<HostKeyType, Maker> = {
	async ed25519(comment) {
		const jwk = (await generate("ed25519")).privateKey.export({ format: "jwk" });
		const [point, seed] = [bytes(jwk.x), bytes(jwk.d)];
		return openSshKey("ssh-ed25519", [text(point)], [text(point), text(Buffer.concat([seed, point]))], comment);
	},
	async ecdsa(comment) {
		const jwk = (await generate("ec", { namedCurve: "P-256" })).privateKey.export({ format: "jwk" });
		const uncompressed = Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]);
		const shared = [text("nistp256"), text(uncompressed)];
		return openSshKey("ecdsa-sha2-nistp256", shared, [...shared, mpint(bytes(jwk.d))], comment);
	},
};

function bytes(base64url: string | undefined): Buffer {
	return Buffer.from(base64url!, "base64url");
}
