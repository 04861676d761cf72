// @ts-check

/** @param {number} started by performance.now */
export function seconds(started) {
	return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/**
 * Does one long step: says that it goes on every 15 s, and at the end in one line how long it took.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @param {(line: string) => void} [print]
 * @returns {Promise<T>}
 */
export async function step(title, work, print = console.log) {
	const started = performance.now();
	const heartbeat = setInterval(() => print(`… ${title} (${seconds(started)} so far)`), 15_000);
	try {
		const result = await work();
		print(`✓ ${title} (${seconds(started)})`);
		return result;
	} catch (error) {
		print(`✗ ${title} (${seconds(started)})`);
		throw error;
	} finally {
		clearInterval(heartbeat);
	}
}
