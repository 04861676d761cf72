/** What the arguments of a pool say of it before it is there, so that a program that asks too much of it is refused. */
import { InputError } from "../../lifecycle";
import type { IdentityPoolArgs } from "./resource";

/** undefined is what is only known later. */
export interface Declared {
	/** How many identities. */
	size?: number | undefined;
	/** Whether they have MAC addresses. */
	macs?: boolean | undefined;
	addressing?: "dhcp" | "static" | undefined;
}

interface Known extends Declared {
	/** How many the program has taken so far. */
	taken: number;
}

const pools = new WeakMap<object, Known>();

export function declarePool(pool: object, { identities, count, macs, addressing = "dhcp" }: IdentityPoolArgs): void {
	const list = Array.isArray(identities) ? identities : undefined;
	pools.set(pool, {
		size: list?.length ?? (typeof count === "number" ? count : undefined),
		macs: list
			? list.some((identity) => "mac" in Object(identity))
			: identities === undefined
				? macs !== undefined
				: undefined,
		addressing: typeof addressing === "string" ? addressing : undefined,
		taken: 0,
	});
}

/** @param pool whatever stands for one */
export function declaredBy(pool: unknown): Declared {
	return known(pool) ?? {};
}

export function noteTaken(pool: unknown): void {
	const own = known(pool);
	if (own) own.taken++;
}

/** @throws InputError when the program takes more identities than the pool has */
export function requireRoom(what: string, property: string, pool: unknown, wanted: number): void {
	const { size, taken = 0 } = known(pool) ?? {};
	if (size === undefined || taken + wanted <= size) return;
	const others = taken === 0 ? "" : `, of which the program takes ${taken} elsewhere`;
	throw new InputError(
		property,
		`${what}: ${property}: got a pool of ${size} identities${others}; allowed is one with room for ${wanted} more: give it more identities, or take fewer`,
	);
}

function known(pool: unknown): Known | undefined {
	return typeof pool === "object" && pool !== null ? pools.get(pool) : undefined;
}
