/** What a program asks of a machine's ids. The words of its errors are those of `guest/init/parameters.awk`. */
import { type Hardware, hashOf, hexOf, type Identifier, instanceOf, parseIdentifier } from "../identifiers";
import { MOST_BYTES } from "./syntax";

/** Ends a program; the message names the values. */
export class Failure extends Error {}

/** Ends a program: only the machine itself can tell one of its ids. */
export class UnknownId extends Error {}

export class Ids {
	private readonly hashes = new Map<string | undefined, string>();

	/**
	 * @param identifier in full; several make a combination
	 * @param hardware what is known of the machine; a TPM that is not in it counts as unknown, everything else as absent
	 */
	constructor(
		private readonly identifier: ReadonlyArray<string>,
		private readonly hardware: Hardware,
	) {}

	text(of?: string): string {
		return this.parts(of)
			.map((part) => this.value(part))
			.join("/");
	}

	/** @param of in this and the following: absent for the machine's own id */
	hash(of?: string): string {
		const hash = this.hashes.get(of) ?? hashOf(this.text(of));
		this.hashes.set(of, hash);
		return hash;
	}

	instance(of?: string): number {
		const instance = this.instanceIfAny(of);
		if (instance === undefined) throw new Failure(`${this.name(of)} has no instance number`);
		return instance;
	}

	instanceIfAny(of?: string): number | undefined {
		for (const part of this.parts(of)) {
			const { kind } = parseIdentifier(part);
			const instance = kind === "tpm" ? undefined : instanceOf(kind, this.value(part));
			if (instance !== undefined) return instance;
		}
		return undefined;
	}

	/** @param from place of the first byte; below zero it counts from the end, as does `to` */
	bytes(from: number, to: number, of?: string): number {
		const part = this.parts(of).find((each) => hasBytes(parseIdentifier(each)));
		if (part === undefined) throw new Failure(`${this.name(of)} has no bytes`);
		const hex = hexOf(parseIdentifier(part).kind, this.value(part))!;
		const count = hex.length / 2;
		const places = [from, to].map((place) => {
			const index = place < 0 ? place + count : place;
			if (index >= 0 && index < count) return index;
			throw new Failure(`${part} has ${count} bytes, and no byte ${place}`);
		});
		const [first, last] = places as [number, number];
		if (last >= first && last - first < MOST_BYTES) return Number.parseInt(hex.slice(first * 2, last * 2 + 2), 16);
		throw new Failure(
			`byte ${from} to byte ${to} of ${part} are ${Math.max(0, last - first + 1)} bytes; allowed are 1 to ${MOST_BYTES}`,
		);
	}

	/** @throws Failure when a part of the machine's own id is absent */
	checkOwn(): void {
		for (const part of this.parts()) if (!this.isUnknown(part)) this.value(part);
	}

	private parts(of?: string): ReadonlyArray<string> {
		return of === undefined ? this.identifier : [of];
	}

	private name(of?: string): string {
		return this.parts(of).join("/");
	}

	private isUnknown(part: string): boolean {
		return part === "tpm" && this.hardware[part] === undefined;
	}

	private value(part: string): string {
		const value = this.hardware[part];
		if (value !== undefined) return value;
		throw this.isUnknown(part) ? new UnknownId(part) : new Failure(`this machine has no ${part}`);
	}
}

function hasBytes({ kind }: Identifier): boolean {
	return kind === "mac" || kind === "uuid" || kind === "tpm";
}
