/** The editor's page: the fields of each step from the server's form; what is wrong the server says after each change. */

/** @type {{ phases: string[], fields: object[], draft: Record<string, object[]>, version: string, file: string }} */
let opened;
/** The draft as it is in the file, as JSON. */
let saved;
let problems = [];
/** Texts of fields that are no values, by their place; the draft has what was there before. */
const unreadable = new Map();

const element = (id) => document.getElementById(id);

/** @param properties of the element; those with a dash, and `role`, are attributes */
function make(tag, properties = {}, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(properties)) {
		if (value === undefined) continue;
		if (name.includes("-") || name === "role") made.setAttribute(name, value);
		else made[name] = value;
	}
	made.append(...children);
	return made;
}

async function ask(path, { method = "GET", body } = {}) {
	const response = await fetch(path, {
		method,
		...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
	});
	if (!response.ok) throw new Error(await response.text());
	return response.json();
}

function say(text) {
	element("status").textContent = text;
}

/** What the last command has done: what is wrong then is said beside it. */
function tell(text) {
	element("done").textContent = text;
}

function isChanged() {
	return JSON.stringify(opened.draft) !== saved;
}

// ---- the steps

function show() {
	element("phases").replaceChildren(...opened.phases.map(phaseOf));
	mark();
}

function phaseOf(phase) {
	const steps = opened.draft[phase] ?? [];
	const heading = make("h2", { id: phase, textContent: phase });
	const add = make("button", { type: "button", textContent: "Add a step", "aria-label": `Add a step to ${phase}` });
	add.addEventListener("click", () => {
		opened.draft[phase] = [...steps, {}];
		changed();
		focusOn(phase, steps.length, "kind");
		tell(`step ${steps.length + 1} of ${phase} is new`);
	});
	const list = steps.map((step, index) => stepOf(phase, steps, step, index));
	return make("section", { "aria-labelledby": phase }, heading, ...list, add);
}

function stepOf(phase, steps, step, index) {
	const place = `${phase}[${index}]`;
	const known = opened.fields.map(({ name }) => name);
	const strange = Object.keys(step).filter((name) => !known.includes(name));
	return make(
		"fieldset",
		{ id: place },
		make("legend", { textContent: `Step ${index + 1} of ${phase}` }),
		problemAt(place),
		...opened.fields.map((field) => fieldOf(place, step, field)),
		...strange.map((name) => strangeOf(place, step, name)),
		make(
			"div",
			{ role: "group", "aria-label": `Place of step ${index + 1} of ${phase}` },
			mover(phase, steps, index, -1, "Up"),
			mover(phase, steps, index, 1, "Down"),
			remover(phase, steps, index),
		),
	);
}

function mover(phase, steps, index, by, textContent) {
	const to = index + by;
	const id = `${phase}[${index}].${textContent}`;
	const button = make("button", { type: "button", id, textContent, disabled: to < 0 || to >= steps.length });
	button.setAttribute("aria-label", `${textContent}: step ${index + 1} of ${phase}`);
	button.addEventListener("click", () => {
		[steps[index], steps[to]] = [steps[to], steps[index]];
		unreadable.clear();
		changed();
		const same = element(`${phase}[${to}].${textContent}`);
		(same.disabled ? element(`${phase}[${to}].${by < 0 ? "Down" : "Up"}`) : same).focus();
		tell(`step ${index + 1} of ${phase} is step ${to + 1} now`);
	});
	return button;
}

function remover(phase, steps, index) {
	const label = `Remove: step ${index + 1} of ${phase}`;
	const button = make("button", { type: "button", textContent: "Remove", "aria-label": label });
	button.addEventListener("click", () => {
		steps.splice(index, 1);
		if (steps.length === 0) delete opened.draft[phase];
		unreadable.clear();
		changed();
		if (steps.length > 0) focusOn(phase, Math.min(index, steps.length - 1), "kind");
		else element(phase).parentElement.querySelector("button").focus();
		tell(`step ${index + 1} of ${phase} is removed`);
	});
	return button;
}

function focusOn(phase, index, field) {
	element(`${phase}[${index}].${field}`)?.focus();
}

/** What the schema does not know: it can only be taken out. */
function strangeOf(place, step, name) {
	const button = make("button", { type: "button", textContent: `Remove ${name}` });
	button.addEventListener("click", () => {
		delete step[name];
		changed();
	});
	return make("div", {}, problemAt(`${place}.${name}`), button);
}

// ---- the fields of a step

const WORDS = {
	timeoutSeconds: "timeout, seconds",
	onFailure: "on failure",
	exec: "program",
	parallel: "beside the former",
};
const LINES_HELP = "Program and arguments, one a line; a line that begins with a double quote is read as JSON.";

function fieldOf(place, step, field) {
	const id = `${place}.${field.name}`;
	const help =
		field.type === "lines" ? make("p", { id: `${id}.help`, className: "help", textContent: LINES_HELP }) : "";
	const input = inputOf(id, step[field.name], field);
	input.id = id;
	input.setAttribute("aria-describedby", `${id}.problem${help ? ` ${id}.help` : ""}`);
	input.addEventListener(input.tagName === "SELECT" || input.type === "checkbox" ? "change" : "input", () => {
		take(id, step, field, input);
	});
	const label = make("label", { htmlFor: id, textContent: WORDS[field.name] ?? field.name });
	return make("div", { className: "field" }, label, input, problemAt(id), help);
}

function inputOf(id, value, field) {
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
	const shown = unreadable.get(id) ?? (type === "lines" ? linesOf(value) : (value ?? ""));
	return type === "lines"
		? make("textarea", { value: shown, rows: 3, spellcheck: false })
		: make("input", { value: shown });
}

