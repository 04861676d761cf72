/**
 * Keeps what the engine records of a resource small: it writes the whole state twice for each resource that it makes, and
 * what that costs goes by the number of properties. Inputs are recorded without their defaults, and outputs are what was
 * found out, property by property, with the inputs as they were applied in one text.
 */
import { isDeepStrictEqual } from "node:util";
import { withDefaults, withoutDefaults } from "./defaults";
import type { Lifecycle, RecordedInputs } from "./lifecycle";
import type { Handler } from "./resource";
import { aboutOf, type Properties } from "./wire";

/** The same handler, with a small state. State that was recorded at length is understood as well. */
export function withSmallState<Inputs extends RecordedInputs, Facts extends object>(
	lifecycle: Lifecycle<Inputs, Facts>,
	handler: Handler,
): Handler {
	const { schema, sensitive = [], outputs = [] } = lifecycle;
	const names = new Set(Object.keys((schema as unknown as { shape: object }).shape));
	const alwaysApart: string[] = [...sensitive, ...outputs];
	/** Inputs with secrets, by owner. Learned by `check`, which precedes a create or update in the same process. */
	const secrets = new Map<string, string[]>();

	const full = (inputs: Properties) => withDefaults(schema, inputs) as Properties;
	const small = (inputs: Properties): Properties => {
		const defaults = (lifecycle.defaults?.(inputs as unknown as Inputs) ?? {}) as Properties;
		const given = Object.entries(withoutDefaults(schema, inputs) as Properties);
		return Object.fromEntries(given.filter(([key, value]) => !isDeepStrictEqual(value, defaults[key])));
	};

	/** @param olds outputs of before, in which a secret was a property of its own, too */
	const packed = (state: Properties, olds: Properties = {}): Properties => {
		const secret = secrets.get(String(state.ownerId)) ?? [];
		return pack(small(state), names, new Set([...alwaysApart, ...secret, ...Object.keys(olds)]));
	};
	const unpacked = (outputs: Properties): Properties => full(unpack(outputs));

	const packingFailures = <T>(work: Promise<T>, olds?: Properties): Promise<T> =>
		work.catch((error: { properties?: Properties }) => {
			if (error?.properties) error.properties = packed(error.properties, olds);
			throw error;
		});

	return {
		async check(olds, news) {
			const { secretInputs = [] } = aboutOf(news);
			const ownNames = secretInputs.map(([name]) => String(name));
			if (ownNames.length > 0) secrets.set(String(news.ownerId), ownNames);
			const { inputs, failures } = await handler.check("ownerId" in olds ? full(olds) : olds, news);
			return { inputs: failures.length > 0 || inputs.lacksInput ? inputs : small(inputs), failures };
		},

		diff: (id, olds, news) => handler.diff(id, unpacked(olds), full(news)),

		async create(inputs) {
			const { id, outs } = await packingFailures(handler.create(full(inputs)));
			return { id, outs: packed(outs) };
		},

		async read(id, props) {
			const found = await handler.read(id, unpacked(props));
			if (found.id === "") return found;
			return {
				id,
				props: packed(found.props, props),
				...(found.inputs ? { inputs: small(found.inputs) } : {}),
			};
		},

		async update(id, olds, news) {
			// Of a state that was recorded at length the check has told what is secret.
			const before = "applied" in olds ? olds : {};
			const { outs } = await packingFailures(handler.update(id, unpacked(olds), full(news)), before);
			return { outs: packed(outs, before) };
		},

		delete: (id, props) => handler.delete(id, unpacked(props)),
	};
}

function pack(state: Properties, inputs: ReadonlySet<string>, apart: ReadonlySet<string>): Properties {
	const applied: Properties = {};
	const rest: Properties = {};
	for (const [key, value] of Object.entries(state)) (inputs.has(key) && !apart.has(key) ? applied : rest)[key] = value;
	return { ...rest, applied: JSON.stringify(applied) };
}

function unpack({ applied, ...rest }: Properties): Properties {
	return typeof applied === "string" ? { ...(JSON.parse(applied) as Properties), ...rest } : rest;
}
