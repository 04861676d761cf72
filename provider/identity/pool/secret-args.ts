import * as pulumi from "@pulumi/pulumi";
import { isLater } from "../../later";

/** The arguments with one value in them marked as a secret, wherever it comes from; what is not there stays so. */
export function secretAt<T>(value: T, path: ReadonlyArray<string>): T {
	const [step, ...rest] = path;
	if (value === undefined || value === null) return value;
	if (step === undefined || isLater(value)) return pulumi.secret(value) as T;
	if (typeof value !== "object" || !(step in value)) return value;
	return { ...value, [step]: secretAt((value as Record<string, unknown>)[step], rest) };
}
