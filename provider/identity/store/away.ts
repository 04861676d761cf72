/**
 * What could not be reached a moment ago is not waited for again at once: a preview of many identities would wait for the
 * store with each of them.
 */
import { StoreUnavailableError } from "./errors";

const MOMENT_MS = 5_000;
const away = new Map<string, { at: number; error: StoreUnavailableError }>();

/** @param key of the store @throws what `open` throws, or has thrown a moment ago */
export async function reach<T>(key: string, open: () => Promise<T>): Promise<T> {
	const last = away.get(key);
	if (last && performance.now() - last.at < MOMENT_MS) throw last.error;
	try {
		return await open();
	} catch (error) {
		if (error instanceof StoreUnavailableError) away.set(key, { at: performance.now(), error });
		throw error;
	}
}
