/** What the package exports, with the members that a program can read or call. */
import ts from "typescript";
import { commentOf, exportsOf, programOf } from "./documentation";

export interface Member {
	/** With the parameters, where it is a method. */
	name: string;
	type: string;
	description: string;
}

export interface Export {
	name: string;
	/** `type`: another name for what `alias` says, which of a `function` is its signature. */
	kind: "class" | "interface" | "type" | "function";
	alias: string | undefined;
	description: string;
	/** Its own, without those of the engine's classes. */
	members: Member[];
}

const INDEX = "index.ts";
const FORMAT = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType;

export function packageExports(): Export[] {
	const program = programOf([INDEX]);
	const checker = program.getTypeChecker();
	return exportsOf(program, INDEX)
		.map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
		.map((symbol): Export => {
			const type = checker.getDeclaredTypeOfSymbol(symbol);
			const kind = kindOf(symbol);
			return {
				name: symbol.name,
				kind,
				alias: kind === "function" ? signatureOf(symbol, checker) : kind === "type" ? aliasOf(symbol) : undefined,
				description: commentOf(symbol, checker),
				members:
					kind === "type" || kind === "function"
						? []
						: ownMembers(type, program).map((member) => describe(member, checker)),
			};
		})
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function kindOf({ flags }: ts.Symbol): Export["kind"] {
	if (flags & ts.SymbolFlags.Class) return "class";
	if (flags & ts.SymbolFlags.Function) return "function";
	return flags & ts.SymbolFlags.Interface ? "interface" : "type";
}

function signatureOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
	return checker.typeToString(checker.getTypeOfSymbol(symbol), undefined, FORMAT);
}

function aliasOf(symbol: ts.Symbol): string | undefined {
	const declaration = symbol.declarations?.find(ts.isTypeAliasDeclaration);
	return declaration?.type
		.getText()
		.replaceAll(/\s+/g, " ")
		.replaceAll(/\bpulumi\./g, "");
}

function ownMembers(type: ts.Type, program: ts.Program): ts.Symbol[] {
	const isHidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
	return type.getProperties().filter((member) => {
		const [declaration] = member.declarations ?? [];
		if (!declaration || program.isSourceFileFromExternalLibrary(declaration.getSourceFile())) return false;
		if (/node_modules/.test(declaration.getSourceFile().fileName)) return false;
		return !member.name.startsWith("__") && (ts.getCombinedModifierFlags(declaration) & isHidden) === 0;
	});
}

function describe(member: ts.Symbol, checker: ts.TypeChecker): Member {
	const type = checker.getTypeOfSymbol(member);
	const [call] = member.flags & ts.SymbolFlags.Method ? type.getCallSignatures() : [];
	const parameters = call?.parameters.map(({ name }) => name).join(", ");
	return {
		name: call ? `${member.name}(${parameters})` : member.name,
		type: writtenType(member) ?? checker.typeToString(call ? call.getReturnType() : type, undefined, FORMAT),
		description: commentOf(member, checker),
	};
}

/** As the source has it, which does not change with the order of other code; not where it only names another type's part. */
function writtenType(member: ts.Symbol): string | undefined {
	const written = (member.valueDeclaration as ts.PropertyDeclaration | undefined)?.type?.getText();
	return written?.includes('["') ? undefined : written?.replaceAll(/\bpulumi\./g, "").replaceAll(/\s+/g, " ");
}
