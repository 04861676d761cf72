/** Reads PowerShell by a parser: there is none to run it with. */
import { join } from "node:path";
import { Language, type Node, Parser } from "web-tree-sitter";
import { repository } from "../../../tools/pulumi/project";

export interface Script {
	/** Where it is no PowerShell: line and text. */
	faults: string[];
	/** In lower case, as PowerShell makes no difference. */
	commands: Set<string>;
	functions: Set<string>;
	/** Variables of its own that it sets, and that it reads: without those that PowerShell sets, and the environment. */
	set: Set<string>;
	read: Set<string>;
	/** Keys of the tables that are given to variables, by the variable. */
	tables: Map<string, string[]>;
}

const OF_POWERSHELL = ["_", "null", "true", "false", "psscriptroot", "error", "lastexitcode", "erroractionpreference"];

export async function powershellReader(): Promise<(text: string) => Script> {
	await Parser.init();
	const folder = join(repository, "node_modules/tree-sitter-powershell");
	const parser = new Parser().setLanguage(await Language.load(join(folder, "tree-sitter-powershell.wasm")));
	return (text) => {
		const tree = parser.parse(text);
		if (!tree) throw new Error("the parser gave up");
		try {
			return scriptOf(tree.rootNode);
		} finally {
			tree.delete();
		}
	};
}

function scriptOf(root: Node): Script {
	const script: Script = {
		faults: [],
		commands: new Set(),
		functions: new Set(),
		set: new Set(),
		read: new Set(),
		tables: new Map(),
	};
	const visit = (node: Node, isSet: boolean) => {
		if (node.isError || node.isMissing) script.faults.push(`${node.startPosition.row + 1}: ${node.text.slice(0, 60)}`);
		const text = node.text.toLowerCase();
		if (node.type === "command_name") script.commands.add(text);
		if (node.type === "function_name") script.functions.add(text);
		if (node.type === "assignment_expression") tableOf(node, script.tables);
		if (node.type === "variable") {
			const name = text.slice(1);
			if (!OF_POWERSHELL.includes(name) && !name.includes(":")) (isSet ? script.set : script.read).add(name);
		}
		const place = node.children.findIndex((inner) => inner?.type === "variable");
		for (const [index, inner] of node.children.entries()) {
			if (!inner) continue;
			const sets =
				// What is a property or an element of it has to be there before.
				(node.type === "assignment_expression" && index === 0 && /^\$[\w, $]+$/.test(inner.text)) ||
				(isSet && node.type !== "script_parameter") ||
				(["foreach_statement", "script_parameter"].includes(node.type) && index === place);
			visit(inner, sets);
		}
	};
	visit(root, false);
	return script;
}

function tableOf(assignment: Node, tables: Script["tables"]): void {
	const name = assignment.children[0]?.text;
	const [table] = assignment.descendantsOfType("hash_literal_body");
	if (!name || !table) return;
	const keys = table.children.flatMap((entry) =>
		entry?.type === "hash_entry" ? [entry.descendantsOfType("key_expression")[0]!.text.replaceAll("'", "")] : [],
	);
	tables.set(name.slice(1).toLowerCase(), keys);
}
