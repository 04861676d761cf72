/** Puts tables into Markdown files, between `<!-- bench NAME -->` and `<!-- /bench -->`. */
import { readFile, writeFile } from "node:fs/promises";

/** A cell of text, or a number in its row's unit. */
type Cell = string | number | undefined;

export function markdownTable(head: string[], rows: Cell[][]): string {
	const line = (cells: Cell[]) => `| ${cells.map(shown).join(" | ")} |`;
	return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

function shown(cell: Cell): string {
	if (typeof cell !== "number") return cell ?? "";
	return String(Number(cell.toPrecision(cell < 100 ? 2 : 3)));
}

/** The text with each table in its place; places of tables that are not given stay as they are. */
export function withTables(text: string, tables: Record<string, string>): string {
	return text.replace(/(<!-- bench (\S+) -->\n)[\s\S]*?(<!-- \/bench -->)/g, (found, begin, name, end) =>
		name in tables ? `${begin}${tables[name]}\n\n${end}` : found,
	);
}

export async function fillTables(files: string[], tables: Record<string, string>): Promise<void> {
	for (const file of files) await writeFile(file, withTables(await readFile(file, "utf8"), tables));
}
