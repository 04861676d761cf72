/** A line for each tenth, and none for what is there in a moment. */
export function progressLog(log: (message: string) => void, totalBytes: number, verb = "uploaded") {
	const started = performance.now();
	let told = 0;
	return (bytes: number) => {
		const tenth = Math.floor((bytes / totalBytes) * 10);
		const seconds = (performance.now() - started) / 1000;
		if (tenth <= told || seconds < 1) return;
		told = tenth;
		const mebibytes = (count: number) => Math.round(count / 2 ** 20);
		log(`${verb} ${mebibytes(bytes)} of ${mebibytes(totalBytes)} MiB (${tenth * 10} %) in ${seconds.toFixed(0)} s`);
	};
}
