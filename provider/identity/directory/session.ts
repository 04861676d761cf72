/** A login at a directory that is opened when it is needed, and opened again after it was lost. */
import { DirectoryError, explain, resultCode, type Situation } from "./errors";
import { type Client, type Library, loadLibrary } from "./library";
import { loginProblem } from "./login-problems";
import type { ServerSettings } from "./schema";
import { connectSecurely } from "./secure";

/** What work at a directory is done with. */
export interface At {
	library: Library;
	client: Client;
}

export class Session {
	private held: At | undefined;
	private opening: Promise<At> | undefined;

	constructor(
		private readonly settings: ServerSettings,
		private readonly accounts: Pick<Situation, "container" | "schemaSetting">,
	) {}

	/**
	 * Does some work logged in. Several may be under way at once.
	 * @param what completes "could not ..."
	 * @throws DirectoryError
	 */
	async run<T>(what: string, work: (at: At) => Promise<T>): Promise<T> {
		const at = await this.login();
		try {
			return await work(at);
		} catch (error) {
			if (resultCode(error) === undefined && at.client.isConnected) throw error;
			const { url, user } = this.settings;
			throw explain(error, { url, user, what, ...this.accounts });
		}
	}

	/** Logs out. */
	async close(): Promise<void> {
		const at = (await this.opening?.catch(() => undefined)) ?? this.held;
		this.held = undefined;
		await unbind(at?.client);
	}

	private async login(): Promise<At> {
		if (this.held?.client.isConnected) return this.held;
		this.opening ??= this.open().finally(() => {
			this.opening = undefined;
		});
		this.held = await this.opening;
		return this.held;
	}

	private async open(): Promise<At> {
		const { url, user, password, timeoutSeconds } = this.settings;
		const library = loadLibrary();
		const socket = await connectSecurely(library, this.settings);
		let isTaken = false;
		const client = new library.Client({
			url: url.replace(/^ldap:/, "ldaps:"),
			timeout: timeoutSeconds * 1000,
			createSecureConnection: () => {
				if (isTaken) throw new Error("the connection was closed");
				isTaken = true;
				return socket;
			},
		});
		try {
			await client.bind(user, password);
		} catch (error) {
			await unbind(client);
			throw new DirectoryError(url, ...loginProblem(error, user), { cause: error });
		}
		return { library, client };
	}
}

/** Without it a directory keeps the connection until its own time limit. */
async function unbind(client: Client | undefined): Promise<void> {
	// A connection that is gone needs no goodbye.
	await client?.unbind().catch(() => {});
}
