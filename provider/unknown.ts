/** What the engine puts in place of a value that is not known yet (`unknownValue` in the SDK's rpc module). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isUnknown(value: unknown): boolean {
	return value === UNKNOWN;
}

/** Whether a value is unknown or has an unknown anywhere inside. */
export function hasUnknown(value: unknown): boolean {
	if (value === UNKNOWN) return true;
	if (Array.isArray(value)) return value.some(hasUnknown);
	if (value !== null && typeof value === "object") return Object.values(value).some(hasUnknown);
	return false;
}
