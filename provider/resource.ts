/**
 * Turns a lifecycle into the handler that the SDK's dynamic provider expects. With `wire.ts` the only place that knows the
 * engine's conventions: how an unknown, a partial failure, a vanished object and a preview's plan look on the wire.
 */
import { engineEnd, logLine, operation } from "./engine";
import { forgetKnown, isFormer, rememberKnown, rememberMade } from "./guard/known";
import { areAllOfStack, postpone } from "./guard/postponed";
import { inLane } from "./lanes";
import { connect } from "./libvirt";
import { type Context, InputError, InUseError, type Lifecycle, type RecordedInputs, type State } from "./lifecycle";
import { changesOf, planFor, wrapped } from "./plan";
import { type Problem, validate } from "./problems";
import { type Hide, hiding, hidingError } from "./secrets";
import { componentOf } from "./taken";
import { hasUnknown, isUnknown } from "./unknown";
import {
	aboutOf,
	asFailure,
	type CheckFailure,
	definedOnly,
	namingResource,
	type Properties,
	presentable,
	recordingIncomplete,
	stripped,
	topLevel,
	withoutNothing,
} from "./wire";

/** The interface of a dynamic provider (`pulumi.dynamic.ResourceProvider`), as far as the SDK's process calls it. */
export interface Handler {
	check(olds: Properties, news: Properties): Promise<{ inputs: Properties; failures: CheckFailure[] }>;
	diff(
		id: string,
		olds: Properties,
		news: Properties,
	): Promise<{ changes: boolean; replaces: string[]; deleteBeforeReplace?: boolean }>;
	create(inputs: Properties): Promise<{ id: string; outs: Properties }>;
	read(id: string, props: Properties): Promise<{ id: string; props: Properties; inputs?: Properties }>;
	update(id: string, olds: Properties, news: Properties): Promise<{ outs: Properties }>;
	delete(id: string, props: Properties): Promise<void>;
}

