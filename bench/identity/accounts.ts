/** Identities of a new pool with their accounts in Samba's Active Directory, made as a pool makes them. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Allocator } from "../../provider/identity/allocator";
import { adDirectory } from "../../provider/identity/directory/ad";
import { openSqliteStore } from "../../provider/identity/store/sqlite";
import { DomainController } from "../../tools/directory/domain-controller";
import { interleaved, progress, time } from "../measure";

/** @returns milliseconds for one identity, keys and account */
export async function accountsInActiveDirectory(folder: string, rounds: number, count: number): Promise<number> {
	const controller = await DomainController.start();
	const { ou, ca, serverName, admin, ldaps } = controller;
	const directory = adDirectory({ url: `ldaps://127.0.0.1:${ldaps.port}`, ou, ca, serverName, ...admin });
	const store = await openSqliteStore({ path: join(folder, "accounts.db") });
	progress("the domain controller is there");
	try {
		let round = 0;
		const { active_directory } = await interleaved(rounds, {
			active_directory: async () => {
				const pool = `round-${++round}`;
				const key = { key: randomBytes(32).toString("base64") };
				const allocator = await Allocator.open({ store, directory, pool, owner: pool, key });
				const identities = Array.from({ length: count }, (_, index) => ({ name: `r${round}-${index}` }));
				return (await time(() => allocator.ensure(identities))) / count;
			},
		});
		return active_directory;
	} finally {
		await directory.close();
		await store.close();
		await controller.stop();
	}
}
