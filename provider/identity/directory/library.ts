/** The LDAP client, which only those need who keep accounts in a directory. */
import type * as Ldapts from "ldapts";

export type { Client, Entry } from "ldapts";
export type Library = typeof Ldapts;

/** @throws Error when the optional package is not installed */
export function loadLibrary(): Library {
	try {
		return require("ldapts");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
		throw new Error(
			"A directory needs the npm package ldapts, which is not installed: it is an optional dependency. " +
				"Install without --omit=optional, or add ldapts to your project.",
			{ cause: error },
		);
	}
}
