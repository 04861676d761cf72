/**
 * The undo list of a create: each step that succeeded adds how to take it back; a failure runs the list backwards, so
 * that nothing is left behind. What an undo step itself fails with is added to the error that the user sees.
 */
export class Undo {
	private readonly steps: Array<{ what: string; run: () => Promise<unknown> }> = [];

	/** @param what completes the sentence "could not ..." */
	add(what: string, run: () => Promise<unknown>): void {
		this.steps.push({ what, run });
	}

	/** Runs `work`; when it fails, takes back its steps, last first, and throws its error. */
	static async around<T>(work: (undo: Undo) => Promise<T>): Promise<T> {
		const undo = new Undo();
		try {
			return await work(undo);
		} catch (error) {
			const left = await undo.run();
			if (left.length === 0) throw error;
			const message = error instanceof Error ? error.message : String(error);
			throw new Error(`${message}\nAnd while undoing it: ${left.join("; ")}`, { cause: error });
		}
	}

	private async run(): Promise<string[]> {
		const left: string[] = [];
		for (const step of this.steps.reverse()) {
			try {
				await step.run();
			} catch (error) {
				left.push(`could not ${step.what}: ${error instanceof Error ? error.message : String(error)}`);
			}
		}
		return left;
	}
}
