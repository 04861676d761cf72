/** The editor's page: the fields of tools and steps from the server's form; what is wrong it says after each change. */
import { HELP, inputOf, make, putAt, valueAt, valueFrom, WORDS } from "./fields.mjs";

/** @type {{ lists: { path: string, of: string, fields: object[] }[], draft: Record<string, object[]>, version: string, file: string }} */
let opened;
/** The draft as it is in the file, as JSON. */
let saved;
let problems = [];
/** Texts of fields that are no values, by their place; the draft has what was there before. */
const unreadable = new Map();

const element = (id) => document.getElementById(id);

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

// ---- the tools and steps

function show() {
	element("lists").replaceChildren(...opened.lists.map(listOf));
	mark();
}

function listOf(list) {
	const { path, of, fields } = list;
	const items = opened.draft[path] ?? [];
	const heading = make("h2", { id: path, textContent: path });
	const add = make("button", { type: "button", textContent: `Add a ${of}`, "aria-label": `Add a ${of} to ${path}` });
	add.addEventListener("click", () => {
		opened.draft[path] = [...items, {}];
		changed();
		focusOn(path, items.length, fields);
		tell(`${of} ${items.length + 1} of ${path} is new`);
	});
	return make(
		"section",
		{ "aria-labelledby": path },
		heading,
		...items.map((item, index) => itemOf(list, items, item, index)),
		add,
	);
}

function itemOf({ path, of, fields }, items, item, index) {
	const place = `${path}[${index}]`;
	const known = fields.map(({ name }) => name.split(".")[0]);
	const strange = Object.keys(item).filter((name) => !known.includes(name));
	const what = `${of} ${index + 1} of ${path}`;
	return make(
		"fieldset",
		{ id: place },
		make("legend", { textContent: what[0].toUpperCase() + what.slice(1) }),
		problemAt(place),
		...fields.map((field) => fieldOf(place, item, field)),
		...strange.map((name) => strangeOf(place, item, name)),
		make(
			"div",
			{ role: "group", "aria-label": `Place of ${what}` },
			mover({ path, what, of }, items, index, -1, "Up"),
			mover({ path, what, of }, items, index, 1, "Down"),
			remover({ path, what, fields }, items, index),
		),
	);
}

function mover({ path, what, of }, items, index, by, textContent) {
	const to = index + by;
	const id = `${path}[${index}].${textContent}`;
	const button = make("button", { type: "button", id, textContent, disabled: to < 0 || to >= items.length });
	button.setAttribute("aria-label", `${textContent}: ${what}`);
	button.addEventListener("click", () => {
		[items[index], items[to]] = [items[to], items[index]];
		unreadable.clear();
		changed();
		const same = element(`${path}[${to}].${textContent}`);
		(same.disabled ? element(`${path}[${to}].${by < 0 ? "Down" : "Up"}`) : same).focus();
		tell(`${what} is ${of} ${to + 1} now`);
	});
	return button;
}

function remover({ path, what, fields }, items, index) {
	const label = `Remove: ${what}`;
	const button = make("button", { type: "button", textContent: "Remove", "aria-label": label });
	button.addEventListener("click", () => {
		items.splice(index, 1);
		if (items.length === 0) delete opened.draft[path];
		unreadable.clear();
		changed();
		if (items.length > 0) focusOn(path, Math.min(index, items.length - 1), fields);
		else element(path).parentElement.querySelector("button").focus();
		tell(`${what} is removed`);
	});
	return button;
}

function focusOn(path, index, [first]) {
	element(`${path}[${index}].${first.name}`)?.focus();
}

/** What the schema does not know: it can only be taken out. */
function strangeOf(place, item, name) {
	const button = make("button", { type: "button", textContent: `Remove ${name}` });
	button.addEventListener("click", () => {
		delete item[name];
		changed();
	});
	return make("div", {}, problemAt(`${place}.${name}`), button);
}

// ---- their fields

function fieldOf(place, item, field) {
	const id = `${place}.${field.name}`;
	const words = HELP[field.type];
	const help = words ? make("p", { id: `${id}.help`, className: "help", textContent: words }) : "";
	const input = inputOf(valueAt(item, field.name), field, unreadable.get(id));
	input.id = id;
	input.setAttribute("aria-describedby", `${id}.problem${help ? ` ${id}.help` : ""}`);
	input.addEventListener(input.tagName === "SELECT" || input.type === "checkbox" ? "change" : "input", () => {
		take(id, item, field, input);
	});
	const label = make("label", { htmlFor: id, textContent: WORDS[field.name] ?? field.name });
	return make("div", { className: "field" }, label, input, problemAt(id), help);
}

function take(id, item, { name, type, default: otherwise }, input) {
	unreadable.delete(id);
	try {
		putAt(item, name, valueFrom(type, input, otherwise));
	} catch {
		unreadable.set(id, input.value);
	}
	changed({ redraw: false });
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

/** What was done before is not said of what is there now. */
function changed({ redraw = true } = {}) {
	tell("");
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
