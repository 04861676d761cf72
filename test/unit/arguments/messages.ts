import assert from "node:assert/strict";

/** What is allowed, or what to do about it. */
const REMEDY =
	/allowed|no such property|did you mean|leave .*out|\b(give|use|set|choose|make|put|take|mend|convert|correct|change|name|add|quote|declared|write|wait|run|shut|remove|install|unpack|flatten) /i;

/** A message names the property, tells the value that was got, and what is allowed or what to do. */
export function isHelpful(message: string, { property, got }: { property: string; got: string }): void {
	const line = message.split("\n").find((own) => own.includes(`${property}: `));
	assert.ok(line !== undefined, `${property} is not named in: ${message}`);
	assert.ok(line.includes(got), `${got} is not told in: ${line}`);
	assert.match(line.slice(line.indexOf(property) + property.length), REMEDY);
}
