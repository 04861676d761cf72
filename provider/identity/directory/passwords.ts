import { randomBytes } from "node:crypto";

/** Rules of directories ask for some of each. */
const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/];

/** A new password of 256 random bits: 43 letters, digits, hyphens and underscores, with all kinds that policies count. */
export function newPassword(): string {
	for (;;) {
		const password = randomBytes(32).toString("base64url");
		if (kinds.every((kind) => kind.test(password))) return password;
	}
}
