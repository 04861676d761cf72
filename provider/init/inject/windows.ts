/** Writes a payload into a file system of Windows. */
import { dirname } from "node:path/posix";
import { type Payload, WINDOWS_FOLDER } from "../payload-type";
import type { Guestfish } from "./guestfish";

/** An archive of the files is the descriptor 3 of guestfish. */
export async function writeWindows(guestfish: Guestfish, { lines }: Payload): Promise<void> {
	await guestfish.run("rm-rf", WINDOWS_FOLDER);
	await guestfish.run("mkdir-p", WINDOWS_FOLDER);
	await guestfish.run("tar-in", "/dev/fd/3", "/");
	for (const { path, line } of lines) await putFirst(guestfish, path, line);
}

/** What is in the file may end it anywhere. */
async function putFirst(guestfish: Guestfish, path: string, line: string): Promise<void> {
	await guestfish.run("mkdir-p", dirname(path));
	const text = (await guestfish.ask("cat", path)) ?? "";
	if (text.split(/\r?\n/).includes(line)) return;
	await guestfish.run("write", path, `${line}\r\n${text}`);
}
