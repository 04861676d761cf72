/**
 * A few functions over @xmldom/xmldom's DOM, so that XML is built, read and edited without string templates: whatever a
 * user typed is escaped, and what XML cannot hold is refused instead of being sent to libvirt.
 *
 * Elements are found by their qualified name as it is written (`qemu:commandline`), as libvirt writes them.
 */
import { DOMImplementation, DOMParser, Element, Node, ParseError, XMLSerializer } from "@xmldom/xmldom";

export type { Element };

/** What an element may have inside; `undefined` is left out, so that optional parts can be written in place. */
export type Content = Element | string | number | undefined;
/** Attributes; one that is `undefined` is left out, `true` and `false` are written `yes` and `no` as libvirt does. */
export type Attributes = Record<string, string | number | boolean | undefined>;

/** XML is malformed, or text cannot be written as XML. The message names the line where that is known. */
export class XmlError extends Error {
	constructor(
		message: string,
		/** Line of the text that was parsed, from 1. */
		readonly line?: number,
	) {
		super(message);
		this.name = "XmlError";
	}
}

const factory = new DOMImplementation().createDocument(null, "");

/**
 * Makes an element: `element("disk", { type: "file" }, element("source", { file }), readOnly ? element("readonly") : undefined)`.
 *
 * @throws XmlError for a control character, which XML 1.0 cannot hold even escaped
 */
export function element(name: string, attributes: Attributes = {}, ...content: Content[]): Element {
	const namespace = attributes[`xmlns:${name.split(":")[0]}`];
	const made = namespace ? factory.createElementNS(String(namespace), name) : factory.createElement(name);
	for (const [key, value] of Object.entries(attributes)) setAttribute(made, key, value);
	for (const item of content) {
		if (item === undefined) continue;
		made.appendChild(item instanceof Element ? item : factory.createTextNode(allowedText(String(item), `<${name}>`)));
	}
	return made;
}

/** Sets an attribute, or removes it when the value is undefined. */
export function setAttribute(of: Element, name: string, value: Attributes[string]): void {
	if (value === undefined) {
		of.removeAttribute(name);
		return;
	}
	const written = typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
	allowedText(written, `attribute ${name} of <${of.tagName}>`);
	// Written as a plain attribute, a declaration would be added a second time by the serialiser.
	if (name.startsWith("xmlns:")) of.setAttributeNS("http://www.w3.org/2000/xmlns/", name, written);
	else of.setAttribute(name, written);
}

/** Replaces everything inside an element by a text. */
export function setText(of: Element, value: string | number): void {
	while (of.firstChild) of.removeChild(of.firstChild);
	const written = allowedText(String(value), `<${of.tagName}>`);
	if (written !== "") of.appendChild(factory.createTextNode(written));
}

/** The element as text, without an XML declaration. A carriage return survives, which needs a reference in XML. */
export function serialize(root: Element): string {
	return new XMLSerializer().serializeToString(root).replaceAll("\r", "&#13;");
}

/**
 * Reads a document and returns its root element.
 *
 * @param what what the text is, for the error: "extraXml"
 * @throws XmlError that says what is wrong, near which line; also for anything the parser would have repaired silently
 */
export function parse(xml: string, what = "XML"): Element {
	// The parser wraps what its handler throws and goes on after warnings: the first complaint is the one that matters.
	let first: { message: string; line: number | undefined } | undefined;
	const parser = new DOMParser({
		onError: (_level, message, context) => {
			first ??= { message, line: context?.locator?.lineNumber || undefined };
			throw new Error(message);
		},
	});
	try {
		const root = parser.parseFromString(protect(xml), "text/xml").documentElement;
		if (root) return root;
	} catch (error) {
		if (!(error instanceof ParseError)) throw error;
		const { message, line } = first ?? { message: error.message, line: undefined };
		throw new XmlError(`${what} is not well-formed${line ? ` near line ${line}` : ""}: ${message}`, line);
	}
	throw new XmlError(`${what} is not well-formed: missing root element`);
}

/**
 * The parser takes three characters for ends of lines that are such only in XML 1.1, and complains about a fourth: as
 * references they pass.
 */
function protect(xml: string): string {
	return xml.replace(/[\u0085\u2028\u2029\ufffd]/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** Elements directly inside, all of them or those of one name. */
export function children(of: Element | undefined, name?: string): Element[] {
	if (!of) return [];
	const found: Element[] = [];
	for (let node = of.firstChild; node; node = node.nextSibling) {
		if (isElement(node) && (name === undefined || node.tagName === name)) found.push(node);
	}
	return found;
}

/** The first element at a path such as `devices/emulator`. */
export function child(of: Element | undefined, path: string): Element | undefined {
	let found = of;
	for (const name of path.split("/")) found = children(found, name)[0];
	return found;
}

/** The text of the element itself (no path) or of the first element at a path; undefined when there is none. */
export function text(of: Element | undefined, path?: string): string | undefined {
	const found = path === undefined ? of : child(of, path);
	return found ? (found.textContent ?? "") : undefined;
}

/** An attribute of the first element at a path (`""` for the element itself); undefined when either is missing. */
export function attribute(of: Element | undefined, path: string, name: string): string | undefined {
	const found = path === "" ? of : child(of, path);
	return found?.hasAttribute(name) ? (found.getAttribute(name) ?? undefined) : undefined;
}

/** The first element directly inside that has this namespace and local name, whatever its prefix. */
export function childInNamespace(of: Element | undefined, namespace: string, localName?: string): Element | undefined {
	return children(of).find(
		(item) => item.namespaceURI === namespace && (localName === undefined || item.localName === localName),
	);
}

/** A copy with everything inside, which belongs to no parent. */
export function copy(of: Element): Element {
	return of.cloneNode(true) as Element;
}

/** Puts an element last into another, and returns it. */
export function append(parent: Element, item: Element): Element {
	parent.appendChild(item);
	return item;
}

/** Takes an element out of its parent. */
export function remove(item: Element | undefined): void {
	item?.parentNode?.removeChild(item);
}

function isElement(node: Node): node is Element {
	return node.nodeType === Node.ELEMENT_NODE;
}

function allowedText(value: string, where: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
	const bad = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u.exec(value);
	if (!bad) return value;
	const code = bad[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
	throw new XmlError(
		`${where} has the character U+${code} at position ${bad.index}, which XML cannot hold: ` +
			"allowed are tab, line feed, carriage return and all printable characters",
	);
}
