import { attribute, child, type Element, element, text } from "./element";

/** Bytes of each unit that libvirt takes; without a unit memory is in KiB. */
const UNITS: Record<string, number> = {
	b: 1,
	bytes: 1,
	KB: 1e3,
	k: 2 ** 10,
	KiB: 2 ** 10,
	MB: 1e6,
	M: 2 ** 20,
	MiB: 2 ** 20,
	GB: 1e9,
	G: 2 ** 30,
	GiB: 2 ** 30,
	TB: 1e12,
	T: 2 ** 40,
	TiB: 2 ** 40,
};

/** The amount that an element such as `<memory unit="KiB">` says, in whole MiB (rounded). */
export function readMiB(of: Element, path: string): number | undefined {
	const amount = Number(text(of, path)?.trim() || Number.NaN);
	const unit = UNITS[attribute(of, path, "unit") ?? "KiB"];
	return Number.isNaN(amount) || !unit ? undefined : Math.round((amount * unit) / 2 ** 20);
}

/** `<NAME unit="MiB">amount</NAME>` */
export function mibElement(name: string, amountMiB: number): Element {
	return element(name, { unit: "MiB" }, amountMiB);
}

/** Puts an element where one of its name is, or at the end. */
export function put(parent: Element, item: Element): void {
	const old = child(parent, item.tagName);
	if (old === item) return;
	if (old) parent.replaceChild(item, old);
	else parent.appendChild(item);
}
