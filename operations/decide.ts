/** What a call changes in the configuration of a set. Pure. */

import { defined } from "../components/defined";
import type { ConfiguredChild, ConfiguredSet } from "../components/forked-vm-set/configured";

/** What is asked of a set. */
export type Ask =
	| { operation: "create" | "destroy"; children?: string[] | undefined; count?: number | undefined }
	| { operation: "powerOn" | "powerOff" | "revert"; children?: string[] | undefined }
	| {
			operation: "reset";
			children?: string[] | undefined;
			onReset?: "boot" | "refork" | undefined;
			/** A text that was not there before. */
			trigger: string;
	  };

/** @returns what the configuration is to say of the set, without what says nothing */
export function decided(before: ConfiguredSet, ask: Ask): ConfiguredSet {
	return tidied(ask.children === undefined ? ofAll(before, ask) : ofEach(before, ask, ask.children));
}

function ofAll(before: ConfiguredSet, ask: Ask): ConfiguredSet {
	const withoutOf = (...keys: Array<keyof ConfiguredChild>) => ({
		children: Object.fromEntries(
			Object.entries(before.children ?? {}).map(([name, own]) => [name, without(own, keys)]),
		),
	});
	switch (ask.operation) {
		case "create":
		case "destroy":
			return { ...before, ...defined({ count: ask.count }) };
		case "powerOn":
		case "powerOff":
			return { ...before, power: powerOf(ask.operation), ...withoutOf("power") };
		case "reset":
			return { ...before, resetTrigger: ask.trigger, onReset: ask.onReset, ...withoutOf("onReset") };
		case "revert":
			return { ...without(before, ["count", "power", "onReset"]), ...withoutOf("exists", "power", "onReset") };
	}
}

function ofEach(before: ConfiguredSet, ask: Ask, names: string[]): ConfiguredSet {
	const changed = names.map((name) => [name, ofOne(before.children?.[name] ?? {}, ask)] as const);
	return { ...before, children: { ...before.children, ...Object.fromEntries(changed) } };
}

function ofOne(own: ConfiguredChild, ask: Ask): ConfiguredChild {
	switch (ask.operation) {
		// Of a former child of that name nothing stays.
		case "create":
			return { exists: true };
		case "destroy":
			return { exists: false };
		case "powerOn":
		case "powerOff":
			return { ...own, power: powerOf(ask.operation) };
		case "reset":
			return { ...own, resetTrigger: ask.trigger, onReset: ask.onReset };
		// The trigger stays: another one, and none beside one of the program, would be a reset.
		case "revert":
			return without(own, ["exists", "power", "onReset"]);
	}
}

function powerOf(operation: "powerOn" | "powerOff"): "on" | "off" {
	return operation === "powerOn" ? "on" : "off";
}

function without<Group extends object>(group: Group, keys: ReadonlyArray<PropertyKey>): Partial<Group> {
	return Object.fromEntries(Object.entries(group).filter(([key]) => !keys.includes(key))) as Partial<Group>;
}

function tidied({ children = {}, ...set }: ConfiguredSet): ConfiguredSet {
	const said = Object.entries(children)
		.map(([name, own]) => [name, defined(own)] as const)
		.filter(([, own]) => Object.keys(own).length > 0);
	return { ...defined(set), ...(said.length > 0 && { children: Object.fromEntries(said) }) };
}
