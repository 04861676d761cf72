/** What is put into an image. */

/** Everything in here is the payload's: what an earlier one left there goes. */
export const OWN_FOLDER = "/usr/lib/clones-init";

/** In it: what nobody but root may look into. */
export const PLAN_FOLDER = `${OWN_FOLDER}/plan`;

/** Holds the version of the payload that is in an image. */
export const VERSION_FILE = `${PLAN_FOLDER}/version`;

/** The same under Windows, on the drive of the system. */
export const WINDOWS_FOLDER = "/ProgramData/clones-init";

export interface PayloadFile {
	/** Absolute. */
	path: string;
	/** Permissions; the owner is root. */
	mode: number;
	content: Buffer;
}

export interface Payload {
	/** What it is for. @default "linux" */
	system?: "windows" | undefined;
	files: ReadonlyArray<PayloadFile>;
	/** Symbolic links; one that is there is replaced. `where` is what has to be there, or else they are left out. */
	links: ReadonlyArray<{ path: string; target: string; where?: string | undefined }>;
	/**
	 * Lines that are added, once, to files that are there; where there is no such file they are left out. Under Windows they
	 * come first, and the file is made.
	 */
	lines: ReadonlyArray<{ path: string; line: string }>;
	/** SHA-256, in hex, of all of it. */
	version: string;
}
