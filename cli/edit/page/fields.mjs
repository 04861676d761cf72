/** The fields of tools and steps: their words, their inputs, and the values behind these. */

/** @param properties of the element; those with a dash, and `role`, are attributes */
export function make(tag, properties = {}, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(properties)) {
		if (value === undefined) continue;
		if (name.includes("-") || name === "role") made.setAttribute(name, value);
		else made[name] = value;
	}
	made.append(...children);
	return made;
}

export const WORDS = {
	timeoutSeconds: "timeout, seconds",
	onFailure: "on failure",
	exec: "program",
	parallel: "beside the former",
	provides: "provides, a command or a path in the guest",
	sha256: "SHA-256 of what is added, in hex",
	"script.text": "script",
	"script.file": "script, a file of the program's",
	"package.file": "package, a file of the program's",
	"package.install": "package, how it is installed",
	"package.remove": "package, how it is removed",
	credentials: "credentials of the package's install",
	required: "needed",
	keep: "stays",
};
export const HELP = {
	lines: "Program and arguments, one a line; a line that begins with a double quote is read as JSON.",
	pairs: "Environment variables, NAME=VALUE, one a line. What is secret belongs into a program, not into a file.",
};

/** Of a name with a dot, what is in the group. */
export function valueAt(item, name) {
	const [group, rest] = name.split(".");
	return rest === undefined ? item[group] : item[group]?.[rest];
}

export function putAt(item, name, value) {
	const [group, rest] = name.split(".");
	const inside = rest === undefined ? item : typeof item[group] === "object" ? item[group] : {};
	if (value === undefined) delete inside[rest ?? group];
	else inside[rest ?? group] = value;
	if (rest === undefined) return;
	if (Object.keys(inside).length === 0) delete item[group];
	else item[group] = inside;
}

/** @param unread what was written there last, where it is no value */
export function inputOf(value, field, unread) {
	const { type, choices, default: otherwise, min, max } = field;
	if (type === "choice") {
		const none = make("option", { value: "", textContent: otherwise === undefined ? "" : `${otherwise} (default)` });
		const others = choices.filter((choice) => choice !== otherwise || choice === value);
		const select = make(
			"select",
			{},
			none,
			...others.map((choice) => make("option", { value: choice, textContent: choice })),
		);
		// What is not allowed is shown as well.
		if (value !== undefined && !choices.includes(value)) select.append(make("option", { value, textContent: value }));
		select.value = value ?? "";
		return select;
	}
	if (type === "switch") return make("input", { type: "checkbox", checked: value ?? otherwise ?? false });
	if (type === "number")
		return make("input", { type: "number", value: value ?? "", placeholder: otherwise ?? "", min, max });
	const shown = unread ?? (TEXTS[type] ?? String)(value ?? "");
	return type === "text"
		? make("input", { value: shown })
		: make("textarea", { value: shown, rows: type === "long" ? 6 : 3, spellcheck: false });
}

const TEXTS = { lines: linesOf, pairs: pairsOf };

function linesOf(value) {
	if (!Array.isArray(value)) return String(value);
	return value.map((one) => (/^"|[\n\r]|^$/.test(one) ? JSON.stringify(one) : one)).join("\n");
}

function pairsOf(value) {
	if (typeof value !== "object") return String(value);
	return linesOf(Object.entries(value).map(([name, one]) => `${name}=${one}`));
}

/** @throws Error for a text that is no value */
export function valueFrom(type, input, otherwise) {
	if (type === "switch") return input.checked === (otherwise ?? false) ? undefined : input.checked;
	if (type === "number") {
		if (input.validity.badInput) throw new Error("no number");
		return input.value === "" ? undefined : Number(input.value);
	}
	if (!(type in TEXTS)) return input.value === "" ? undefined : input.value;
	if (input.value.trim() === "") return undefined;
	const lines = input.value
		.replace(/\n+$/, "")
		.split("\n")
		.map((line) => (line.startsWith('"') ? text(JSON.parse(line)) : line));
	return type === "lines" ? lines : Object.fromEntries(lines.map(pair));
}

function text(value) {
	if (typeof value !== "string") throw new Error("no text");
	return value;
}

function pair(line) {
	const at = line.indexOf("=");
	if (at < 0) throw new Error("no pair");
	return [line.slice(0, at), line.slice(at + 1)];
}
