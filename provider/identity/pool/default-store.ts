import { homedir } from "node:os";
import { join } from "node:path";

/** Where identities are recorded when nothing is said: a file of this user. */
export function defaultStore(): { sqlite: { path: string } } {
	const folder = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
	return { sqlite: { path: join(folder, "pulumi-libvirt-clones", "identities.sqlite") } };
}
