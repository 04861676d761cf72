import * as assert from "node:assert/strict";
import { type AdDirectoryArgs, adDirectory } from "../../provider/identity/directory/ad";
import { DomainController } from "../../tools/directory/domain-controller";

/** Of the accounts that tests make. */
export const owner = "organization/project/stack/pool";

/** A domain controller for the tests of a file, as the product reaches it. To be called where `before` may be. */
export function adLab() {
	let controller: DomainController;
	before(async () => {
		controller = await DomainController.start();
	});
	after(() => controller?.stop());

	function settings(changes: Partial<AdDirectoryArgs> = {}): AdDirectoryArgs {
		const { ou, ca, serverName, admin } = controller;
		return { url: `ldaps://127.0.0.1:${controller.ldaps.port}`, ou, ca, serverName, ...admin, ...changes };
	}

	/** Does something with a directory, and logs out. */
	async function using<T>(
		changes: Partial<AdDirectoryArgs>,
		work: (directory: ReturnType<typeof adDirectory>) => Promise<T>,
	): Promise<T> {
		const directory = adDirectory(settings(changes));
		try {
			return await work(directory);
		} finally {
			await directory.close();
		}
	}

	/** @param secret is not in the message */
	async function refused(changes: Partial<AdDirectoryArgs>, message: RegExp, secret?: string): Promise<void> {
		await assert.rejects(
			using(changes, (directory) => directory.check()),
			(error: Error) => {
				assert.equal(error.name, "DirectoryError");
				assert.match(error.message, message);
				if (secret !== undefined) assert.ok(!error.message.includes(secret));
				return true;
			},
		);
	}

	return {
		get controller() {
			return controller;
		},
		settings,
		using,
		refused,
		offlineJoin: () => ({
			domainController: controller.serverName,
			// The machine's own name server knows nothing of this domain.
			command: [...controller.world.prefix, "net"],
		}),
	};
}
