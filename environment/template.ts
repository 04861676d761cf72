/** Texts with variables in them: `${name}`; `$${` stands for a literal `${`. */

export type Part = { text: string } | { variable: string };

/** @returns undefined where there is nothing to put in */
export function parseTemplate(text: string): Part[] | undefined {
	if (!text.includes("${")) return undefined;
	const parts: Part[] = [];
	let literal = "";
	let rest = text;
	for (let match = FIRST.exec(rest); match; match = FIRST.exec(rest)) {
		literal += rest.slice(0, match.index);
		rest = rest.slice(match.index + match[0].length);
		if (match[1] === undefined) {
			literal += "${";
			continue;
		}
		if (literal !== "") parts.push({ text: literal });
		literal = "";
		parts.push({ variable: match[1].trim() });
	}
	literal += rest;
	if (literal !== "") parts.push({ text: literal });
	return parts;
}

const FIRST = /\$\$\{|\$\{([^}]*)\}?/;
