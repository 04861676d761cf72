/**
 * The escape hatch: a `<network>` fragment that is merged into the generated definition.
 *
 * Rules:
 * 1. The fragment is one well-formed `<network>` element. Its attributes, and those of elements that are there already,
 *    override; what the fragment does not mention stays.
 * 2. An element of which there is one (`forward`, `dns`, `domain`, ...) is merged into it, at every depth.
 * 3. Elements of which there may be several are appended, except that an `<ip>` of the same family and a `<portgroup>`
 *    of the same name are merged.
 * 4. Name, UUID, MAC address and our own metadata cannot be changed by it.
 */
import { METADATA_NAMESPACE } from "../owner";
import {
	attribute,
	child,
	childInNamespace,
	children,
	type Element,
	parse,
	setAttribute,
	setText,
} from "../xml/element";
import { ExtraXmlError } from "../xml/merge";

const SEVERAL = ["address", "forwarder", "host", "hostname", "interface", "pf", "range", "route", "srv", "tag", "txt"];
const OPTIONS = "dnsmasq:option";

/**
 * Reads and checks a fragment.
 * @throws XmlError naming the line when it is malformed, and what it must not have
 */
export function parseExtra(extraXml: string): Element {
	const extra = parse(extraXml, "extraXml");
	if (extra.tagName !== "network") {
		throw new ExtraXmlError(`got <${extra.tagName}> as the root element; allowed is <network>`);
	}
	for (const name of ["name", "uuid", "mac"]) {
		if (child(extra, name)) throw new ExtraXmlError(`got <${name}>, which it must not change; leave it out`);
	}
	if (childInNamespace(child(extra, "metadata"), METADATA_NAMESPACE)) {
		throw new ExtraXmlError(
			`got metadata in the namespace ${METADATA_NAMESPACE}, by which owners are told apart: use another one`,
		);
	}
	return extra;
}

/** Merges a fragment into a definition, which is changed. */
export function mergeExtra(root: Element, extraXml: string): void {
	mergeInto(root, parseExtra(extraXml));
}

function mergeInto(target: Element, extra: Element): void {
	for (let i = 0; i < extra.attributes.length; i++) {
		const { name, value } = extra.attributes.item(i)!;
		setAttribute(target, name, value);
	}
	const items = children(extra);
	const content = extra.textContent ?? "";
	if (items.length === 0 && content.trim() !== "") setText(target, content);
	for (const item of items) {
		const same = counterpart(target, item);
		if (same) mergeInto(same, item);
		else target.appendChild(item);
	}
}

function counterpart(parent: Element, item: Element): Element | undefined {
	const { tagName } = item;
	if (SEVERAL.includes(tagName) || tagName === OPTIONS) return undefined;
	const candidates = children(parent, tagName);
	const key = { ip: "family", portgroup: "name" }[tagName];
	if (key === undefined) return candidates[0];
	const keyOf = (of: Element) => attribute(of, "", key) ?? (tagName === "ip" ? "ipv4" : undefined);
	return candidates.find((candidate) => keyOf(candidate) === keyOf(item));
}
