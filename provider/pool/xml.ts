import { attribute, child, element, parse, remove, serialize, setText, text } from "../xml/element";

/** Who made a pool, where libvirt has room for it: pools have no `<metadata>`, but a vendor and product of their source. */
const VENDOR = "pulumi-libvirt-clones";

export function poolXml(pool: { name: string; uuid: string; path: string; ownerId: string }): string {
	return serialize(
		element(
			"pool",
			{ type: "dir" },
			element("name", {}, pool.name),
			element("uuid", {}, pool.uuid),
			sourceOf(pool.ownerId),
			element("target", {}, element("path", {}, pool.path)),
		),
	);
}

function sourceOf(ownerId: string) {
	return element("source", {}, element("vendor", { name: VENDOR }), element("product", { name: ownerId }));
}

/** Type and directory of a pool, and its owner where that is recorded. */
export function describePool(xml: string): { type: string; path: string | undefined; owner: string | undefined } {
	const root = parse(xml, "the pool's XML");
	const isOurs = attribute(root, "source/vendor", "name") === VENDOR;
	return {
		type: root.getAttribute("type") ?? "",
		path: text(root, "target/path"),
		owner: isOurs ? attribute(root, "source/product", "name") : undefined,
	};
}

/** The same definition under another name, or of another owner. A pool of type `dir` has no other source. */
export function changedPoolXml(xml: string, { name, ownerId }: { name: string; ownerId: string }): string {
	const root = parse(xml, "the pool's XML");
	setText(child(root, "name")!, name);
	remove(child(root, "source"));
	root.insertBefore(sourceOf(ownerId), child(root, "target")!);
	return serialize(root);
}
