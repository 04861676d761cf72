/** Comments of exported interfaces, read with the TypeScript compiler: the one source of all descriptions. */
import { join } from "node:path";
import ts from "typescript";

/** One property of an interface. */
export interface DocumentedProperty {
	name: string;
	optional: boolean;
	/** The comment without its tags. */
	description: string;
	/** Text of `@default`. */
	default: string | undefined;
	/** Texts of `@example`. */
	examples: string[];
	/** String literals that the type allows besides anything else. */
	literals: string[];
	/** What the value can be, where that is an object, the items of a list or the values of a record. */
	objects: DocumentedObject[];
}

/** One interface, or an object type without a name. */
export interface DocumentedObject {
	/** Absent for types without a name. */
	name: string | undefined;
	description: string;
	properties(): ReadonlyMap<string, DocumentedProperty>;
}

const ROOT = join(__dirname, "../../..");

/** @param files relative to the repository, with the interfaces that are asked for */
export function readDocumentation(files: ReadonlyArray<string>): (name: string) => DocumentedObject {
	const program = programOf(files);
	const reader = new Reader(program.getTypeChecker());
	return (name) => {
		for (const file of files) {
			const symbol = exportsOf(program, file).find((own) => own.name === name);
			if (symbol) return reader.object(reader.checker.getDeclaredTypeOfSymbol(symbol));
		}
		throw new Error(`no interface ${name} is exported by ${files.join(", ")}`);
	};
}

const programs = new Map<string, ts.Program>();

/** The compiler's view of files, which takes seconds once. @param files relative to the repository */
export function programOf(files: ReadonlyArray<string>): ts.Program {
	const key = files.join(" ");
	const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
	const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [...files] }, ts.sys, ROOT);
	const program =
		programs.get(key) ??
		ts.createProgram(
			files.map((file) => join(ROOT, file)),
			{ ...options, noEmit: true, incremental: false, tsBuildInfoFile: undefined },
		);
	programs.set(key, program);
	return program;
}

/** What a file exports, under the names that it exports it by. */
export function exportsOf(program: ts.Program, file: string): ts.Symbol[] {
	const checker = program.getTypeChecker();
	const source = program.getSourceFile(join(ROOT, file));
	const module = source && checker.getSymbolAtLocation(source);
	return module ? checker.getExportsOfModule(module) : [];
}

/** The comment of a symbol without its tags, in one line. */
export function commentOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
	return ts
		.displayPartsToString(symbol.getDocumentationComment(checker))
		.replaceAll(/\s*\n\s*/g, " ")
		.trim();
}

class Reader {
	private readonly known = new Map<ts.Type, DocumentedObject>();

	constructor(readonly checker: ts.TypeChecker) {}

	object(type: ts.Type): DocumentedObject {
		const before = this.known.get(type);
		if (before) return before;
		const symbol = type.aliasSymbol ?? type.symbol;
		let properties: Map<string, DocumentedProperty> | undefined;
		const object: DocumentedObject = {
			name: symbol && !symbol.name.startsWith("__") ? symbol.name : undefined,
			description: symbol ? commentOf(symbol, this.checker) : "",
			properties: () => {
				properties ??= new Map(this.checker.getPropertiesOfType(type).map((own) => [own.name, this.property(own)]));
				return properties;
			},
		};
		this.known.set(type, object);
		return object;
	}

	private property(symbol: ts.Symbol): DocumentedProperty {
		const tags = symbol.getJsDocTags(this.checker);
		const textsOf = (name: string): string[] =>
			tags.filter((tag) => tag.name === name).map((tag) => ts.displayPartsToString(tag.text).trim());
		const parts = this.parts(this.checker.getTypeOfSymbol(symbol));
		return {
			name: symbol.name,
			optional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
			description: commentOf(symbol, this.checker),
			default: textsOf("default")[0],
			examples: textsOf("example"),
			literals: parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : [])),
			objects: parts.filter((part) => this.isObject(part)).map((part) => this.object(part)),
		};
	}

	/** The types a value can have: without outputs and promises of them, and with items in place of lists. */
	private parts(type: ts.Type): ts.Type[] {
		if (type.isUnion()) return type.types.flatMap((part) => this.parts(part));
		const name = type.symbol?.name;
		if (name === "Promise" || name === "OutputInstance") return [];
		if (this.checker.isArrayType(type))
			return this.checker.getTypeArguments(type as ts.TypeReference).flatMap((item) => this.parts(item));
		const values = type.getStringIndexType();
		return values ? this.parts(values) : [type];
	}

	private isObject(type: ts.Type): boolean {
		return (
			(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0 && type.getCallSignatures().length === 0
		);
	}
}
