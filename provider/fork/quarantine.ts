/** What becomes of the identity of a child that was not who it was to be. */
import { type Access, withPool } from "../identity/access";
import type { ForkedInputs } from "./forked";

/** A child that does not have what its identity says: it never gets a network, or, where its address shows it, loses it. */
export class ImpostorError extends Error {}

/**
 * Puts the identity of such a child into quarantine: what is wrong with it nobody knows, and what the child knows of it is
 * not to be used by another.
 * @throws what the work throws; with what became of the identity, where the child was not who it was to be
 */
export async function orQuarantine<Result>(
	{ lease, hostname }: ForkedInputs,
	log: (line: string) => void,
	work: () => Promise<Result>,
): Promise<Result> {
	try {
		return await work();
	} catch (error) {
		if (!lease || !(error instanceof ImpostorError)) throw error;
		throw new ImpostorError(`${error.message}. ${await quarantine(hostname, lease, log, error.message)}`, {
			cause: error,
		});
	}
}

async function quarantine(
	name: string,
	{ pool, epoch }: NonNullable<ForkedInputs["lease"]>,
	log: (line: string) => void,
	reason: string,
): Promise<string> {
	const access = JSON.parse(pool) as Access;
	try {
		await withPool(access, log, ({ store }) => store.quarantine(access.pool, name, reason, epoch));
	} catch (error) {
		return `Its identity ${name} could not be put into quarantine: ${error instanceof Error ? error.message : error}`;
	}
	return (
		`Its identity ${name} of the pool ${access.pool} is in quarantine; the next pulumi up takes another one. ` +
		`Once the cause is found: pulumi-libvirt-clones identities release ${name}`
	);
}
