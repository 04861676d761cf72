/**
 * The tables: for every argument at least one input that has to be refused. `good` is what is right around it. A row is
 * the place and the bad value; the first values of a row are told in the message.
 */
export type Row = readonly [path: string, ...values: unknown[]];

export interface Table {
	good: Record<string, unknown>;
	rows: ReadonlyArray<Row>;
}

export const LONG = "x".repeat(64);

/** Arguments of every resource. */
export const OWNED: Row[] = [
	["adopt", "yes", 1],
	["previousOwnerIds", "org/project/dev/web", { a: "b" }],
];

/** Those of what is on a host. */
export const EVERY: Row[] = [["uri", "hypervisor", "qemu:/system", 5, ""], ...OWNED];

export const NAME: Row = ["name", "a b", "", ".hidden", "a/b", LONG, 5, "nämé"];

export const inside = (path: string, rows: ReadonlyArray<Row>): Row[] =>
	rows.map(([own, ...values]): Row => [`${path}.${own}`, ...values]);
