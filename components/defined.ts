/** Without what is undefined, which would be an argument. */
export function defined<Group extends object>(group: Group): Partial<Group> {
	return Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined)) as Partial<Group>;
}
