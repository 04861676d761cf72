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
	const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
	const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [...files] }, ts.sys, ROOT);
	const program = ts.createProgram(
		files.map((file) => join(ROOT, file)),
		{ ...options, noEmit: true, incremental: false, tsBuildInfoFile: undefined },
	);
	const reader = new Reader(program.getTypeChecker());
	return (name) => {
		for (const file of files) {
			const source = program.getSourceFile(join(ROOT, file));
			const module = source && reader.checker.getSymbolAtLocation(source);
			const symbol = module && reader.checker.getExportsOfModule(module).find((own) => own.name === name);
			if (symbol) return reader.object(reader.checker.getDeclaredTypeOfSymbol(symbol));
		}
		throw new Error(`no interface ${name} is exported by ${files.join(", ")}`);
	};
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
			description: symbol ? this.comment(symbol) : "",
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
			description: this.comment(symbol),
			default: textsOf("default")[0],
			examples: textsOf("example"),
			literals: parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : [])),
			objects: parts.filter((part) => this.isObject(part)).map((part) => this.object(part)),
		};
	}

	private comment(symbol: ts.Symbol): string {
		return ts
			.displayPartsToString(symbol.getDocumentationComment(this.checker))
			.replaceAll(/\s*\n\s*/g, " ")
			.trim();
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
