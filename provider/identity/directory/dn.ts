/** Distinguished names (RFC 4514): built with every value escaped, and read as far as the domain in them. */

/** "uid=web-1,ou=machines,dc=example,dc=com"; whatever the value holds, it stays one value. */
export function childDn(attribute: string, value: string, parent: string): string {
	return `${attribute}=${escapeDnValue(value)},${parent}`;
}

/** A value as it stands in a distinguished name. */
export function escapeDnValue(value: string): string {
	const last = value.length - 1;
	return [...Buffer.from(value)]
		.map((byte, index, bytes) => {
			const character = String.fromCharCode(byte);
			const atEnd = index === 0 || index === bytes.length - 1;
			const plain = byte > 0x20 && byte < 0x7f && !'"#+,;<=>\\'.includes(character);
			return plain || (character === " " && !atEnd && last > 0) ? character : `\\${byte.toString(16).padStart(2, "0")}`;
		})
		.join("");
}

/** Whether a text has the form of a distinguished name: what it leads to is the directory's to say. */
export function isDn(text: string): boolean {
	const attribute = String.raw`(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)`;
	const value = String.raw`(?:\\[0-9A-Fa-f]{2}|\\[ "#+,;<=>\\]|[^\x00"+,;<>\\])+`;
	const pair = `\\s*${attribute}\\s*=${value}`;
	return new RegExp(`^${pair}(?:[,+]${pair})*$`, "u").test(text);
}

/** The domain that the DC parts of a name spell: "example.com"; undefined where there are none. */
export function domainOfDn(dn: string): string | undefined {
	const labels = [...dn.matchAll(/(?:^|,)\s*DC\s*=\s*([A-Za-z0-9-]+)\s*(?=,|$)/gi)].map(([, label]) => label);
	return labels.length === 0 ? undefined : labels.join(".").toLowerCase();
}

/** The root of a domain: "DC=example,DC=com". */
export function dnOfDomain(domain: string): string {
	return domain
		.split(".")
		.map((label) => `DC=${escapeDnValue(label)}`)
		.join(",");
}
