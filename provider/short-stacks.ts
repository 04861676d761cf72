/**
 * While a resource is registered the SDK takes a stack trace for each of four promises a property, and stores one of
 * unlimited length with the resource. Where a TypeScript program is run by ts-node, which looks up every frame in source
 * maps, that was two thirds of the time of a program with hundreds of machines, and a quarter of its state, which the
 * engine writes after every step.
 */
import { dirname, join, sep } from "node:path";

type Prepare = NonNullable<typeof Error.prepareStackTrace>;

/** Frames of the SDK that it counts off: its own four and the class that calls it. */
const COUNTED_OFF = 5;
const OWN = ["components", "environment", "provider"].map((folder) => join(dirname(__dirname), folder) + sep);

/**
 * From now on, until the function that it returns is called, promises get no stack traces, and the trace that is stored
 * with a resource is the one line of the program that made it, outside of this package.
 */
export function shortStacks(): () => void {
	const { stackTraceLimit, prepareStackTrace } = Error;
	const prepare: Prepare = prepareStackTrace ?? plainly;
	Error.stackTraceLimit = 0;
	Error.prepareStackTrace = (error, frames) => {
		const caller = frames.slice(COUNTED_OFF).find((frame) => isOfProgram(frame));
		if (!caller) return prepare(error, frames);
		// What is counted off is not looked up in source maps.
		return plainly(error, frames.slice(0, COUNTED_OFF)) + prepare(error, [caller]).slice(String(error).length);
	};
	return () => {
		Error.stackTraceLimit = stackTraceLimit;
		if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
		else Reflect.deleteProperty(Error, "prepareStackTrace");
	};
}

function isOfProgram(frame: NodeJS.CallSite): boolean {
	const file = frame.getFileName()?.replace(/^file:\/\//, "");
	return file !== undefined && !OWN.some((folder) => file.startsWith(folder));
}

const OF_SDK = /^node:|[/\\]@(pulumi[/\\]pulumi|grpc)[/\\]/;
let plain: Prepare | undefined;

/**
 * What the SDK does later for a resource, out of sight of `shortStacks`, takes some ten more such traces, in which there is
 * nothing of the program. From the first resource on they are left without source maps.
 */
export function plainStacksOfSdk(): void {
	const { prepareStackTrace } = Error;
	if (!prepareStackTrace || prepareStackTrace === plain) return;
	plain = (error, frames) =>
		frames.every((frame) => OF_SDK.test(frame.getFileName() ?? "node:"))
			? plainly(error, frames)
			: prepareStackTrace(error, frames);
	Error.prepareStackTrace = plain;
}

/** As V8 does it where nobody else does. */
function plainly(error: Error, frames: NodeJS.CallSite[]): string {
	return [String(error), ...frames.map((frame) => `    at ${frame}`)].join("\n");
}
