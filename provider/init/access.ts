/** Other access to a host, for what one's own is denied. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { connect, LibvirtError } from "../libvirt";
import type { Context } from "../lifecycle";
import { commonShape, wholeText } from "../schema";
import { withTemporaryFolder } from "../temporary";

export const accessSchema = z.strictObject({
	/** Another way to the same host. */
	uri: commonShape.uri.optional(),
	/** Content of an authentication file of libvirt's, for SASL. */
	authFile: wholeText.min(1).max(65_536).optional(),
});

export type Access = z.output<typeof accessSchema>;

/** What libvirt says to who may not do something, or may not connect at all. */
const DENIED: ReadonlySet<string> = new Set([
	"VIR_ERR_ACCESS_DENIED",
	"VIR_ERR_OPERATION_DENIED",
	"VIR_ERR_AUTH_FAILED",
	"VIR_ERR_AUTH_CANCELLED",
	"VIR_ERR_AUTH_UNAVAILABLE",
]);

/**
 * Does something with one's own access, and where that is denied again with the other one. It has to be safe to do again.
 * @throws what the work does
 */
export async function withAccess<T>(
	context: Context,
	other: Access | undefined,
	work: (context: Context) => Promise<T>,
): Promise<T> {
	try {
		return await work(context);
	} catch (error) {
		if (!other || !(error instanceof LibvirtError) || !DENIED.has(error.errorName)) throw error;
		context.log(`denied: ${error.reason}; it is done with elevatedCredentials`);
		return withOther(context, other, work);
	}
}

async function withOther<T>(
	context: Context,
	{ uri = context.host.uri, authFile }: Access,
	work: (context: Context) => Promise<T>,
): Promise<T> {
	// The file has to be there for as long as a connection may be opened.
	return withTemporaryFolder("access", async (folder) => {
		const file = join(folder, "auth.conf");
		if (authFile !== undefined) await writeFile(file, authFile, { mode: 0o600 });
		const host = connect(authFile === undefined ? uri : withParameter(uri, "authfile", file));
		try {
			return await work({ ...context, host });
		} finally {
			if (host !== context.host) await host.close();
		}
	});
}

function withParameter(uri: string, name: string, value: string): string {
	const [before = "", fragment] = uri.split("#", 2);
	const joined = `${before}${before.includes("?") ? "&" : "?"}${name}=${encodeURIComponent(value)}`;
	return fragment === undefined ? joined : `${joined}#${fragment}`;
}
