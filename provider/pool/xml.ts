import { child, element, parse, serialize, setText, text } from "../xml/element";

export function poolXml(pool: { name: string; uuid: string; path: string }): string {
	return serialize(
		element(
			"pool",
			{ type: "dir" },
			element("name", {}, pool.name),
			element("uuid", {}, pool.uuid),
			element("target", {}, element("path", {}, pool.path)),
		),
	);
}

/** Type and directory of a pool. */
export function describePool(xml: string): { type: string; path: string | undefined } {
	const root = parse(xml, "the pool's XML");
	return { type: root.getAttribute("type") ?? "", path: text(root, "target/path") };
}

/** The same definition under another name. */
export function renamedPoolXml(xml: string, name: string): string {
	const root = parse(xml, "the pool's XML");
	setText(child(root, "name")!, name);
	return serialize(root);
}