export function handlerOf<Inputs extends RecordedInputs, Facts extends object>(
	lifecycle: Lifecycle<Inputs, Facts>,
): Handler {
	type Full = State<Inputs, Facts>;

	/** Where progress is shown. Learned by `check`, which precedes a create or update in the same process. */
	const urns = new Map<string, string>();
	/** What must not be shown. Learned in the same way. */
	const hides = new Map<string, Hide>();

	/** What was recorded of a resource when it was checked first: a replacement is checked again as if there were nothing. */
	const recorded = new Map<string, Properties>();

	const recordedOf = (olds: Properties, { ownerId }: Inputs): Properties => {
		if (Object.keys(olds).some((key) => key !== "__provider")) recorded.set(ownerId, olds);
		return recorded.get(ownerId) ?? olds;
	};

	/** Where an object moves from, which is found out when it is checked first as well. */
	const moves = new Map<string, unknown>();

	const movingAsFirst = (inputs: Inputs): Inputs => {
		const { ownerId, moves: found } = inputs as Inputs & { moves?: unknown };
		if (found !== undefined) moves.set(ownerId, found);
		const known = moves.get(ownerId);
		return known === undefined ? inputs : { ...inputs, moves: known };
	};

	const hideOf = (properties: object): Hide =>
		hides.get((properties as { ownerId: string }).ownerId) ?? ((text) => text);

	/** One operation of the engine's, which shows the error. */
	const shown = <T>(properties: object, work: () => Promise<T>): Promise<T> =>
		operation(work).catch((error) => {
			throw presentable(hidingError(error, hideOf(properties)));
		});

	const contextOf = (properties: object): Context => {
		const { uri, ownerId } = properties as RecordedInputs;
		const urn = urns.get(ownerId);
		const context = {
			log: (message: string) => logLine(urn, hideOf(properties)(message)),
			component: componentOf(urn),
			signal: engineEnd,
		};
		// What is on no host never asks for it.
		return uri === undefined ? (context as Context) : { ...context, host: connect(uri) };
	};

	const inputsOf = (properties: Properties): Properties => {
		const shape = (lifecycle.schema as unknown as { shape: Properties }).shape;
		return Object.fromEntries(Object.keys(shape).flatMap((key) => (key in properties ? [[key, properties[key]]] : [])));
	};

	return {
		async check(olds, news) {
			const { __provider, plan: _plan, about: _about, ...sent } = news;
			const given = withoutNothing(sent);
			const { resourceUrn, secretInputs: secret = [], lacksInput } = aboutOf(news);
			// What it depends on could not be made: the engine is about to skip it.
			if (lacksInput) return { inputs: definedOnly({ ...given, lacksInput }), failures: [] };
			const hide = hiding(given, secret);
			if (resourceUrn !== undefined) urns.set(String(given.ownerId), resourceUrn);
			if (secret.length > 0) hides.set(String(given.ownerId), hide);
			const { inputs, problems } = validate(lifecycle.schema, given, lifecycle.rules, lifecycle.sensitive, secret);
			const refused = (found: ReadonlyArray<Problem | InputError>) => ({
				inputs: news,
				failures: found.map((problem) => asFailure(problem, hide)),
			});
			if (problems.length > 0) return refused(problems);
			try {
				const settled = await settledBy(lifecycle, olds, definedOnly(inputs) as unknown as Inputs, contextOf);
				const resolved = (!hasUnknown(settled) && (await lifecycle.resolve?.(settled))) || settled;
				const before = recordedOf(olds, resolved);
				const plan = wrapped((await planFor(lifecycle, before, movingAsFirst(resolved), contextOf)).map(hide));
				return { inputs: definedOnly({ ...resolved, ...(plan.length > 0 ? { plan } : {}) }), failures: [] };
			} catch (error) {
				if (error instanceof InputError) return refused([error]);
				throw presentable(hidingError(error, hide));
			}
		},

		async diff(id, olds, news) {
			rememberKnown(id, uriOf(olds), generationOf(olds));
			// Left as it is: nobody can tell what it would come to.
			if (news.lacksInput) return { changes: false, replaces: [] };
			const wanted = news as unknown as Inputs;
			const changes = namingResource(lifecycle.name, wanted.ownerId, hideOf(news), () =>
				changesOf(lifecycle, olds as Full, wanted),
			);
			const replacing = changes.filter((change) => change.effect === "replace");
			const replaces = [...new Set(replacing.map((change) => topLevel(change.property)))];
			const unfinished = olds.incomplete === true;
			return {
				changes: changes.length > 0 || unfinished,
				replaces,
				// Of classes that leave the order to this.
				...(replaces.length > 0 && { deleteBeforeReplace: !replacing.some(({ createsFirst }) => createsFirst) }),
			};
		},

		async create(inputs) {
			return shown(inputs, () =>
				recordingIncomplete(inputs, async () => {
					const wanted = stripped(inputs) as unknown as Inputs;
					const made = await inLane(wanted.lane, () => lifecycle.create(wanted, contextOf(inputs)));
					rememberMade(made.id, uriOf(inputs));
					return { id: made.id, outs: definedOnly(made.state) };
				}),
			);
		},

		async read(id, props) {
			return shown(props, async () => {
				const found = await lifecycle.read(id, props as Full, contextOf(props));
				if (!found) return { id: "", props: {} };
				rememberKnown(id, uriOf(props));
				const outputs = definedOnly(found);
				// Without the inputs the next preview would show a bare update.
				return { id, props: outputs, inputs: inputsOf(outputs) };
			});
		},

		async update(id, olds, news) {
			return shown(news, () =>
				recordingIncomplete(news, async () => {
					const context = contextOf(news);
					if (olds.uri !== news.uri && !lifecycle.moves) await refuseOtherHost(lifecycle, id, olds as Full, context);
					const wanted = stripped(news) as unknown as Inputs;
					const state = await inLane(wanted.lane, () => lifecycle.update(id, olds as Full, wanted, context));
					return { outs: definedOnly({ ...state, incomplete: undefined }) };
				}),
			);
		},

		async delete(id, props) {
			const context = contextOf(props);
			return shown(props, async () => {
				if (await isFormer(id, uriOf(props), generationOf(props))) {
					context.log(`${id} stays: it has come back since it was to be deleted`);
					return;
				}
				forgetKnown(id, uriOf(props));
				try {
					await inLane((props as Full).lane, () => lifecycle.delete(id, props as Full, context));
				} catch (error) {
					const { ownerId } = props as { ownerId: string };
					if (!(error instanceof InUseError)) throw error;
					if (!(await areAllOfStack(context.host, ownerId, error.users))) throw error;
					context.log(`${error.message} ${STAYS}${lifecycle.name === "Volume" ? FORGOTTEN : ""}`);
					const again = () => lifecycle.delete(id, props as Full, { ...context, afterSweep: true });
					postpone(context.host, `${lifecycle.name.toLowerCase()} ${id}`, again);
				}
			});
		},
	};
}

const STAYS =
	"It stays for as long as that is there (what an interrupted run left is swept at the end of a destroy, and then this goes, too).";
const FORGOTTEN =
	" From now on the state does not know it: `pulumi-libvirt-clones gc` removes an image once nothing needs it (docs/images.md).";

/** The inputs with references as they are recorded, where they mean the same on the host. */
async function settledBy<Inputs extends RecordedInputs, Facts extends object>(
	lifecycle: Lifecycle<Inputs, Facts>,
	olds: Properties,
	news: Inputs,
	contextOf: (properties: object) => Context,
): Promise<Inputs> {
	if (!lifecycle.settle || olds.ownerId === undefined || isUnknown(news.uri)) return news;
	return lifecycle.settle(olds as unknown as Inputs, news, contextOf(news));
}

/** Another address has to lead to the same object. */
async function refuseOtherHost<Inputs extends RecordedInputs, Facts extends object>(
	lifecycle: Lifecycle<Inputs, Facts>,
	id: string,
	olds: State<Inputs, Facts>,
	context: Context,
): Promise<void> {
	const { uri } = context.host;
	const isThere = lifecycle.exists?.(id, context) ?? lifecycle.read(id, { ...olds, uri }, context);
	if (await isThere) return;
	throw new Error(
		`uri changed from ${olds.uri} to ${uri}, and there is no ${lifecycle.name} ${id} there. Another uri is taken for ` +
			"another address of the same host: change it back, or remove the resource (pulumi destroy) and make it on the " +
			"other host.",
	);
}

/** Empty for what is on no host. */
function uriOf({ uri }: Properties): string {
	return typeof uri === "string" ? uri : "";
}

/** Of a volume, whose id comes back with its name: how long the create took, which differs by microseconds. */
function generationOf({ timings }: Properties): string {
	return String((timings as { createMs?: number } | undefined)?.createMs ?? "");
}
