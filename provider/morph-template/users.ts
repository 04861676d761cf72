/** Which machines of a run refer to a stored template. */

/** By template. */
const all = new WeakMap<object, Set<string>>();

/** @param names where the names of those who refer to it are put */
export function keepUsers(template: object, names: Set<string>): void {
	all.set(template, names);
}

/** Whether it is a stored template; the machine is one of its own then. */
export function isTemplateOf(template: unknown, machine: string): template is { steps: unknown } {
	const users = typeof template === "object" && template !== null ? all.get(template) : undefined;
	users?.add(machine);
	return users !== undefined;
}
