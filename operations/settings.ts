/** The file of a stack's settings, with another configuration of its sets. Pure. */
import { isMap, parseDocument, Scalar, visit } from "yaml";
import { type ConfiguredForks, checkedForks, configuredForks, FORKS_KEY } from "../components/forked-vm-set/configured";

/** @param text of the file; "" where there is none @throws Error for what is no such file, InputError for what is wrong in it */
export function forksIn(file: string, text: string): ConfiguredForks {
	const value = (documentOf(file, text).toJS() as { config?: Record<string, unknown> } | null)?.config?.[FORKS_KEY];
	if (value === undefined || value === null) return {};
	// What `pulumi config set` without --path was given.
	if (typeof value === "string") return configuredForks(value);
	if (typeof value === "object" && "secure" in value && Object.keys(value).length === 1) {
		throw new Error(
			`${file}: ${FORKS_KEY}: got an encrypted value; allowed is one in plain text, as there is nothing secret in it: ` +
				`pulumi config set --plaintext ${FORKS_KEY} ...`,
		);
	}
	return checkedForks(value);
}

/** Long lines stay in one piece. */
const AS_IT_IS = { lineWidth: 0 };

/** @returns the text with these sets; comments and all else stay */
export function withForks(file: string, text: string, forks: ConfiguredForks): string {
	const document = documentOf(file, text);
	const given = Object.fromEntries(Object.entries(forks).filter(([, set]) => Object.keys(set).length > 0));
	const path = ["config", FORKS_KEY];
	if (Object.keys(given).length === 0) {
		document.deleteIn(path);
		const config = document.get("config");
		if (isMap(config) && config.items.length === 0) document.delete("config");
		const { contents } = document;
		return contents === null || (isMap(contents) && contents.items.length === 0) ? "" : document.toString(AS_IT_IS);
	}
	const node = document.createNode(given);
	visit(node, {
		// Other readers take a plain text such as 2026-11-23 for a time, and off for a truth value.
		Scalar(key, scalar) {
			if (key !== "key" && typeof scalar.value === "string") scalar.type = Scalar.QUOTE_DOUBLE;
		},
	});
	if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
	if (!isMap(document.get("config"))) document.set("config", document.createNode({}));
	document.setIn(path, node);
	return document.toString(AS_IT_IS);
}

function documentOf(file: string, text: string) {
	const document = parseDocument(text);
	if (document.errors[0]) throw new Error(`${file} is not well-formed YAML: ${document.errors[0].message}`);
	const { contents } = document;
	if (contents !== null && !isMap(contents)) throw new Error(`${file}: got no group of properties`);
	return document;
}
