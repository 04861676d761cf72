/** The LDAP client, which only those need who keep accounts in a directory. */
import type * as Ldapts from "ldapts";
import { load } from "../store/load";

export type { Client, Entry } from "ldapts";
export type Library = typeof Ldapts;

/** @throws LibraryMissingError when the optional package is not installed */
export function loadLibrary(): Library {
	return load<Library>("ldapts", "a directory of machine accounts");
}
