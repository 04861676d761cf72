/** What differs from what is recorded, and what a preview says about it in a resource's `plan`. */
import { DeadlineError, LibvirtError, WorkerError } from "./libvirt";
import { type Change, type Context, InputError, type Lifecycle, type RecordedInputs, type State } from "./lifecycle";
import { recordChanges } from "./record";
import { hasUnknown } from "./unknown";

/** What differs: of the object itself, and of what is recorded of it on the host. */
export function changesOf<Inputs extends RecordedInputs, Facts extends object>(
	lifecycle: Lifecycle<Inputs, Facts>,
	olds: State<Inputs, Facts> | Inputs,
	news: Inputs,
): Change[] {
	return [...lifecycle.changes(olds, news), ...recordChanges(olds, news)];
}

/** What the preview says: effects of the changes, then what a look at the host tells. */
export async function planFor<Inputs extends RecordedInputs, Facts extends object>(
	lifecycle: Lifecycle<Inputs, Facts>,
	olds: Record<string, unknown>,
	inputs: Inputs,
	contextOf: (inputs: Inputs) => Context,
): Promise<string[]> {
	const exists = Object.keys(olds).some((key) => key !== "__provider");
	const unknown = hasUnknown(inputs);
	if (unknown && !exists) return planByName(lifecycle, inputs, contextOf);
	const before = olds as unknown as Inputs;
	// What moves goes to volumes that are not there yet, and is to be looked at all the same.
	const looked = !unknown || (inputs as { moves?: unknown }).moves !== undefined;
	const seen = () =>
		looked ? changesSeen(lifecycle, before, inputs, contextOf) : changesOf(lifecycle, before, inputs);
	const changes = exists ? await seen() : [];
	const lines = changes.map((change) => `${change.property}: ${change.effect}: ${change.note}`);
	if (unknown) return lines;
	// Nothing changes: the host is not asked, so that a preview of many unchanged machines stays cheap.
	if (!lifecycle.plan || (exists && changes.length === 0)) return lines;
	const makes = !exists ? "new" : changes.some(({ effect }) => effect === "replace") ? "anew" : false;
	return [...lines, ...(await told(() => lifecycle.plan!(inputs, { ...contextOf(inputs), makes })))];
}

/** The engine shows a `check` only the old inputs, and what a change does may hang on what was found out since. */
async function changesSeen<Inputs extends RecordedInputs, Facts extends object>(
	lifecycle: Lifecycle<Inputs, Facts>,
	olds: Inputs,
	news: Inputs,
	contextOf: (inputs: Inputs) => Context,
): Promise<Change[]> {
	const changes = changesOf(lifecycle, olds, news);
	if (!lifecycle.facts || changes.length === 0) return changes;
	// A host that cannot be looked at is told of by what is planned there.
	const facts = await lifecycle.facts(olds, contextOf(news)).catch(() => ({}));
	return changesOf(lifecycle, { ...olds, ...facts }, news);
}

async function planByName<Inputs extends RecordedInputs, Facts extends object>(
	lifecycle: Lifecycle<Inputs, Facts>,
	inputs: Inputs,
	contextOf: (inputs: Inputs) => Context,
): Promise<string[]> {
	const { uri, ownerId, previousOwnerIds, adopt, name } = inputs as Inputs & { name?: unknown };
	if (!lifecycle.planByName || typeof name !== "string" || hasUnknown([uri, name, adopt, previousOwnerIds])) return [];
	const known = { uri, ownerId, previousOwnerIds, adopt, name } as Inputs & { name: string };
	return told(() => lifecycle.planByName!(known, contextOf(inputs)));
}

/** What a look at the host tells, or why it does not. */
async function told(look: () => Promise<string[]>): Promise<string[]> {
	try {
		return await look();
	} catch (error) {
		if (error instanceof InputError) throw error;
		const what = error instanceof LibvirtError || error instanceof DeadlineError || error instanceof WorkerError;
		return [`${what ? "the host could not be looked at" : "warning"}: ${messageOf(error)}`];
	}
}

/** The CLI cuts what it shows of a text at 150 characters. */
const SHOWN_CHARACTERS = 146;

/** Lines that are shown to their end: a long one goes on in the next, indented. */
export function wrapped(lines: ReadonlyArray<string>): string[] {
	return lines.flatMap((line) => {
		if (line.length <= SHOWN_CHARACTERS) return [line];
		const [first = "", ...words] = line.split(" ");
		const parts = [first];
		for (const word of words) {
			const longer = `${parts.at(-1)} ${word}`;
			if (longer.length <= SHOWN_CHARACTERS) parts[parts.length - 1] = longer;
			else parts.push(`  ${word}`);
		}
		return parts;
	});
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