function linesOf(value) {
	if (value === undefined) return "";
	if (!Array.isArray(value)) return String(value);
	return value.map((one) => (/^"|[\n\r]|^$/.test(one) ? JSON.stringify(one) : one)).join("\n");
}

function take(id, step, { name, type, default: otherwise }, input) {
	unreadable.delete(id);
	try {
		const value = valueFrom(type, input, otherwise);
		if (value === undefined) delete step[name];
		else step[name] = value;
	} catch {
		unreadable.set(id, input.value);
	}
	changed({ redraw: false });
}

function valueFrom(type, input, otherwise) {
	if (type === "switch") return input.checked === (otherwise ?? false) ? undefined : input.checked;
	if (type === "number") {
		if (input.validity.badInput) throw new Error("no number");
		return input.value === "" ? undefined : Number(input.value);
	}
	if (type !== "lines") return input.value === "" ? undefined : input.value;
	if (input.value.trim() === "") return undefined;
	return input.value
		.replace(/\n+$/, "")
		.split("\n")
		.map((line) => (line.startsWith('"') ? text(JSON.parse(line)) : line));
}

function text(value) {
	if (typeof value !== "string") throw new Error("no text");
	return value;
}

// ---- what is wrong, and what it comes to

function problemAt(place) {
	return make("p", { id: `${place}.problem`, className: "problem", hidden: true, "data-place": place });
}

/** Marks what is wrong where it is: at its field, else at its step. */
function mark() {
	const left = new Set([...problems, ...unreadableProblems()]);
	for (const shown of document.querySelectorAll("[data-place]")) {
		const place = shown.dataset.place;
		const isStep = place.endsWith("]");
		const here = [...left].filter(({ property, message }) =>
			isStep ? property === place || message.startsWith(`${place}: `) : under(property, place),
		);
		for (const one of here) left.delete(one);
		shown.textContent = here.map(({ message }) => message.replace(`${place}: `, "")).join("; ");
		shown.hidden = here.length === 0;
		if (here.length > 0) element(place)?.setAttribute("aria-invalid", "true");
		else element(place)?.removeAttribute("aria-invalid");
	}
	const others = [...left].map(({ property, message }) => [property, message].filter(Boolean).join(": "));
	const wrong = problems.length + unreadable.size;
	element("save").disabled = wrong > 0 || !isChanged();
	if (others.length > 0) say(others.join("; "));
	else if (wrong > 0) say(`${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong`);
	else say(isChanged() ? "not saved yet" : "as it is in the file");
}

function under(property, place) {
	return property === place || property.startsWith(`${place}[`) || property.startsWith(`${place}.`);
}

function unreadableProblems() {
	return [...unreadable.keys()].map((property) => ({ property, message: "this cannot be read" }));
}

/** Checks are answered in the order in which they were asked; of several only the last counts. */
let asked = 0;
/** Settles with the last of them. */
let checked = Promise.resolve();

function changed({ redraw = true } = {}) {
	if (redraw) show();
	checked = check(++asked);
	return checked;
}

async function check(mine) {
	try {
		const answer = await ask("/check", { method: "POST", body: { draft: opened.draft } });
		if (mine !== asked) return;
		problems = answer.problems;
		element("lines").textContent = answer.lines.join("\n");
		mark();
	} catch (error) {
		element("save").disabled = true;
		say(`not checked, and not to be saved: ${error.message}`);
	}
}

async function save() {
	await checked;
	if (element("save").disabled) return;
	try {
		const written = JSON.stringify(opened.draft);
		const { version } = await ask("/template", {
			method: "PUT",
			body: { draft: opened.draft, version: opened.version },
		});
		opened.version = version;
		saved = written;
		mark();
		tell(`saved ${opened.file}`);
	} catch (error) {
		tell(`not saved: ${error.message}`);
	}
}

// ---- what is possible

async function listMachines() {
	try {
		const names = await ask("/machines");
		element("machine").append(...names.map((name) => make("option", { value: name, textContent: name })));
	} catch (error) {
		element("machine-status").textContent = `the host does not answer: ${error.message}`;
	}
}

async function showOptions() {
	const machine = element("machine").value;
	const table = element("options");
	table.hidden = true;
	if (machine === "") return;
	element("machine-status").textContent = `looks at ${machine} …`;
	try {
		const options = await ask(`/options?machine=${encodeURIComponent(machine)}`);
		if (element("machine").value !== machine) return;
		const rows = options.map(({ type, size, mode, reasons }) => {
			const because = reasons.map(({ reason }) => reason).join("; ");
			const cells = [size.vcpus, size.memoryMiB, mode, because].map((cell) => make("td", { textContent: cell }));
			return make("tr", {}, make("th", { scope: "row", textContent: type }), ...cells);
		});
		table.querySelector("tbody").replaceChildren(...rows);
		table.hidden = false;
		element("machine-status").textContent = `${options.length} types for ${machine}`;
	} catch (error) {
		element("machine-status").textContent = error.message;
	}
}

// ---- the start

element("save").addEventListener("click", save);
element("machine").addEventListener("change", showOptions);
document.addEventListener("keydown", (event) => {
	if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
	event.preventDefault();
	save();
});
window.addEventListener("beforeunload", (event) => {
	if (opened && isChanged()) event.preventDefault();
});

try {
	opened = await ask("/template");
	saved = JSON.stringify(opened.draft);
	element("file").textContent = opened.file;
	await changed();
} catch (error) {
	say(error.message);
}
await listMachines();
