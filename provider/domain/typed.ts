/** What machines of an instance type have beside their size: a CPU, and NICs and devices after their own. */
import * as pulumi from "@pulumi/pulumi";
import { isLater } from "../later";
import { append, child, type Element, element, parse, serialize, XmlError } from "../xml/element";

interface Given {
	instanceType?: unknown;
	cpu?: unknown;
	nics?: unknown;
	extraXml?: unknown;
}

/**
 * A machine's arguments with what its type gives it among its own NICs and devices. What is no list, or no XML, is left to
 * the check, which refuses it by its name.
 * @param nic what is made of a NIC of the type
 */
export function ofType(given: Given, nic: (nic: object) => unknown): Given {
	const { instanceType } = given;
	if (!isLater(instanceType)) return extended(given, nic);
	const whole = pulumi.output(given as object).apply((known) => extended(known, nic)) as pulumi.Output<Required<Given>>;
	return { instanceType: whole.instanceType, cpu: whole.cpu, nics: whole.nics, extraXml: whole.extraXml };
}

function extended(given: Given, nic: (nic: object) => unknown): Given {
	const { instanceType, cpu, nics, extraXml } = given;
	if (typeof instanceType !== "object" || instanceType === null) return given;
	const { cpu: model, nics: more = [], devices = [], ...size } = instanceType as Record<string, unknown>;
	if (!Array.isArray(more) || !Array.isArray(devices)) return given;
	return {
		instanceType: size,
		cpu: model === undefined ? cpu : later([model, cpu], withOwn),
		nics: more.length > 0 ? [...(Array.isArray(nics) ? nics : []), ...more.map(nic)] : nics,
		extraXml: devices.length > 0 ? later([extraXml, ...devices], withDevices) : extraXml,
	};
}

/** At once where all is known. */
function later<T>(values: unknown[], work: (values: unknown[]) => T): T | pulumi.Output<T> {
	return values.some(isLater) ? pulumi.all(values).apply((known) => work(known as unknown[])) : work(values);
}

/** Topology goes with a model; another model takes the place of the type's, and of what that has beside it. */
function withOwn([ofType, own]: unknown[]): unknown {
	if (own === undefined) return ofType;
	if (!isGroup(ofType) || !isGroup(own)) return isGroup(ofType) ? own : ofType;
	return own.mode !== undefined || own.model !== undefined ? own : { ...ofType, ...own };
}

function isGroup(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fragment with more devices: each stands for itself, so that a wrong one is told by the check as it is. */
function withDevices([extraXml, ...devices]: unknown[]): unknown {
	const before = typeof extraXml === "string" && extraXml !== "" ? fragmentOf(extraXml) : element("domain");
	if (!before) return extraXml;
	const list = child(before, "devices") ?? append(before, element("devices"));
	for (const device of devices) append(list, parse(String(device), "a device of the instance type"));
	return serialize(before);
}

function fragmentOf(xml: string): Element | undefined {
	try {
		return parse(xml, "extraXml");
	} catch (error) {
		if (error instanceof XmlError) return undefined;
		throw error;
	}
}
